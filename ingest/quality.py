"""How well an SAE explains the residual stream that it is given, on counted tokens.

Wrong loading (another hook, no centring, no normalisation) shows here first, and poisons everything after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

MIN_VARIANCE: Final = 0.3
"""An SAE that explains less was hardly trained on what it is given."""
MAX_L0_RATIO: Final = 3.0
"""Nor one whose L0 is this many times off what its release states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySums:
    """Sums over counted tokens, x being the SAE's input and x_hat its reconstruction."""

    tokens: int
    positive: int
    """Activations above 0."""
    error: float
    """Of |x - x_hat|^2."""
    squares: float
    """Of |x|^2."""
    total: NDArray[np.float64]
    """Of x, [d_in]."""

    def __add__(self, other: Self) -> Self:
        return type(self)(
            tokens=self.tokens + other.tokens,
            positive=self.positive + other.positive,
            error=self.error + other.error,
            squares=self.squares + other.squares,
            total=self.total + other.total,
        )

    @property
    def l0(self) -> float | None:
        """Mean number of features above 0 on a counted token; None without any token."""
        return self.positive / self.tokens if self.tokens else None

    @property
    def explained_variance(self) -> float | None:
        """1 - sum |x - x_hat|^2 / sum |x - mean|^2; None where x does not vary."""
        if not self.tokens:
            return None
        variation = self.squares - float(self.total @ self.total) / self.tokens
        return 1.0 - self.error / variation if variation > 0 else None

    def to_array(self) -> NDArray[np.float64]:
        """Return the sums as one array, [4 + d_in]."""
        return np.concatenate([[self.tokens, self.positive, self.error, self.squares], self.total])

    @classmethod
    def from_array(cls, array: NDArray[np.float64]) -> Self:
        """Return the sums that `to_array` made an array of."""
        tokens, positive, error, squares = array[:4].tolist()
        return cls(tokens=int(tokens), positive=int(positive), error=error, squares=squares, total=array[4:])


def total(parts: Iterable[Mapping[str, QualitySums]]) -> dict[str, QualitySums]:
    """Return the sums over all parts of a text, by SAE id."""
    sums: dict[str, QualitySums] = {}
    for found in parts:
        for sae, part in found.items():
            sums[sae] = sums[sae] + part if sae in sums else part
    return sums


def warnings(sae: str, quality: QualitySums, *, expected_l0: float | None, count_all: bool = False) -> list[str]:
    """Return what is suspicious about an SAE's quality, with the likely cause; one line each.

    Args:
        sae: its id.
        quality: the sums over counted tokens.
        expected_l0: as the release states it.
        count_all: whether attention sinks count, whose norm may be most of all variance.
    """
    found: list[str] = []
    variance, l0 = quality.explained_variance, quality.l0
    if variance is not None and variance < MIN_VARIANCE:
        sinks = "attention sinks, which count in this run; or " if count_all else ""
        found.append(
            f"SAE {sae} explains {variance:.2f} of the variance of what it reads: {sinks}wrong hook, model, centring"
            " (model_from_pretrained_kwargs) or normalisation; its edges mean little"
        )
    if l0 and expected_l0 and max(l0 / expected_l0, expected_l0 / l0) > MAX_L0_RATIO:
        found.append(
            f"SAE {sae} has L0 {l0:.1f} where its release states {expected_l0:.1f}: wrong hook, model or"
            " normalisation, or a text unlike the one it was trained on"
        )
    return found
