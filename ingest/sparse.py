"""Sparse matrices of activations, row by row (CSR): thinner than SciPy's, typed, and with indices as stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseRows:
    """A sparse matrix [rows, width]; in a row, columns ascend. Rows are tokens and columns features, mostly."""

    indptr: Integers
    """Where each row starts in `indices` and `values`, and where the last one ends, [rows + 1]."""
    indices: NDArray[Any]
    """Column of each entry; any integer type."""
    values: NDArray[Any]
    """Value of each entry."""
    width: int
    """Number of columns."""

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def row_of(self) -> Integers:
        """Row of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def stretch(self, rows: slice) -> Self:
        """Return some rows that follow each other, without a copy of the entries."""
        if (rows.start, rows.stop) == (0, len(self)):
            return self
        first, last = self.indptr[rows.start], self.indptr[rows.stop]
        return replace(
            self,
            indptr=self.indptr[rows.start : rows.stop + 1] - first,
            indices=self.indices[first:last],
            values=self.values[first:last],
        )

    def entries(self, mask: Booleans) -> Self:
        """Return the same rows with only the entries where `mask`, [entries], is true."""
        indptr = starts(mask)[self.indptr]
        return replace(self, indptr=indptr, indices=self.indices[mask], values=self.values[mask])


def index_type(width: int) -> type[np.uint16 | np.uint32]:
    """Return the smallest type that indexes this many columns."""
    return np.uint16 if width <= 1 << 16 else np.uint32


def starts(lengths: NDArray[Any]) -> Integers:
    """Return where each of consecutive parts of these lengths starts, and where the last one ends, [n + 1]."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def stacked(parts: Sequence[SparseRows]) -> SparseRows:
    """Return the rows of all parts, which have the same width, below each other."""
    return SparseRows(
        indptr=starts(np.concatenate([np.diff(p.indptr) for p in parts])),
        indices=np.concatenate([p.indices for p in parts]),
        values=np.concatenate([p.values for p in parts]),
        width=parts[0].width,
    )
