"""What else one would count pairs of features with: SciPy, MKL's sparse product, and the paper's dense product."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from saedb.ingest.gather import Task
from saedb.ingest.sparse import stacked
from saedb.ingest.statistics import FeatureStatistics

_ROWS: Final = 512
"""Upstream features that are filtered at once, so that what is computed on the way stays in the cache."""

Integers = NDArray[np.int64]


class SparseProducts:
    """The edge job by two sparse products of SciPy and a filter.

    It does what the paper's rule asks: Pearson, Jaccard, necessity or sufficiency reaches a value. Documents, the
    least support and chance are left out. Statistics of single features are given, as they are to the engine.
    """

    def __init__(self, task: Task) -> None:
        parts = list(task)
        self.upstream, self.downstream = (
            _matrix(stacked([part.rows[sae] for part in parts])) for sae in (task.upstream, task.downstream)
        )
        self._statistics = task.statistics
        self._least = task.rule.min_similarity
        self._means, self._deviations = zip(*(_moments(statistics) for statistics in task.statistics), strict=True)

    def pairs(self, rows: int) -> Integers:
        """Return the pairs that the paper's rule takes, as upstream feature * d_sae + downstream feature, ascending.

        Args:
            rows: upstream features that are multiplied at once; d_sae for whole products, fewer take less memory.
        """
        up, down = self._statistics
        columns, active_columns = self.upstream.T.tocsr(), _active(self.upstream, up).T.tocsr()
        active = _active(self.downstream, down)
        found: list[Integers] = []
        for first in range(0, columns.shape[0], rows):
            block = slice(first, first + rows)
            joint, products = active_columns[block] @ active, columns[block] @ self.downstream
            for start in range(0, joint.shape[0], _ROWS):
                part = slice(start, start + _ROWS)
                both = self._both_active(joint[part], first + start)
                found.append(np.union1d(both, self._correlated(products[part], first + start)))
        return np.concatenate(found)

    def _both_active(self, joint: Any, first: int) -> Integers:
        """Return the pairs with a high necessity or sufficiency; Jaccard is never above either."""
        u, d = _cells(joint, first)
        up, down = self._statistics
        reached = joint.data >= self._least * np.minimum(up.n_active[u], down.n_active[d])
        return u[reached] * joint.shape[1] + d[reached]

    def _correlated(self, products: Any, first: int) -> Integers:
        u, d = _cells(products, first)
        covariance = products.data / self._statistics[0].tokens - self._means[0][u] * self._means[1][d]
        reached = covariance >= self._least * (self._deviations[0][u] * self._deviations[1][d])
        return u[reached] * products.shape[1] + d[reached]


class MklProduct:
    """One of the two products by MKL; without transposition, filter or measures."""

    def __init__(self, products: SparseProducts) -> None:
        """Take the matrices of a job.

        Raises:
            ImportError: sparse_dot_mkl or MKL itself is not installed.
        """
        from sparse_dot_mkl import dot_product_mkl

        self._multiply = dot_product_mkl
        self._columns, self._rows = products.upstream.T.tocsr(), products.downstream

    def product(self) -> Any:
        """Return the sums of products of all pairs, sparse [d_sae, d_sae]."""
        return self._multiply(self._columns, self._rows)


class DenseProduct:
    """The paper's way: a product of dense activations on some tokens, added to a dense [d_sae, d_sae] matrix."""

    def __init__(self, products: SparseProducts, tokens: int) -> None:
        import torch

        first = slice(0, tokens)
        self._up, self._down = (
            torch.from_numpy(matrix[first].toarray()) for matrix in (products.upstream, products.downstream)
        )
        self._sums = torch.zeros(self._up.shape[1], self._down.shape[1])

    def add(self) -> Any:
        """Add the tokens, and return the sums of products of all pairs."""
        return self._sums.addmm_(self._up.T, self._down)


def _cells(matrix: Any, first: int) -> tuple[Integers, Any]:
    """Return the upstream and the downstream feature of each entry of a block of rows."""
    return np.repeat(np.arange(first, first + matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices


def _matrix(rows: Any) -> csr_array:
    indices = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)  # 64 bits would slow SciPy down
    return csr_array((rows.values, *indices), shape=(len(rows), rows.width))


def _active(matrix: csr_array, statistics: FeatureStatistics) -> Any:
    """Return 1 where a feature is active."""
    values = (matrix.data > statistics.threshold[matrix.indices]).astype(np.float32)
    active: Any = csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape, copy=True)
    active.eliminate_zeros()
    return active


def _moments(statistics: FeatureStatistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means and standard deviations."""
    mean = statistics.sum / statistics.tokens
    return mean, np.sqrt(np.maximum(statistics.squares / statistics.tokens - mean**2, 0.0))
