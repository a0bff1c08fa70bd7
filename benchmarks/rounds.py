"""Two sides measured in turns, because machines are never quiet: what disturbs one round disturbs both sides."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Something to measure."""

    name: str
    run: Callable[[], object]
    times: int = 1
    """How often it runs in a round: more where it is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The median seconds of a side."""

    name: str
    wall: float
    cpu: float
    """Of all threads."""
    runs: int

    @classmethod
    def of(cls, name: str, seconds: Sequence[tuple[float, float]]) -> Self:
        """Return the medians of some runs' wall and processor time."""
        wall, cpu = (statistics.median(values) for values in zip(*seconds, strict=True))
        return cls(name=name, wall=wall, cpu=cpu, runs=len(seconds))

    def __str__(self) -> str:
        return f"{self.name} {_seconds(self.wall)} (CPU {_seconds(self.cpu)}, {self.runs} runs)"


def alternating(*sides: Side, rounds: int) -> list[Taken]:
    """Return what each side takes over alternating rounds."""
    seconds: list[list[tuple[float, float]]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, taken in zip(sides, seconds, strict=True):
            taken += [_timed(side.run) for _ in range(side.times)]
    return [Taken.of(side.name, taken) for side, taken in zip(sides, seconds, strict=True)]


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{value * 1e3:.3g} ms"
