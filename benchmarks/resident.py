"""The resident memory of this process, looked at over and over while something runs."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import psutil

_EVERY: Final = 0.002
"""Seconds between two looks."""


def resident() -> int:
    """Return the bytes that are resident."""
    return int(psutil.Process().memory_info().rss)


def anonymous() -> int:
    """Return the resident bytes without what is mapped from files, where the system tells them apart."""
    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


@contextmanager
def watched(look: Callable[[], int]) -> Generator[list[int]]:
    """Give the list of what was seen, from just before the block to its end."""
    seen, done = [look()], threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY):
            seen.append(look())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
