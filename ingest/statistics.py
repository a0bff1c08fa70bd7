"""Statistics of single features over the counted tokens of a run."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore
from saedb.ingest.sparse import SparseRows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CELLS: Final = 1 << 24
"""Features times positions that are held at once."""

_NO_DOCUMENT: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStatistics:
    """The features of one SAE; every array is of shape [d_sae]."""

    tokens: int
    """Counted tokens."""
    n_positive: Integers
    """Tokens with an activation above 0."""
    n_active: Integers
    """Tokens with an activation strictly above the threshold."""
    n_documents: Integers
    """Documents with such a token."""
    sum: Floats
    """Of activations."""
    squares: Floats
    """Of squared activations."""
    max: Floats
    threshold: Floats
    """`max` times the run's relative threshold."""
    positional: NDArray[np.bool_]
    """Over half of the activation mass is on one position."""

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
    store: ActivationStore, sae: str, relative_threshold: float, documents: NDArray[np.int32]
) -> FeatureStatistics:
    """Return the statistics of an SAE's features over the counted tokens of a store.

    Args:
        store: every shard written.
        sae: id of the SAE.
        relative_threshold: share of a feature's largest activation above which it is active.
        documents: number of the document of each token of the text, ascending, [tokens].
    """
    tokens = sum(len(store.counted(shard)) for shard in store.shards)
    parts = [
        _block(store, sae, features, relative_threshold, documents)
        for features in store.blocks(sae, _CELLS // store.context_size)
    ]
    return FeatureStatistics(
        tokens=tokens, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    )


@dataclass(slots=True, kw_only=True)
class _Moments:
    n_positive: Integers
    sum: Floats
    squares: Floats
    max: Floats
    mass: NDArray[np.float32]
    """Activation mass by feature and position, [features, context_size]."""

    def add(self, rows: SparseRows, positions: Integers) -> None:
        """Add tokens; `positions` are theirs in their contexts, [tokens]."""
        feature, value = rows.indices, rows.values.astype(np.float64)
        width = len(self.sum)
        self.n_positive += np.bincount(feature, minlength=width)
        self.sum += np.bincount(feature, weights=value, minlength=width)
        self.squares += np.bincount(feature, weights=value**2, minlength=width)
        np.maximum.at(self.max, feature, value)
        np.add.at(self.mass, (feature, positions[rows.row_of]), rows.values)


class _Activity:
    """Counts tokens and documents on which features are active, shard by shard."""

    def __init__(self, threshold: Floats) -> None:
        self.n_active = np.zeros(len(threshold), np.int64)
        self.n_documents = np.zeros(len(threshold), np.int64)
        self._threshold = threshold
        self._last = np.full(len(threshold), _NO_DOCUMENT)

    def add(self, rows: SparseRows, documents: NDArray[np.int32]) -> None:
        """Add tokens; `documents` are theirs, ascending from shard to shard, [tokens]."""
        width = len(self._threshold)
        active = rows.values > self._threshold[rows.indices]
        feature = rows.indices[active].astype(np.int64)
        self.n_active += np.bincount(feature, minlength=width)
        pairs = np.unique(documents[rows.row_of[active]].astype(np.int64) * width + feature)
        document, feature = np.divmod(pairs, width)
        new = self._last[feature] != document  # a document that goes on from the last shard is counted already
        self.n_documents += np.bincount(feature[new], minlength=width)
        np.maximum.at(self._last, feature, document)


def _block(
    store: ActivationStore, sae: str, features: slice, relative_threshold: float, documents: NDArray[np.int32]
) -> dict[str, NDArray[Any]]:
    width = features.stop - features.start
    moments = _Moments(
        n_positive=np.zeros(width, np.int64),
        sum=np.zeros(width),
        squares=np.zeros(width),
        max=np.zeros(width),
        mass=np.zeros((width, store.context_size), np.float32),
    )
    for shard in store.shards:
        positions = store.counted(shard) % store.context_size
        moments.add(store.counted_rows(sae, shard, features), positions)
    threshold = relative_threshold * moments.max
    activity = _Activity(threshold)
    for shard in store.shards:
        activity.add(store.counted_rows(sae, shard, features), documents[store.counted(shard)])
    return {
        "n_positive": moments.n_positive,
        "n_active": activity.n_active,
        "n_documents": activity.n_documents,
        "sum": moments.sum,
        "squares": moments.squares,
        "max": moments.max,
        "threshold": threshold,
        "positional": moments.mass.max(axis=1) > 0.5 * moments.mass.sum(axis=1),
    }


def _share(values: Floats | Integers, tokens: int) -> Floats:
    return values / tokens if tokens else np.full(len(values), np.nan)
