"""The effect of taking a feature out, with its error: sums over tokens, by document, and their ratio."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

FIRING: Final = 0.01
"""Share of a feature's maximum above which the paper counts it as active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is known of the features of an SAE, [d_sae]."""

    threshold: NDArray[np.float64]
    maximum: NDArray[np.float64]
    """Of its activations, or the one given instead, which thresholds are shares of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums over tokens, by downstream feature and document; all of shape [rows]."""

    feature: NDArray[np.int64]
    """Its place among those that were asked about."""
    document: NDArray[np.int64]
    tokens: NDArray[np.float64]
    """Tokens with both features active."""
    change: NDArray[np.float64]
    """What the downstream activation lost on these."""
    clean: NDArray[np.float64]
    """What it was on these."""
    paper_change: NDArray[np.float64]
    """What it lost on all tokens on which it is above `FIRING` of its maximum, times the contexts that these stand
    for."""

    def of(self, feature: int) -> Self:
        """Return the rows of one feature."""
        here = self.feature == feature
        return type(self)(**{field.name: getattr(self, field.name)[here] for field in fields(self)})

    def by_document(self) -> tuple[NDArray[np.float64], ...]:
        """Return tokens, change, clean and paper_change of each document, whatever the feature."""
        found, of = np.unique(self.document, return_inverse=True)
        columns = (self.tokens, self.change, self.clean, self.paper_change)
        return tuple(np.bincount(of, column, len(found)).astype(np.float64) for column in columns)


def sums(
    clean: NDArray[np.float32],
    without: NDArray[np.float32],
    upstream: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    documents: NDArray[np.int32],
    side: Side,
    weight: float = 1.0,
) -> Sums:
    """Return the sums over the tokens of one copy of a context.

    Args:
        clean: activations of some downstream features, [context_size, features].
        without: the same in the copy.
        upstream: whether the feature that the copy is without was active, [context_size].
        counted: which tokens count, [context_size].
        documents: number of the document of each token, [context_size].
        side: these downstream features, [features].
        weight: contexts that this one stands for.
    """
    change = (clean - without).astype(np.float64)
    both = (clean > side.threshold) & (upstream & counted)[:, None]
    paper = weight * ((clean > FIRING * side.maximum) & counted[:, None])
    found, of = np.unique(documents, return_inverse=True)
    document, feature = np.indices((len(found), clean.shape[1])).reshape(2, -1)
    values = (both, change * both, clean * both, change * paper)
    tokens, changed, was, paper_changed = (_by_document(v.astype(np.float64), of, len(found)) for v in values)
    return Sums(
        feature=feature,
        document=found[document].astype(np.int64),
        tokens=tokens,
        change=changed,
        clean=was,
        paper_change=paper_changed,
    )


def _by_document(values: NDArray[np.float64], of: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    added = np.zeros((count, values.shape[1]))
    np.add.at(added, of, values)
    return added.ravel()


def pooled(parts: Sequence[Sums]) -> Sums:
    """Return the sums of several copies together."""
    return Sums(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Sums)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What taking out an upstream feature does to a downstream one."""

    effect: float
    """Mean loss of activation over tokens where both were active, as a share of its mean there: 1 takes all of it."""
    se: float
    """Standard error, with documents as clusters; NaN for a single document."""
    change: float
    """The mean loss itself."""
    paper: float
    """Mean loss over all tokens on which the downstream feature fires, those without the upstream one too."""
    tokens: int
    documents: int


NOTHING: Final = Effect(effect=np.nan, se=np.nan, change=np.nan, paper=np.nan, tokens=0, documents=0)
"""What is known where the upstream feature never fires."""


def effect(found: Sums, firing: int) -> Effect:
    """Return the effect that sums over documents give; NaN where there is no token to tell.

    Args:
        found: sums of one downstream feature.
        firing: tokens of the whole text on which the downstream feature is above `FIRING` of its maximum.
    """
    tokens, change, clean, paper = found.by_document()
    used, count = tokens > 0, float(tokens.sum())
    ratio, error = share(change[used], clean[used])
    return Effect(
        effect=ratio,
        se=error,
        change=float(change.sum()) / count if count else np.nan,
        # contexts without the upstream feature change nothing, and count
        paper=float(paper.sum()) / firing if firing else np.nan,
        tokens=int(count),
        documents=int(used.sum()),
    )


def share(change: NDArray[np.float64], clean: NDArray[np.float64]) -> tuple[float, float]:
    """Return what was lost of what there was, with its standard error; NaN where that is not known.

    Source: the ratio of sums over clusters of Cochran, Sampling Techniques (1977), 6.4.

    Args:
        change: sums of what each cluster lost, [clusters].
        clean: sums of what it was, [clusters].
    """
    count, total = len(change), float(clean.sum())
    if not total:
        return np.nan, np.nan
    ratio = float(change.sum()) / total
    if count < 2:
        return ratio, np.nan
    return ratio, float(np.sqrt(count / (count - 1) * np.square(change - ratio * clean).sum()) / total)
