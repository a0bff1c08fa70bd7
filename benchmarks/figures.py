"""What a benchmark finds: figures, each with what it is and the goal it is held against."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A bound that a figure is to keep."""

    low: float | None = None
    high: float | None = None

    @classmethod
    def at_least(cls, bound: float) -> Self:
        """Return the goal of a figure that is to be high."""
        return cls(low=bound)

    @classmethod
    def at_most(cls, bound: float) -> Self:
        """Return the goal of a figure that is to be low."""
        return cls(high=bound)

    def met(self, value: float) -> bool:
        """Return whether a value keeps it."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        return f">= {self.low:g}" if self.low is not None else f"<= {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is measured, in any number of cases."""

    name: str
    unit: str
    meaning: str
    """What against what, in full sentences: what each side does and what it is spared."""

    def figure(self, case: str, value: float | None, goal: Goal | None = None, *, measured: str) -> "Figure":
        """Return the figure of a case; a value of None was not measured, and `measured` says why."""
        return Figure(kind=self, case=case, value=value, goal=goal, measured=measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number."""

    kind: Kind
    case: str
    value: float | None
    goal: Goal | None
    measured: str
    """What it was made from."""

    @property
    def met(self) -> bool | None:
        """Whether it keeps its goal; None without a goal or a value."""
        return None if self.goal is None or self.value is None else self.goal.met(self.value)

    def row(self) -> dict[str, str | float | bool | None]:
        """Return it as ``results.json`` has it."""
        return {
            "figure": self.kind.name,
            "case": self.case,
            "value": self.value,
            "unit": self.kind.unit,
            "goal": None if self.goal is None else str(self.goal),
            "met": self.met,
            "measured": self.measured,
        }
