"""Edges between the features of two SAEs: the rule that makes a pair an edge, and the rows of its file."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore
from saedb.ingest.config import IngestConfig
from saedb.ingest.counts import BlockCounts, block_counts
from saedb.ingest.measures import BY_NAME, MEASURES, SELECTING, PairStatistics
from saedb.ingest.statistics import FeatureStatistics
from saedb.ingest.tables import EDGES, rows

Integers = NDArray[np.int64]

_CELLS: Final = 1 << 24
"""Pairs of features that are counted at once: some 400 MB."""
_COSINES: Final = 4096
"""Pairs of decoder rows that are compared at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRule:
    """When a pair of features is an edge; `saedb.ingest.config.IngestConfig` has the defaults."""

    min_similarity: float
    """One of the selecting measures reaches it."""
    min_support: int
    """Joint tokens."""
    min_documents: int
    """Documents with a joint token."""
    min_lift: float
    """Where only necessity or sufficiency selects: this lift, or `min_excess`."""
    min_excess: float
    """Necessity minus the density of the upstream feature."""

    @classmethod
    def of(cls, config: IngestConfig) -> Self:
        """Return the rule of a run's settings, which have the same names."""
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})

    def enough(self, support: NDArray[np.int32], documents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which pairs are together often enough, by their joint tokens and the documents of these."""
        return (support >= self.min_support) & (documents >= self.min_documents)

    def related(self, s: PairStatistics) -> NDArray[np.bool_]:
        """Return which pairs are similar, [E], and by more than chance."""
        similar = {m.name: m.formula(s) >= self.min_similarity for m in SELECTING}
        excess = BY_NAME["necessity"].formula(s) - s.n_u / s.tokens
        above_chance = (BY_NAME["lift"].formula(s) >= self.min_lift) | (excess >= self.min_excess)
        one_sided = similar["necessity"] | similar["sufficiency"]
        return similar["pearson"] | similar["jaccard"] | (one_sided & above_chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two SAEs of a pair."""

    sae: str
    statistics: FeatureStatistics
    ids: NDArray[np.object_]
    """Id of each feature, [d_sae]."""
    decoder: NDArray[np.float32]
    """Decoder rows, [d_sae, d_in]."""


def edge_blocks(store: ActivationStore, upstream: str, downstream: str) -> list[slice]:
    """Return the blocks of upstream features in which a pair of SAEs is counted."""
    return store.blocks(upstream, _CELLS // store.widths[downstream])


def edges(
    store: ActivationStore,
    upstream: Side,
    downstream: Side,
    rule: EdgeRule,
    *,
    documents: NDArray[np.int32],
    progress: Callable[[], None],
) -> Iterator[pa.Table]:
    """Yield the rows of the pair's edge file, by source and then by target.

    Args:
        store: every shard written.
        upstream: the SAE that edges start from.
        downstream: the next SAE along the model.
        rule: which pairs of features become edges.
        documents: number of the document of each token of the text, [tokens].
        progress: called once for each block of `edge_blocks` and each shard.
    """
    thresholds = {side.sae: side.statistics.threshold for side in (upstream, downstream)}
    for features in edge_blocks(store, upstream.sae, downstream.sae):
        counts = block_counts(
            store,
            upstream.sae,
            downstream.sae,
            features,
            thresholds=thresholds,
            documents=documents,
            progress=progress,
        )
        yield _rows(counts, features.start, upstream, downstream, rule)


def _rows(counts: BlockCounts, start: int, upstream: Side, downstream: Side, rule: EdgeRule) -> pa.Table:
    met = (counts.products > 0) & rule.enough(counts.support, counts.documents)
    row, column = np.nonzero(met)
    kept = rule.related(_statistics(counts, row, column, start, upstream, downstream))
    row, column = row[kept], column[kept]
    u, d = row + start, column
    statistics = replace(
        _statistics(counts, row, column, start, upstream, downstream),
        decoder=decoder_cosines(upstream.decoder, downstream.decoder, u, d),
    )
    values: Mapping[str, NDArray[np.float64]] = {m.name: m.formula(statistics) for m in MEASURES}
    return rows(EDGES, {"source": upstream.ids[u], "target": downstream.ids[d], **values})


def _statistics(
    counts: BlockCounts, row: Integers, column: Integers, start: int, upstream: Side, downstream: Side
) -> PairStatistics:
    u, d, cell = upstream.statistics, downstream.statistics, (row, column)
    return PairStatistics(
        tokens=u.tokens,
        n_u=u.n_active[row + start],
        n_d=d.n_active[column],
        n_ud=counts.support[cell].astype(np.int64),
        documents=counts.documents[cell].astype(np.int64),
        sum_u=u.sum[row + start],
        sum_d=d.sum[column],
        squares_u=u.squares[row + start],
        squares_d=d.squares[column],
        products=counts.products[cell],
        decoder=np.full(len(row), np.nan),
    )


def decoder_cosines(
    upstream: NDArray[np.float32], downstream: NDArray[np.float32], u: Integers, d: Integers
) -> NDArray[np.float64]:
    """Return the cosine of the decoder rows of each pair, [E]; NaN for a row of zeros or rows of different length.

    Args:
        upstream: decoder rows, [d_sae, d_in].
        downstream: decoder rows, [d_sae, d_in].
        u: upstream feature of each pair, [E].
        d: downstream feature of each pair, [E].
    """
    result = np.full(len(u), np.nan)
    if upstream.shape[1] != downstream.shape[1]:
        return result
    for start in range(0, len(u), _COSINES):
        part = slice(start, start + _COSINES)
        a, b = upstream[u[part]].astype(np.float64), downstream[d[part]].astype(np.float64)
        norms = np.sqrt(np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b))
        np.divide(np.einsum("ij,ij->i", a, b), norms, out=result[part], where=norms > 0)
    return np.clip(result, -1.0, 1.0)
