"""When a load told what it was doing, from which the seconds of its stages follow."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Heard:
    """A `Report` that remembers its calls."""

    calls: list[tuple[str, int, float]] = field(default_factory=list)
    """Stage, what was done of it, and when."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Remember a call."""
        del total
        self.calls.append((stage, done, time.perf_counter()))

    def begin(self, stage: str) -> float:
        """Return when a stage began: at its first call, if nothing was done then, else at the call before it."""
        number, done = next((n, done) for n, (name, done, _) in enumerate(self.calls) if name == stage)
        return self.calls[number if done == 0 or number == 0 else number - 1][2]

    def last(self, stage: str) -> float:
        """Return when a stage was heard of last."""
        return max(when for name, _, when in self.calls if name == stage)

    def after(self, stage: str) -> float:
        """Return when another stage was heard of first, once this one was over."""
        end = self.last(stage)
        return min(when for name, _, when in self.calls if name != stage and when > end)
