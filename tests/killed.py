"""Functions in processes of their own that are killed, as by ``kill -9``: where a test says, or at a fail point."""

import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["saedb.cypher.load", "saedb.cypher.server.local"])

_CHANGES: Final = ("os.rename", "os.remove", "os.rmdir", "os.mkdir")
"""Audit events of what changes a folder; that of an opened file counts where it is opened for writing."""


def run(
    function: Callable[..., Any],
    *arguments: Any,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> int:
    """Return the exit status of a process that calls a function; minus the signal that killed it.

    Args:
        function: what a module has under a name.
        arguments: for it.
        environment: variables to set.
        seconds: when to kill it.
    """
    return _status(_called, environment or {}, function, arguments, seconds=seconds)


def copy_before_each_change(folder: Path, copies: Path, function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function, and copy a folder each time before it changes a file: what a kill there would leave."""
    assert _status(_copied, folder, copies, function, arguments) == 0


def _status(target: Callable[..., None], *arguments: Any, seconds: float | None = None) -> int:
    process = _context.Process(target=target, args=arguments)
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def _called(environment: Mapping[str, str], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ.update(environment)
    function(*arguments)


def _copied(folder: Path, copies: Path, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    count, is_copying = 0, False

    def watch(event: str, details: tuple[Any, ...]) -> None:
        nonlocal count, is_copying
        writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR)
        if not is_copying and (writes or event in _CHANGES):
            is_copying = True
            shutil.copytree(folder, copies / str(count))
            count, is_copying = count + 1, False

    sys.addaudithook(watch)
    function(*arguments)
