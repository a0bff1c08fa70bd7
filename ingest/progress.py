"""How long work tells what it does. Computing code calls a `Report`; only the command line draws bars."""

from collections.abc import Callable

Report = Callable[[str, int, int | None], None]
"""Called with the stage's name, the units done and the units in all (None: not known). A new name starts a new bar."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Report nothing."""
    del stage, done, total
