"""The measures of an edge, declared once: name, range, meaning and formula.

For one pair of SAEs, an upstream feature u and a downstream feature d, over T counted tokens. A feature is *active* on
a token when its activation is strictly above its threshold. Definitions follow arXiv 2410.08869, section 2; 0/0 is
null (NaN in arrays), never 0. Everything that computes, stores, queries or documents a measure reads it here.

The formulas that select edges take numbers, NumPy arrays and torch tensors alike, and numba compiles them: so the loop
over all pairs and the table of those that are kept compute the same thing. Tensors must be of float64: whole numbers
divide to float32 in torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CONSTANT = 1e-15
"""A variance that is a smaller share of the mean square than this, times the tokens, is rounding of the sums: the
feature never varies."""


class PairStatistics(NamedTuple):
    """Sufficient statistics of E pairs (u, d) of features: arrays of shape [E], or numbers for one pair."""

    tokens: int
    """T, the number of counted tokens."""
    n_u: Any
    """Tokens on which u is active; integers."""
    n_d: Any
    """Tokens on which d is active; integers."""
    n_ud: Any
    """Tokens on which both are; integers."""
    documents: Any
    """Documents with such a token; integers."""
    sum_u: Any
    sum_d: Any
    squares_u: Any
    """Sums of squared activations, whatever the threshold."""
    squares_d: Any
    products: Any
    """Sums of a_u a_d, whatever the threshold."""
    decoder: Any
    """Cosines of the two decoder rows."""


def pearson(s: PairStatistics) -> Any:
    """Return the correlation of raw activations over all counted tokens; 0/0 where one never varies."""
    mean_u, mean_d = s.sum_u / s.tokens, s.sum_d / s.tokens
    square_u, square_d = s.squares_u / s.tokens, s.squares_d / s.tokens
    variance_u, variance_d = square_u - mean_u**2, square_d - mean_d**2
    rounding = _CONSTANT * s.tokens
    varies = (variance_u > rounding * square_u) & (variance_d > rounding * square_d)
    return (s.products / s.tokens - mean_u * mean_d) * varies / (variance_u * variance_d * varies) ** 0.5


def jaccard(s: PairStatistics) -> Any:
    """Return the tokens with both active, of the tokens with either active."""
    return s.n_ud / (s.n_u + s.n_d - s.n_ud)


def necessity(s: PairStatistics) -> Any:
    """Return P(u active | d active)."""
    return s.n_ud / s.n_d


def sufficiency(s: PairStatistics) -> Any:
    """Return P(d active | u active)."""
    return s.n_ud / s.n_u


def lift(s: PairStatistics) -> Any:
    """Return how much more often both are active than by chance."""
    return s.n_ud / s.n_u * (s.tokens / s.n_d)


def activation_cosine(s: PairStatistics) -> Any:
    """Return the uncentred correlation of raw activations."""
    return s.products / (s.squares_u * s.squares_d) ** 0.5


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number on an edge."""

    name: str
    low: float
    high: float | None
    unit: str
    meaning: str
    formula: Callable[[PairStatistics], Any]
    selects: bool = False
    """Whether a value of at least `min_similarity` makes a pair an edge."""
    integer: bool = False
    moves: bool = True
    """Whether it may be compared between two halves of a text: not where it counts, nor where it needs no text."""

    def values(self, s: PairStatistics) -> Floats:
        """Return the measure of each pair [E], within its range; NaN where it is 0/0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(self.formula(s), np.float64)
        return np.where(np.isfinite(found), np.clip(found, self.low, self.high), np.nan)


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
        formula=jaccard,
        selects=True,
    ),
    Measure(
        name="necessity",
        low=0.0,
        high=1.0,
        unit="share",
        meaning="P(source active | target active): how much the target needs the source",
        formula=necessity,
        selects=True,
    ),
    Measure(
        name="sufficiency",
        low=0.0,
        high=1.0,
        unit="share",
        meaning="P(target active | source active): how far the source is enough for the target",
        formula=sufficiency,
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
        formula=activation_cosine,
    ),
    Measure(
        name="decoder_cosine",
        low=-1.0,
        high=1.0,
        unit="cosine",
        meaning="cosine of the two decoder directions; needs no text",
        formula=lambda s: s.decoder,
        moves=False,
    ),
    Measure(
        name="lift",
        low=0.0,
        high=None,
        unit="ratio",
        meaning="how much more often both are active than by chance (1 = chance)",
        formula=lift,
    ),
    Measure(
        name="support",
        low=0.0,
        high=None,
        unit="tokens",
        meaning="tokens on which both are active",
        formula=lambda s: s.n_ud,
        integer=True,
        moves=False,
    ),
    Measure(
        name="support_docs",
        low=0.0,
        high=None,
        unit="documents",
        meaning="documents with a token on which both are active",
        formula=lambda s: s.documents,
        integer=True,
        moves=False,
    ),
)

BY_NAME: dict[str, Measure] = {measure.name: measure for measure in MEASURES}
SELECTING: tuple[Measure, ...] = tuple(measure for measure in MEASURES if measure.selects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One number on an edge that says how far a measure can be trusted; null where it was not asked for."""

    name: str
    unit: str
    meaning: str


MOVES: tuple[Measure, ...] = tuple(measure for measure in MEASURES if measure.moves)
"""Measures that `--split-half` compares between the halves of the documents."""

RESAMPLED: tuple[Measure, ...] = (BY_NAME["necessity"], BY_NAME["sufficiency"])
"""Measures that get an interval by resampling the documents."""

EVIDENCE: tuple[Evidence, ...] = (
    *(
        Evidence(
            name=f"{measure.name}_moved",
            unit=measure.unit,
            meaning=f"how far {measure.name} is apart in the two halves of the documents",
        )
        for measure in MOVES
    ),
    *(
        Evidence(
            name=f"{measure.name}_{end}",
            unit=measure.unit,
            meaning=f"{end}er end of the 95 % interval of {measure.name} when the documents are drawn again",
        )
        for measure in RESAMPLED
        for end in ("low", "high")
    ),
)
"""What an edge may carry beside its measures."""

EFFECTS: tuple[Evidence, ...] = (
    Evidence(
        name="effect",
        unit="share",
        meaning="mean loss of the target's activation when the source is taken out, over tokens with both active, as a "
        "share of its mean there",
    ),
    Evidence(name="effect_se", unit="share", meaning="standard error of effect, with documents as clusters"),
    Evidence(
        name="effect_control",
        unit="share",
        meaning="the same of other targets, as dense and without an edge, when the source is taken out: chance",
    ),
    Evidence(name="effect_control_se", unit="share", meaning="standard error of that, with these targets as clusters"),
    Evidence(
        name="effect_z",
        unit="standard errors",
        meaning="effect less effect_control, over the standard error of the difference, as if they were independent: "
        "from 2 on more than chance where there are 10 documents, of few it takes more; null where an error is not "
        "known, or both are 0",
    ),
    Evidence(name="effect_change", unit="activation", meaning="the mean loss itself"),
    Evidence(
        name="effect_paper",
        unit="activation",
        meaning="mean loss over all tokens with the target above 0.01 of its maximum, as in arXiv 2410.08869",
    ),
)
"""What `saedb.ingest.causal` finds by taking the source out of the model; null where it was not asked for."""

EFFECT: Evidence = EFFECTS[0]
"""The one that stands for them all."""

ASKED: tuple[Measure | Evidence, ...] = (*MEASURES, *EFFECTS)
"""By what queries can rank edges and limit them."""
