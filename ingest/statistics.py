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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStatistics:
    """The features of one SAE; every array is of shape [d_sae]."""

    tokens: int
    """Counted tokens."""
    n_positive: Integers
    """Tokens with an activation above 0."""
    n_active: Integers
    """Tokens with an activation strictly above the threshold."""
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


def feature_statistics(store: ActivationStore, sae: str, relative_threshold: float) -> FeatureStatistics:
    """Return the statistics of an SAE's features over the counted tokens of a store.

    Args:
        store: every shard written.
        sae: id of the SAE.
        relative_threshold: share of a feature's largest activation above which it is active.
    """
    tokens = sum(len(store.counted(shard)) for shard in store.shards)
    parts = [
        _block(store, sae, features, relative_threshold) for features in store.blocks(sae, _CELLS // store.context_size)
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


def _block(store: ActivationStore, sae: str, features: slice, relative_threshold: float) -> dict[str, NDArray[Any]]:
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
    n_active = np.zeros(width, np.int64)
    for shard in store.shards:
        rows = store.counted_rows(sae, shard, features)
        n_active += np.bincount(rows.indices[rows.values > threshold[rows.indices]], minlength=width)
    return {
        "n_positive": moments.n_positive,
        "n_active": n_active,
        "sum": moments.sum,
        "squares": moments.squares,
        "max": moments.max,
        "threshold": threshold,
        "positional": moments.mass.max(axis=1) > 0.5 * moments.mass.sum(axis=1),
    }


def _share(values: Floats | Integers, tokens: int) -> Floats:
    return values / tokens if tokens else np.full(len(values), np.nan)
