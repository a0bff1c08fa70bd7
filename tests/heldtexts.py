"""Texts in memory, cut into stretches at will, and the counting of their pairs of features."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from planted import sparse_of

from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import PairStatistics
from saedb.ingest.rule import EdgeRule, is_edge
from saedb.ingest.sparse import SparseRows, index_type
from saedb.ingest.statistics import FeatureStatistics, feature_statistics
from saedb.ingest.stretches import HeldText, Stretch, Stretches

UP, DOWN = "0-a", "1-a"

RULE = EdgeRule(min_similarity=0.1, min_support=10, min_documents=3, min_lift=2.0, min_excess=0.2)
PAPER = EdgeRule(min_similarity=0.1, min_support=0, min_documents=0, min_lift=0.0, min_excess=-1.0)
MEETS = EdgeRule(min_similarity=1e-6, min_support=1, min_documents=0, min_lift=0.0, min_excess=-1.0)
"""Pairs with a joint token."""


def stored(dense: NDArray) -> SparseRows:
    """Return the entries above 0 with the types of the activation store."""
    rows = sparse_of(dense)
    return replace(rows, indices=rows.indices.astype(index_type(rows.width)))


def spread(rows: SparseRows, columns: Sequence[int], width: int) -> SparseRows:
    """Return the same entries in these of `width` columns."""
    return replace(rows, indices=np.array(columns, index_type(width))[rows.indices], width=width)


def held(
    layers: Mapping[str, NDArray | SparseRows],
    documents: NDArray[np.int32] | None = None,
    *,
    counted: NDArray[np.bool_] | None = None,
    cuts: Iterable[int] = (),
    first_half: int | None = None,
    context_size: int = 4,
) -> HeldText:
    """Return a text of these activations, [tokens, d_sae] by SAE, cut before the tokens `cuts`.

    Without `documents` each token is one; without `first_half`, the tokens of the first half, all are.
    """
    rows = {sae: part if isinstance(part, SparseRows) else stored(part) for sae, part in layers.items()}
    tokens = len(next(iter(rows.values())))
    documents = np.arange(tokens, dtype=np.int32) if documents is None else documents
    counted = np.ones(tokens, np.bool_) if counted is None else counted
    middle = tokens if first_half is None else first_half
    places = sorted({0, tokens, middle, *cuts})
    parts = [slice(a, b) for a, b in pairwise(places)]
    return HeldText(
        [
            Stretch(
                rows={sae: whole.stretch(part) for sae, whole in rows.items()},
                counted=counted[part],
                documents=documents[part],
                positions=np.arange(part.start, part.stop, dtype=np.int32) % context_size,
                half=int(part.start >= middle),
            )
            for part in parts
        ]
    )


def task_of(
    text: Stretches, widths: tuple[int, int], rule: EdgeRule, *, halves: bool = False, relative_threshold: float = 0.2
) -> Task:
    """Return the counting of a text's two layers."""
    up, down = (
        feature_statistics(text, sae, width, context_size=4, relative_threshold=relative_threshold)
        for sae, width in zip((UP, DOWN), widths, strict=True)
    )
    return Task(text=text, upstream=UP, downstream=DOWN, statistics=(up, down), rule=rule, halves=halves)


def kept_of(task: Task, *, threads: int = 2, memory: int = 1 << 40) -> Kept:
    """Return all edges of a task."""
    parts = list(gathered(task, threads=threads, memory=memory, progress=lambda _: None))
    return Kept._make(np.concatenate(values) for values in zip(*parts, strict=True))


def pairs_of(kept: Kept) -> list[tuple[int, int]]:
    """Return the ends of edges, in their order."""
    return list(zip(kept.upstream.tolist(), kept.downstream.tolist(), strict=True))


def taken(s: PairStatistics, rule: EdgeRule) -> NDArray[np.bool_]:
    """Return which pairs the rule takes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return is_edge(s, rule)


def all_pairs(
    statistics: tuple[FeatureStatistics, FeatureStatistics], support: NDArray, documents: NDArray, products: NDArray
) -> PairStatistics:
    """Return the statistics of all pairs, from their joint ones [upstream features, downstream features]."""
    up, down = statistics
    u, d = (index.ravel() for index in np.indices(support.shape))
    return PairStatistics(
        tokens=up.tokens,
        n_u=up.n_active[u],
        n_d=down.n_active[d],
        n_ud=support.ravel(),
        documents=documents.ravel(),
        sum_u=up.sum[u],
        sum_d=down.sum[d],
        squares_u=up.squares[u],
        squares_d=down.squares[d],
        products=products.ravel(),
        decoder=np.full(support.size, np.nan),
    )
