"""Joint statistics of a block of upstream features with every feature of the next SAE, by sparse products.

For each shard of the text, U [tokens, block] and D [tokens, d_sae] being sparse activations on counted tokens:

1. U^T D adds to the sums of products.
2. With U and D cut down to active tokens (1 where active), and each row of U^T split by document, U^T D counts the
   joint tokens of each pair in each document: their sum is the support, and each entry is one more document.

Only [block, d_sae] is ever dense. A document that goes on in the next shard is counted once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore
from saedb.ingest.sparse import SparseRows

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCounts:
    """Joint statistics of upstream features (rows) and downstream features (columns), each [block, d_sae]."""

    support: NDArray[np.int32]
    """Tokens on which both are active."""
    documents: NDArray[np.int32]
    """Documents with such a token."""
    products: Floats
    """Sums of the product of the two activations."""


def block_counts(
    store: ActivationStore,
    upstream: str,
    downstream: str,
    features: slice,
    *,
    thresholds: Mapping[str, Floats],
    documents: NDArray[np.int32],
    progress: Callable[[], None],
) -> BlockCounts:
    """Return the joint statistics of a block of upstream features with all downstream features.

    Args:
        store: every shard written.
        upstream: id of an SAE.
        downstream: id of the next SAE along the model.
        features: the block, of upstream features.
        thresholds: above which a feature is active, [d_sae], by SAE id.
        documents: number of the document of each token of the text, [tokens]; those of a document are contiguous.
        progress: called after each shard.
    """
    shape = (features.stop - features.start, store.widths[downstream])
    products, support = np.zeros(shape), np.zeros(shape, np.int32)
    counter = _DocumentCounter(shape)
    for shard in store.shards:
        u = store.counted_rows(upstream, shard, features)
        d = store.counted_rows(downstream, shard)
        both = _doubles(u).transposed().times(_doubles(d))
        products[both.row_of, both.indices] += both.values  # each pair is there once
        joint = counter.joint(
            _active(u, thresholds[upstream][features]),
            _active(d, thresholds[downstream]),
            documents[store.counted(shard)],
        )
        np.add.at(support, (joint.upstream, joint.downstream), joint.tokens)
        progress()
    return BlockCounts(support=support, documents=counter.documents, products=products)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joint:
    """Pairs that are active together in a document of a shard, one entry for each pair and document."""

    upstream: NDArray[np.int64]
    downstream: NDArray[np.int64]
    tokens: NDArray[np.int32]


class _DocumentCounter:
    """Counts documents shard by shard, and remembers the pairs seen in the document that may go on in the next one."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.documents = np.zeros(shape, np.int32)
        self._open = np.zeros(shape, np.bool_)
        self._last: int | None = None

    def joint(self, u: SparseRows, d: SparseRows, documents: NDArray[np.int32]) -> _Joint:
        """Count a shard's documents, and return its joint tokens by pair and document.

        Args:
            u: 1 where active, [tokens, block].
            d: 1 where active, [tokens, d_sae].
            documents: document of each token, [tokens].
        """
        if not len(documents):
            empty = np.zeros(0, np.int64)
            return _Joint(upstream=empty, downstream=empty, tokens=empty.astype(np.int32))
        order = np.concatenate([[0], np.cumsum(documents[1:] != documents[:-1])])  # 0 is the shard's first document
        joint = _split_by(order, u).times(d)
        document, upstream = np.divmod(joint.row_of, u.width)
        downstream = joint.indices
        if documents[0] != self._last:
            self._open[:] = False
        known = (document == 0) & self._open[upstream, downstream]
        np.add.at(self.documents, (upstream[~known], downstream[~known]), 1)
        if order[-1] > 0:
            self._open[:] = False
        ends = document == order[-1]
        self._open[upstream[ends], downstream[ends]] = True
        self._last = int(documents[-1])
        return _Joint(upstream=upstream, downstream=downstream, tokens=joint.values)


def _split_by(document: NDArray[np.int64], u: SparseRows) -> SparseRows:
    """Return u transposed, with a row for each document and feature: [documents * features, tokens]."""
    column = document[u.row_of] * u.width + u.indices
    return replace(u, indices=column, width=(int(document[-1]) + 1) * u.width).transposed()


def _active(rows: SparseRows, thresholds: Floats) -> SparseRows:
    active = rows.entries(rows.values > thresholds[rows.indices])
    return replace(active, values=np.ones(len(active.values), np.int32))


def _doubles(rows: SparseRows) -> SparseRows:
    return replace(rows, values=rows.values.astype(np.float64))
