"""Joint counts of all pairs of features by sparse products of SciPy: the second implementation, to compare with.

For each stretch of the text, U [tokens, block] and D [tokens, d_sae] being activations on counted tokens, U^T D adds to
the sums of products. With U and D cut down to 1 where active, U^T D counts joint tokens, and the same over the tokens
of one document says which pairs meet there. Only [block, d_sae] is ever dense.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from saedb.ingest.sparse import SparseRows
from saedb.ingest.stretches import Stretches

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCounts:
    """Joint statistics of upstream features (rows) and downstream features (columns), each [block, d_sae]."""

    support: Integers
    documents: Integers
    products: Floats


def block_counts(
    text: Stretches, saes: tuple[str, str], features: slice, thresholds: tuple[Floats, Floats]
) -> BlockCounts:
    """Return the joint statistics of a block of upstream features with all downstream features."""
    shape = len(thresholds[0][features]), len(thresholds[1])
    products, support, documents = np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    met, last = np.zeros(shape, np.bool_), None  # pairs that met in the last document, which may go on
    for part in text.read(*saes):
        u, d = (_counted(part.rows[sae], part.counted) for sae in saes)
        u = u[:, features]
        products += (u.T @ d).toarray()
        u, d = _active(u, thresholds[0][features]), _active(d, thresholds[1])
        numbers = part.documents[part.counted]
        for number in np.unique(numbers):
            joint = (u[numbers == number].T @ d[numbers == number]).toarray()
            support += joint
            if number != last:
                met, last = np.zeros(shape, np.bool_), number
            documents += (joint > 0) & ~met
            met |= joint > 0
    return BlockCounts(support=support, documents=documents, products=products)


def _counted(rows: SparseRows, counted: NDArray[np.bool_]) -> csr_array:
    parts = (rows.values.astype(np.float64), rows.indices.astype(np.int64), rows.indptr)
    return csr_array(parts, shape=(len(rows), rows.width))[counted]


def _active(rows: csr_array, thresholds: Floats) -> csr_array:
    entries = rows.tocoo()
    above = entries.data > thresholds[entries.col]
    places = entries.row[above], entries.col[above]
    return csr_array((np.ones(len(places[0]), np.int64), places), shape=rows.shape)
