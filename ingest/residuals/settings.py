"""The settings of recovery and copies, with every default declared once."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from saedb.ingest.errors import InputError

Group = Literal["low_necessity", "passed_through", "other", "rare", "dead"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)

Map = Literal["low_necessity", "passed_through", "random"]
MAPS: Final[tuple[Map, ...]] = get_args(Map)
"""Heat maps of a pair of SAEs: of two groups, and of the first with random directions in place of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualSettings:
    """What recovery and copies are measured with; those of other settings are measured again.

    Raises:
        InputError: a value is out of its range.
    """

    necessity: float = 0.4
    """A feature without an outgoing edge of a necessity above this is of low necessity: it vanishes; 0 to 1."""
    active: float = 0.1
    """Share of a feature's largest activation above which a token counts for its recovery; 0 to 1."""
    tokens: int | None = None
    """Tokens to read again, in whole contexts spread evenly over the text; all of the run's unless given."""
    seed: int = 0
    """Seed of the random directions."""

    def __post_init__(self) -> None:
        for name in ("necessity", "active"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"{name} is {value}; it must be from 0 to 1")
        if self.tokens is not None and self.tokens < 1:
            raise InputError(f"tokens is {self.tokens}; it must be at least 1")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; it must be at least 0")
