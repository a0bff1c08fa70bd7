"""What the address of the prompt page asks for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from saedb.cypher import measured
from saedb.cypher.defaults import PROMPT_FLOOR, PROMPT_MEASURE, PROMPT_TOP
from saedb.ingest.errors import InputError

PATH: Final = "/prompt"
ALL: Final = "all"
"""In place of a token."""
_MOST: Final = 100
LONGEST: Final = 2_000
"""Characters of a text that an address holds, so that it stays one that can be opened again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The state of the page."""

    text: str = ""
    stored: str | None = None
    """Name of a stored prompt, in place of a text."""
    token: str | None = None
    """Its position, or `ALL`; None: the last that counts."""
    threshold: float | None = None
    """Share of a feature's largest activation; None: as in the run."""
    top: int = PROMPT_TOP
    measure: str = PROMPT_MEASURE
    floor: float = PROMPT_FLOOR

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return what an address asks for.

        Raises:
            InputError: a value is not one that the page's controls have.
        """
        measure, token = query.get("measure", PROMPT_MEASURE), query.get("token")
        measured.named(measure)
        if token not in (None, ALL) and not token.isdecimal():
            raise InputError(f"token in the address must be a position or {ALL}, not {token!r}")
        return cls(
            text=query.get("text", ""), stored=query.get("prompt") or None, token=token,
            threshold=threshold(query.get("threshold")), top=top(query.get("top")), measure=measure,
            floor=number("floor", query.get("floor"), PROMPT_FLOOR),
        )  # fmt: skip

    def query(self) -> dict[str, Any]:
        """Return what the address says; None for what it leaves out."""
        return {
            "text": self.text if self.text and self.stored is None and len(self.text) <= LONGEST else None,
            "prompt": self.stored, "token": self.token, "threshold": self.threshold,
            "top": None if self.top == PROMPT_TOP else self.top,
            "measure": None if self.measure == PROMPT_MEASURE else self.measure,
            "floor": None if self.floor == PROMPT_FLOOR else self.floor,
        }  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self.text.strip() and self.stored is None


def threshold(given: object) -> float | None:
    """Return a threshold that was given as text or number; None for none.

    Raises:
        InputError: it is no share from 0 on.
    """
    found = number("threshold", given, math.nan)
    if found < 0:
        raise InputError(f"the threshold must be a share of the largest activation, from 0 on, not {found:g}")
    return found if math.isfinite(found) else None


def top(given: object) -> int:
    """Return how many features of a layer are shown.

    Raises:
        InputError: it is no number that the page can show.
    """
    found = number("top", given, PROMPT_TOP)
    if not 1 <= found <= _MOST or found != int(found):
        raise InputError(f"features per layer must be a whole number from 1 to {_MOST}, not {found:g}")
    return int(found)


def number(name: str, given: object, default: float) -> float:
    """Return a number that was given as text or number.

    Raises:
        InputError: it is none.
    """
    if given in (None, ""):
        return default
    try:
        found = float(str(given))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"{name} must be a number, not {given!r}")
    return found
