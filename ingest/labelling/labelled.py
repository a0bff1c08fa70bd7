"""What a file of labels says, row by row, and what in it is no label."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

LONGEST: Final = 500
"""Characters of a label, at most: of a longer one the end is cut."""
LISTED: Final = 10
"""Rows that are listed of those that are of no use; all are counted."""

_LONGEST_NAME: Final = 100


class Labelled(NamedTuple):
    """One label as a file has it."""

    sae: str
    """``{model}/{layer}-{set}``, ``{layer}-{set}``, or only the number of the layer."""
    feature: int
    """Its index."""
    text: str
    """Cleaned; may be empty."""
    author: str | None = None
    """Model or person that wrote it."""
    method: str | None = None
    score: float | None = None
    source: str | None = None
    """Where the row itself names one."""


class UselessError(Exception):
    """A row holds no label; the message says why."""


@dataclass(slots=True)
class Tally:
    """Things that are of no use: how many, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list[str])

    def add(self, what: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append(what)


def cleaned(text: object, longest: int = LONGEST) -> str:
    """Return a text on one line, without what cannot be printed, the end of a long one cut; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    line = " ".join(text.split())
    if not line.isprintable():
        line = " ".join("".join(character for character in line if character.isprintable()).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def name_in(text: object) -> str | None:
    """Return the name of an author or a method; None where there is none."""
    return cleaned(text, _LONGEST_NAME) or None


def whole_number(value: object, what: str) -> int:
    """Return an index that is a number or a text of digits.

    Raises:
        UselessError: it is neither; `what` says what it should be.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        return int(value)
    raise UselessError(f"no {what}" if value in (None, "") else f"{what} {str(value)[:40]!r} is no number")


def number(value: object) -> float | None:
    """Return a score; None where there is none that is finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < float("inf") else None


Rows = Iterator[tuple[str, Labelled | UselessError]]
"""What a file holds: where in it, and the label or why there is none."""
