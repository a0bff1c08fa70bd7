"""The cell of a pair of features: joint tokens and the sum of products of the activations in one 64-bit number.

An activation is a whole number (`saedb.ingest.whole`). The upper bits of a cell count the tokens on which both features
are active, as many bits as the upstream feature needs; the bits below hold the sum of products, each shifted right by
as much as keeps that sum from reaching the count. Adding cells is exact and has no order, which float32 sums are not.

What is rounded: an activation to 2^-24 of its feature's maximum, and a product by the shift. The means are taken of the
rounded activations too (`unbiased`), so that a correlation does not see the first. The second is felt only by two
features that both fire on nearly all of a million tokens or more and hardly vary.
"""

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.errors import InputError
from saedb.ingest.statistics import FeatureStatistics
from saedb.ingest.whole import TOP

ACTIVE: Final = 31
"""Bit of an upstream value that says whether its feature is active there."""

MOST_TOKENS: Final = 1 << 30
"""Counted tokens up to which the sum of products has its room."""

_CELL_BITS: Final = 63  # torch has no unsigned 64-bit numbers


class Scale(NamedTuple):
    """How the activations of an SAE become numbers; arrays of shape [d_sae]."""

    factor: NDArray[np.float64]
    """`TOP` over the maximum."""
    threshold: NDArray[np.float64]
    used: NDArray[np.bool_]
    """Whether the feature may have an edge."""
    order: NDArray[np.int64]
    """The used features by falling number of activations: as downstream features, their places in a row of cells, of
    which those that are hit most lie side by side in the processor's cache, [used features]."""
    place: NDArray[np.uint32]
    """Place of each used feature in that order."""

    @classmethod
    def of(cls, statistics: FeatureStatistics, min_support: int) -> Self:
        """Return the scale of an SAE: features that never fire, or too seldom for an edge, are not used."""
        alive = statistics.max > 0
        factor = np.divide(TOP, statistics.max, out=np.zeros(len(alive)), where=alive)
        used = alive & (statistics.n_active >= min_support)
        order = np.argsort(np.where(used, -statistics.n_positive, 1), kind="stable")[: np.count_nonzero(used)]
        place = np.zeros(len(used), np.uint32)
        place[order] = np.arange(len(order))
        return cls(factor, statistics.threshold, used, order, place)


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
        """Return the division of cells that no sum can overflow.

        Raises:
            InputError: there are more tokens than a cell can count.
        """
        if statistics.tokens > MOST_TOKENS:
            raise InputError(f"{statistics.tokens:,} tokens, and a run takes {MOST_TOKENS:,}; give fewer --tokens")
        count_at = _CELL_BITS - _bits(statistics.n_active)
        room = np.exp2(count_at) - statistics.n_positive  # each product may be rounded up
        shift = np.maximum(_bits(statistics.numbers * float(TOP) / room), 0)
        unit = statistics.max * np.exp2(shift) / TOP**2
        return cls(count_at.astype(np.uint64), shift.astype(np.uint64), unit)


class Features(NamedTuple):
    """Of an SAE's features, what measures ask for; arrays of shape [d_sae]."""

    n_active: NDArray[np.int64]
    sum: NDArray[np.float64]
    squares: NDArray[np.float64]
    max: NDArray[np.float64]
    rounded: NDArray[np.float64]

    @classmethod
    def of(cls, s: FeatureStatistics) -> Self:
        """Return these statistics."""
        return cls(s.n_active, s.sum, s.squares, s.max, s.rounded)

    def take(self, features: NDArray[np.int64]) -> Self:
        """Return the statistics of some features."""
        return self._make(values[features] for values in self)


def unbiased(products: Any, tokens: int, sum_u: Any, sum_d: Any, rounded_u: Any, rounded_d: Any) -> Any:
    """Return sums of products of rounded activations, with the means of the activations in place of the rounded ones.

    It takes numbers, NumPy arrays and torch tensors.
    """
    return products + (sum_u * sum_d - rounded_u * rounded_d) / tokens


def _bits(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the least number of bits that holds each number: n < 2 ** bits."""
    return np.frexp(numbers.astype(np.float64))[1].astype(np.int64)
