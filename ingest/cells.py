"""The cell of a pair of features: joint tokens and the sum of products of the activations in one 64-bit number.

An activation is a whole number of 24 bits, `TOP` for its feature's maximum. The upper bits of a cell count the tokens
on which both features are active, as many bits as the upstream feature needs; the bits below hold the sum of products,
each shifted right by as much as keeps that sum from reaching the count. Adding cells is exact and has no order, which
float32 sums are not; their error stays below 1e-6 of a correlation, except between features that fire on nearly every
one of over ten million tokens and hardly vary.
"""

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.statistics import FeatureStatistics

VALUE_BITS: Final = 24
TOP: Final = (1 << VALUE_BITS) - 1
"""The number that stands for a feature's maximum."""

ACTIVE: Final = 31
"""Bit of an upstream value that says whether its feature is active there."""

_CELL_BITS: Final = 63  # torch has no unsigned 64-bit numbers


class Scale(NamedTuple):
    """How the activations of an SAE become numbers; arrays of shape [d_sae]."""

    factor: NDArray[np.float64]
    """`TOP` over the maximum."""
    threshold: NDArray[np.float64]
    used: NDArray[np.bool_]
    """Whether the feature may have an edge."""

    @classmethod
    def of(cls, statistics: FeatureStatistics, min_support: int) -> Self:
        """Return the scale of an SAE: features that never fire, or too seldom for an edge, are not used."""
        alive = statistics.max > 0
        factor = np.divide(TOP, statistics.max, out=np.zeros(len(alive)), where=alive)
        return cls(factor, statistics.threshold, alive & (statistics.n_active >= min_support))


class Packing(NamedTuple):
    """How the cells of upstream features are divided; arrays of shape [d_sae]."""

    count_at: NDArray[np.uint64]
    """Lowest bit of the joint tokens."""
    shift: NDArray[np.uint64]
    """Bits by which a product is shifted right before it is added."""
    unit: NDArray[np.float64]
    """What 1 in the sum stands for, in activations of u times shares of d's maximum."""

    @classmethod
    def of(cls, statistics: FeatureStatistics) -> Self:
        """Return the division of cells that no sum can overflow."""
        count_at = _CELL_BITS - _bits(statistics.n_active)
        shift = np.maximum(2 * VALUE_BITS + _bits(statistics.n_positive) - count_at, 0)
        unit = statistics.max * np.exp2(shift) / TOP**2
        return cls(count_at.astype(np.uint64), shift.astype(np.uint64), unit)


class Features(NamedTuple):
    """Of an SAE's features, what measures ask for; arrays of shape [d_sae]."""

    n_active: NDArray[np.int64]
    sum: NDArray[np.float64]
    squares: NDArray[np.float64]
    max: NDArray[np.float64]

    @classmethod
    def of(cls, statistics: FeatureStatistics) -> Self:
        """Return these statistics."""
        return cls(statistics.n_active, statistics.sum, statistics.squares, statistics.max)


def _bits(numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Return how many bits each number has."""
    return np.frexp(numbers.astype(np.float64))[1].astype(np.int64)
