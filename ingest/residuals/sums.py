"""Sums over tokens, by feature, and the numbers that come of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.measures import BY_NAME, PairStatistics

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CONSTANT = 1e-15
"""A variance that is a smaller share of the mean square than this, times the tokens, is rounding of the sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """Arrays that are added up."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the sums by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the sums that `arrays` returned."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySums(_Sums):
    """Sums over the tokens on which an upstream feature is active; all by feature, [d_sae].

    x is the length of what the feature adds to its SAE's reconstruction, y the downstream error along its decoder row,
    r the same along a random direction.
    """

    tokens: Integers
    x: Floats
    y: Floats
    r: Floats
    xx: Floats
    yy: Floats
    rr: Floats
    xy: Floats
    xr: Floats

    @classmethod
    def of(cls, feature: Integers, x: Floats, y: Floats, r: Floats, width: int) -> Self:
        """Return the sums of some projections, each of a feature on a token: [projections]."""
        values = {"x": x, "y": y, "r": r, "xx": x * x, "yy": y * y, "rr": r * r, "xy": x * y, "xr": x * r}
        return cls(
            tokens=np.bincount(feature, minlength=width).astype(np.int64),
            **{name: by_feature(feature, products, width) for name, products in values.items()},
        )

    def along_row(self) -> "Recovery":
        """Return what the error has of each feature along its own decoder row."""
        return _recovery(self.tokens, self.x, self.xx, self.y, self.yy, self.xy)

    def along_random(self) -> "Recovery":
        """Return what the error has along a random direction, on the same tokens."""
        return _recovery(self.tokens, self.x, self.xx, self.r, self.rr, self.xr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What an error has of features along some directions, [d_sae]; NaN where it is 0/0."""

    ratio: Floats
    """Sum of y over sum of x: 1 is all of the feature, 0 none."""
    slope: Floats
    """Of the regression of y on x."""
    correlation: Floats


def _recovery(tokens: Integers, x: Floats, xx: Floats, y: Floats, yy: Floats, xy: Floats) -> Recovery:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = x / tokens
        variance = xx / tokens - mean**2
        varies = variance > _CONSTANT * tokens * (xx / tokens)
        slope = np.where(varies, (xy / tokens - mean * y / tokens) / variance, np.nan)
        ratio = np.where(x > 0, y / x, np.nan)
    return Recovery(ratio=ratio, slope=slope, correlation=_pearson(tokens, x, xx, y, yy, xy))


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedSums(_Sums):
    """Sums over counted tokens; by feature of the downstream SAE, [d_sae].

    a is its activation, b what its SAE makes of the residual stream at the upstream hook point.
    """

    tokens: Integers
    """Counted tokens, the same for all."""
    positive: Integers
    """Those on which b is above 0."""
    a: Floats
    b: Floats
    aa: Floats
    bb: Floats
    ab: Floats

    def pearson(self) -> Floats:
        """Return the correlation of a and b; NaN where one never varies."""
        return _pearson(self.tokens, self.a, self.aa, self.b, self.bb, self.ab)

    def ratio(self) -> Floats:
        """Return the mean of b over that of a; NaN where a is never above 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.a > 0, self.b / self.a, np.nan)


def _pearson(tokens: Integers, x: Floats, xx: Floats, y: Floats, yy: Floats, xy: Floats) -> Floats:
    counts: Any = tokens  # of each feature its own
    statistics = PairStatistics(
        tokens=counts, n_u=None, n_d=None, n_ud=None, documents=None, decoder=None,
        sum_u=x, sum_d=y, squares_u=xx, squares_d=yy, products=xy,
    )  # fmt: skip
    return BY_NAME["pearson"].values(statistics)


def by_feature(feature: NDArray[Any], values: Floats, width: int) -> Floats:
    """Return the sum of the values of each feature, [width]."""
    return np.bincount(feature, values, width).astype(np.float64)
