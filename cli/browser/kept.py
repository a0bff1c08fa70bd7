"""Answers that took long, kept while the feature browser runs."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final, TypeVar, cast

T = TypeVar("T")

_MOST: Final = 256


class Kept:
    """What was computed, by key; the key has to hold everything that it depends on, such as the content of a run.

    Of several threads that ask for the same at once one computes it, and the others wait. The longest unused go first.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._locks: OrderedDict[Hashable, Lock] = OrderedDict()
        self._found: dict[Hashable, object] = {}

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` gave for this key; an error of it is not kept."""
        with self._own(key):
            if key not in self._found:
                self._found[key] = compute()
            return cast("T", self._found[key])

    def _own(self, key: Hashable) -> Lock:
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
            self._locks.move_to_end(key)
            if len(self._locks) > _MOST:
                oldest, _ = self._locks.popitem(last=False)
                self._found.pop(oldest, None)
            return lock
