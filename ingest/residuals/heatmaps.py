"""Projections on decoder rows by activation, counted in cells: the paper's Figure 4, as numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.residuals.settings import MAPS, Map

BINS: Final = 50
"""Cells of a heat map in each direction."""
_MOST: Final = 99.0
"""Percentile of the activations at which a heat map ends; a few large ones would leave the rest in one column."""
_TAIL: Final = 0.5
"""Percentile of the projections below which, and above 100 less which, a heat map has none."""

Points = Mapping[Map, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Activations and projections, each [projections], by map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What the heat maps of a pair of SAEs cover: the same for all of them, so that they can be compared."""

    x_high: float
    """x is from 0."""
    y_low: float
    y_high: float

    @classmethod
    def of(cls, parts: Sequence[Points]) -> Self:
        """Return ranges that leave out little of some projections."""
        x: list[float] = []
        y: list[float] = [0.0]
        for name in MAPS:
            pooled = [np.concatenate([part[name][axis] for part in parts]) for axis in (0, 1)] if parts else []
            if not pooled or not len(pooled[0]):
                continue
            x.append(float(np.percentile(pooled[0], _MOST)))
            y += np.percentile(pooled[1], (_TAIL, 100 - _TAIL)).tolist()
        return cls(x_high=max(x, default=0.0) or 1.0, y_low=min(y), y_high=max(y) if max(y) > min(y) else min(y) + 1.0)

    def edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the cells along x and along y, each [BINS + 1]."""
        return np.linspace(0.0, self.x_high, BINS + 1), np.linspace(self.y_low, self.y_high, BINS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMaps:
    """Counts of projections."""

    cells: NDArray[np.int64]
    """By map of `MAPS`, x and y, [3, BINS, BINS]."""
    outside: NDArray[np.int64]
    """Outside of the ranges, by map, [3]."""

    @classmethod
    def of(cls, points: Points, ranges: Ranges) -> Self:
        """Return the counts of some projections."""
        cells = [np.histogram2d(*points[name], bins=ranges.edges())[0] for name in MAPS]
        stacked = np.stack(cells).astype(np.int64)
        total = np.array([len(points[name][0]) for name in MAPS], np.int64)
        return cls(cells=stacked, outside=total - stacked.sum(axis=(1, 2)))

    def __add__(self, other: Self) -> Self:
        return type(self)(cells=self.cells + other.cells, outside=self.outside + other.outside)
