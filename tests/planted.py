"""Activation stores with known content, and the same statistics by dense NumPy."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore, ShardSummary
from saedb.ingest.measures import PairStatistics
from saedb.ingest.quality import QualitySums
from saedb.ingest.sparse import SparseRows, starts

Dense = NDArray[np.float32]
"""Activations [tokens, d_sae]."""


def sparse_of(dense: NDArray) -> SparseRows:
    """Return the entries above 0."""
    row, column = np.nonzero(dense > 0)
    lengths = np.bincount(row, minlength=len(dense))
    return SparseRows(indptr=starts(lengths), indices=column, values=dense[row, column], width=dense.shape[1])


def dense_of(rows: SparseRows) -> NDArray:
    """Return all entries, [rows, width]."""
    dense = np.zeros((len(rows), rows.width), rows.values.dtype)
    np.add.at(dense, (rows.row_of, rows.indices), rows.values)
    return dense


def store_of(
    folder: Path,
    dense: Mapping[str, Dense],
    *,
    counted: NDArray[np.bool_] | None = None,
    context_size: int = 4,
    shard_contexts: int = 2,
) -> ActivationStore:
    """Return a written store of these activations, by SAE id; all tokens count but those not in `counted`, [tokens]."""
    tokens = len(next(iter(dense.values())))
    counted = np.ones(tokens, np.bool_) if counted is None else counted
    store = ActivationStore(
        folder,
        np.arange(tokens, dtype=np.int32).reshape(-1, context_size),
        {sae: values.shape[1] for sae, values in dense.items()},
        shard_contexts,
    )
    for shard in store.shards:
        contexts = store.contexts(shard)
        span = slice(contexts.start * context_size, contexts.stop * context_size)
        summary = ShardSummary(
            counted=counted[span].reshape(-1, context_size),
            left_out={"planted": int((~counted[span]).sum())},
            quality={
                sae: QualitySums(tokens=0, positive=0, error=0.0, squares=0.0, total=np.zeros(1)) for sae in dense
            },
        )
        store.write(shard, {sae: sparse_of(values[span]) for sae, values in dense.items()}, summary)
    return store


def planted_pair(seed: int = 0, tokens: int = 1200) -> tuple[Dense, Dense, NDArray[np.int32]]:
    """Return upstream [tokens, 8], downstream [tokens, 8] and the documents [tokens] of some text.

    Downstream 0 is upstream 0 passed through; 1 is an AND of upstream 1 and 2; 2 an OR of upstream 3 and 4; 3 and 4
    have nothing to do with upstream 5; 5 fires everywhere; 6 never; upstream 6 never and 7 everywhere.
    """
    random = np.random.default_rng(seed)
    upstream = (random.random((tokens, 8)) < 0.1) * random.uniform(0.5, 3.0, (tokens, 8))
    upstream[:, 6] = 0.0
    upstream[:, 7] = random.uniform(0.5, 1.0, tokens)
    downstream = (random.random((tokens, 8)) < 0.1) * random.uniform(0.5, 3.0, (tokens, 8))
    downstream[:, 0] = 2.0 * upstream[:, 0]
    downstream[:, 1] = np.minimum(upstream[:, 1], upstream[:, 2])
    downstream[:, 2] = np.maximum(upstream[:, 3], upstream[:, 4])
    downstream[:, 5] = random.uniform(0.5, 1.0, tokens)
    downstream[:, 6] = 0.0
    documents = np.sort(random.integers(0, tokens // 30, tokens)).astype(np.int32)
    return upstream.astype(np.float32), downstream.astype(np.float32), documents


def dense_statistics(
    upstream: Dense, downstream: Dense, documents: NDArray[np.int32], relative_threshold: float = 0.2
) -> PairStatistics:
    """Return the statistics of all pairs, upstream features first, by the definitions."""
    a, b = upstream.astype(np.float64), downstream.astype(np.float64)
    u, d = a > relative_threshold * a.max(axis=0), b > relative_threshold * b.max(axis=0)
    shape = (a.shape[1], b.shape[1])
    by_document = [
        np.any(u[documents == n][:, :, None] & d[documents == n][:, None, :], axis=0) for n in set(documents)
    ]

    def rows(values: NDArray) -> NDArray:
        return np.broadcast_to(values[:, None], shape).ravel()

    def columns(values: NDArray) -> NDArray:
        return np.broadcast_to(values[None, :], shape).ravel()

    return PairStatistics(
        tokens=len(a),
        n_u=rows(u.sum(axis=0)),
        n_d=columns(d.sum(axis=0)),
        n_ud=(u.T.astype(np.int64) @ d.astype(np.int64)).ravel(),
        documents=np.sum(by_document, axis=0, dtype=np.int64).reshape(shape).ravel(),
        sum_u=rows(a.sum(axis=0)),
        sum_d=columns(b.sum(axis=0)),
        squares_u=rows((a**2).sum(axis=0)),
        squares_d=columns((b**2).sum(axis=0)),
        products=(a.T @ b).ravel(),
        decoder=np.full(shape, np.nan).ravel(),
    )
