"""Statistics of single features over the counted tokens of a text.

Two passes: moments first, and with the maxima the thresholds; then the tokens and documents above them, and histograms
up to the maxima. Sums run in float64 in the order of the text, apart for each half of the documents: they have the same
bits however it is cut.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled
from saedb.ingest.stretches import Stretches
from saedb.ingest.tables import BINS
from saedb.ingest.whole import TOP, number

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CELLS: Final = 1 << 24
"""Features times positions that are held at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The features of an SAE over some tokens; every array is of shape [d_sae]."""

    tokens: int
    """Counted tokens."""
    n_active: Integers
    """Tokens with an activation strictly above the threshold."""
    sum: Floats
    """Of activations."""
    squares: Floats
    """Of squared activations."""
    rounded: Floats
    """Of activations as their whole numbers stand for them; `sum` but for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStatistics(Moments):
    """The features of an SAE over a whole text."""

    n_positive: Integers
    """Tokens with an activation above 0."""
    n_documents: Integers
    """Documents with an active token."""
    numbers: Integers
    """Sum of the whole numbers of the activations, of `saedb.ingest.whole`."""
    max: Floats
    """Largest activation."""
    histogram: Integers
    """Tokens with an activation above 0 in `BINS` equal bins from 0 to `max`, [d_sae, bins]; of a bin's ends the upper
    one is in it."""
    threshold: Floats
    """A feature is active strictly above it."""
    positional: NDArray[np.bool_]
    """Over half of the activation mass is on one position."""
    halves: tuple[Moments, Moments]
    """The same over each half of the documents."""

    @property
    def density(self) -> Floats:
        """Share of the counted tokens on which a feature is active; NaN without any token."""
        return _share(self.n_active, self.tokens)

    @property
    def mean(self) -> Floats:
        """Mean activation over the counted tokens; NaN without any token."""
        return _share(self.sum, self.tokens)

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Whether a feature never fires."""
        return self.n_positive == 0

    def rare(self, *, min_support: int, min_documents: int) -> NDArray[np.bool_]:
        """Return whether a feature is active on too few tokens, or in too few documents, to have any edge."""
        return (self.n_active < min_support) | (self.n_documents < min_documents)


def feature_statistics(
    text: Stretches,
    sae: str,
    width: int,
    *,
    context_size: int,
    relative_threshold: float,
    maxima: Floats | None = None,
) -> FeatureStatistics:
    """Return the statistics of an SAE's features over the counted tokens of a text.

    Args:
        text: its activations.
        sae: id of the SAE.
        width: its d_sae.
        context_size: tokens per context.
        relative_threshold: share of a feature's largest activation above which it is active.
        maxima: the activations to take the share of, [d_sae]; None: the largest of this text.
    """
    sums = _Sums(width)
    step = max(_CELLS // context_size, 1)
    positional = np.zeros(width, np.bool_)
    for start in range(0, width, step):
        part = slice(start, min(start + step, width))
        positional[part] = sums.add(text, sae, part, context_size)
    threshold = relative_threshold * (sums.max if maxima is None else maxima)
    return _activity(text, sae, sums, threshold, positional)


def thresholded(text: Stretches, sae: str, threshold: Floats) -> FeatureStatistics:
    """Return the statistics over a text of features whose thresholds are given; none is called positional."""
    sums = _Sums(len(threshold))
    sums.add(text, sae, slice(0, len(threshold)), 1)
    return _activity(text, sae, sums, threshold, np.zeros(len(threshold), np.bool_))


class _Sums:
    """Moments by half of the documents, [2, d_sae]."""

    def __init__(self, width: int) -> None:
        self.tokens = [0, 0]
        self.n_positive = np.zeros((2, width), np.int64)
        self.sum = np.zeros((2, width))
        self.squares = np.zeros((2, width))
        self.max = np.zeros(width)

    def add(self, text: Stretches, sae: str, features: slice, positions: int) -> NDArray[np.bool_]:
        """Add a text for a stretch of features, and return which of them have their mass on one of the positions."""
        mass = np.zeros((features.stop - features.start, positions))
        tokens = [0, 0]
        for part in text.read(sae):
            rows = part.rows[sae]
            tokens[part.half] += int(part.counted.sum())
            where = part.positions if positions > 1 else np.zeros_like(part.positions)
            sums = (self.n_positive[part.half], self.sum[part.half], self.squares[part.half], self.max, mass)
            _add(rows.indptr, rows.indices, rows.values, part.counted, where, features.start, features.stop, *sums)
        self.tokens = tokens
        return mass.max(axis=1) > 0.5 * mass.sum(axis=1)


def _activity(
    text: Stretches, sae: str, sums: _Sums, threshold: Floats, positional: NDArray[np.bool_]
) -> FeatureStatistics:
    width = len(threshold)
    n_active, n_documents = np.zeros((2, width), np.int64), np.zeros(width, np.int64)
    numbers, last = np.zeros((2, width), np.int64), np.full(width, -2, np.int64)  # -1 is the document of BOS
    histogram = np.zeros((width, BINS), np.int64)
    factor = np.divide(TOP, sums.max, out=np.zeros(width), where=sums.max > 0)
    for part in text.read(sae):
        rows, of_features = part.rows[sae], (threshold, factor, sums.max)
        counts = (n_active[part.half], numbers[part.half], n_documents, last, histogram)
        _count(rows.indptr, rows.indices, rows.values, part.counted, part.documents, *of_features, *counts)
    rounded = numbers * sums.max / TOP
    halves = [
        Moments(
            tokens=sums.tokens[half],
            n_active=n_active[half],
            sum=sums.sum[half],
            squares=sums.squares[half],
            rounded=rounded[half],
        )
        for half in (0, 1)
    ]
    return FeatureStatistics(
        tokens=sum(sums.tokens),
        n_active=n_active.sum(axis=0),
        sum=sums.sum.sum(axis=0),
        squares=sums.squares.sum(axis=0),
        rounded=rounded.sum(axis=0),
        n_positive=sums.n_positive.sum(axis=0),
        numbers=numbers.sum(axis=0),
        n_documents=n_documents,
        max=sums.max,
        histogram=histogram,
        threshold=threshold,
        positional=positional,
        halves=(halves[0], halves[1]),
    )


@compiled
def _add(
    indptr: Any,
    indices: Any,
    values: Any,
    counted: Any,
    positions: Any,
    first: int,
    stop: int,
    n_positive: Any,
    total: Any,
    squares: Any,
    largest: Any,
    mass: Any,
) -> None:
    """Add the activations of features from `first` to `stop` on counted tokens to the sums."""
    for token in range(len(counted)):
        if not counted[token]:
            continue
        for k in range(indptr[token], indptr[token + 1]):
            feature, value = int(indices[k]), np.float64(values[k])  # numba's float() of a float32 is one
            if first <= feature < stop:
                n_positive[feature] += 1
                total[feature] += value
                squares[feature] += value * value
                largest[feature] = max(largest[feature], value)
                mass[feature - first, positions[token]] += value


@compiled
def _count(
    indptr: Any,
    indices: Any,
    values: Any,
    counted: Any,
    documents: Any,
    threshold: Any,
    factor: Any,
    largest: Any,
    n_active: Any,
    numbers: Any,
    n_documents: Any,
    last: Any,
    histogram: Any,
) -> None:
    """Add whole numbers, count active tokens, documents with one, and tokens by bin.

    `last` is the last document of each feature. A quotient has no rounding that matters: float64 holds any product of a
    float32 with the number of bins, and tells any two of their quotients from a whole number.
    """
    bins = histogram.shape[1]
    for token in range(len(counted)):
        if not counted[token]:
            continue
        for k in range(indptr[token], indptr[token + 1]):
            feature = int(indices[k])
            numbers[feature] += number(values[k], factor[feature])
            histogram[feature, int(np.ceil(bins * np.float64(values[k]) / largest[feature])) - 1] += 1
            if values[k] > threshold[feature]:
                n_active[feature] += 1
                n_documents[feature] += last[feature] != documents[token]
                last[feature] = documents[token]


def _share(values: Floats | Integers, tokens: int) -> Floats:
    return values / tokens if tokens else np.full(len(values), np.nan)
