"""The measures of an edge, declared once: name, range, meaning and formula.

For one pair of SAEs, an upstream feature u and a downstream feature d, over T counted tokens. A feature is *active* on
a token when its activation is strictly above its threshold. Definitions follow arXiv 2410.08869, section 2; 0/0 is
null (NaN in arrays), never 0. Everything that computes, stores, queries or documents a measure reads it here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStatistics:
    """Sufficient statistics of E pairs (u, d) of features; every array is of shape [E]."""

    tokens: int
    """T, the number of counted tokens."""
    n_u: Integers
    """Tokens on which u is active."""
    n_d: Integers
    """Tokens on which d is active."""
    n_ud: Integers
    """Tokens on which both are."""
    documents: Integers
    """Documents with such a token."""
    sum_u: Floats
    sum_d: Floats
    squares_u: Floats
    """Sums of squared activations, whatever the threshold."""
    squares_d: Floats
    products: Floats
    """Sums of a_u a_d, whatever the threshold."""
    decoder: Floats
    """Cosines of the two decoder rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number on an edge."""

    name: str
    low: float
    high: float | None
    unit: str
    meaning: str
    formula: Callable[[PairStatistics], Floats]
    """From statistics [E] to values [E], NaN where the measure is 0/0."""
    selects: bool = False
    """Whether a value of at least `min_similarity` makes a pair an edge."""
    integer: bool = False


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def pearson(s: PairStatistics) -> Floats:
    """Return the correlation of raw activations over all counted tokens [E], in [-1, 1]."""
    mean_u, mean_d = s.sum_u / s.tokens, s.sum_d / s.tokens
    covariance = s.products / s.tokens - mean_u * mean_d
    variances = (s.squares_u / s.tokens - mean_u**2) * (s.squares_d / s.tokens - mean_d**2)
    return np.clip(_ratio(covariance, np.sqrt(np.maximum(variances, 0.0))), -1.0, 1.0)


def mutual_information(s: PairStatistics) -> Floats:
    """Return the mutual information of the two binary variables [E], in nats; null where one never fires."""
    from scipy.special import rel_entr

    total = float(s.tokens)
    u, d, not_u, not_d = s.n_u / total, s.n_d / total, (s.tokens - s.n_u) / total, (s.tokens - s.n_d) / total
    # cells from integers: 1 - u - d + both is not 0 where it should be, and infinite beside a feature that always fires
    information = (
        rel_entr(s.n_ud / total, u * d)
        + rel_entr((s.n_u - s.n_ud) / total, u * not_d)
        + rel_entr((s.n_d - s.n_ud) / total, not_u * d)
        + rel_entr((s.tokens - s.n_u - s.n_d + s.n_ud) / total, not_u * not_d)
    )
    return np.where((s.n_u > 0) & (s.n_d > 0), np.maximum(information, 0.0), np.nan)


MEASURES: tuple[Measure, ...] = (
    Measure(
        name="pearson",
        low=-1.0,
        high=1.0,
        unit="correlation",
        meaning="correlation of the two activations over all counted tokens",
        formula=pearson,
        selects=True,
    ),
    Measure(
        name="jaccard",
        low=0.0,
        high=1.0,
        unit="share",
        meaning="tokens with both active, of the tokens with either active",
        formula=lambda s: _ratio(s.n_ud, s.n_u + s.n_d - s.n_ud),
        selects=True,
    ),
    Measure(
        name="necessity",
        low=0.0,
        high=1.0,
        unit="share",
        meaning="P(source active | target active): how much the target needs the source",
        formula=lambda s: _ratio(s.n_ud, s.n_d),
        selects=True,
    ),
    Measure(
        name="sufficiency",
        low=0.0,
        high=1.0,
        unit="share",
        meaning="P(target active | source active): how far the source is enough for the target",
        formula=lambda s: _ratio(s.n_ud, s.n_u),
        selects=True,
    ),
    Measure(
        name="mutual_information",
        low=0.0,
        high=None,
        unit="nats",
        meaning="mutual information of the two being active",
        formula=mutual_information,
    ),
    Measure(
        name="activation_cosine",
        low=0.0,
        high=1.0,
        unit="cosine",
        meaning="cosine of the two activation vectors over counted tokens (uncentred Pearson)",
        formula=lambda s: _ratio(s.products, np.sqrt(s.squares_u * s.squares_d)),
    ),
    Measure(
        name="decoder_cosine",
        low=-1.0,
        high=1.0,
        unit="cosine",
        meaning="cosine of the two decoder directions; needs no text",
        formula=lambda s: s.decoder,
    ),
    Measure(
        name="lift",
        low=0.0,
        high=None,
        unit="ratio",
        meaning="how much more often both are active than by chance (1 = chance)",
        formula=lambda s: _ratio(s.n_ud * float(s.tokens), s.n_u * s.n_d.astype(np.float64)),
    ),
    Measure(
        name="support",
        low=0.0,
        high=None,
        unit="tokens",
        meaning="tokens on which both are active",
        formula=lambda s: s.n_ud.astype(np.float64),
        integer=True,
    ),
    Measure(
        name="support_docs",
        low=0.0,
        high=None,
        unit="documents",
        meaning="documents with a token on which both are active",
        formula=lambda s: s.documents.astype(np.float64),
        integer=True,
    ),
)

BY_NAME: dict[str, Measure] = {measure.name: measure for measure in MEASURES}
SELECTING: tuple[Measure, ...] = tuple(measure for measure in MEASURES if measure.selects)
