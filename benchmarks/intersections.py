"""What else one would count the joint tables of gates with: a sparse product of SciPy, and marks of NumPy."""

from collections.abc import Iterator
from math import comb
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from saedb.ingest.motifs.activity import Activity, Halves
from saedb.ingest.motifs.candidates import LEAST_LIFT
from saedb.ingest.motifs.settings import GateSettings

Integers = NDArray[np.int64]

_HALF: Final = 8
"""The bit of a combination that is the half of the documents; the next one is the output."""


class Intersections:
    """The joint tables of the ANDs and ORs of all outputs, one output at a time."""

    def __init__(self, up: Activity, down: Activity, halves: Halves, settings: GateSettings) -> None:
        self._up, self._down, self._settings = up, down, settings
        self._first = tuple(_matrix(side, len(halves.counted))[: halves.middle] for side in (up, down))
        self._half = (np.arange(len(halves.counted)) >= halves.middle).astype(np.uint16) << _HALF
        self._size = int(halves.sizes[0])

    def tables(self) -> tuple[Integers, int]:
        """Return how many sets of inputs were counted, of ANDs and of ORs, and the sum of all their cells."""
        counted, cells = np.zeros(2, np.int64), 0
        marks = np.zeros(len(self._half), np.uint16)
        for output, kind, inputs in self._candidates():
            cells += int(self._table(output, inputs, marks).sum())
            sizes = range(2, self._settings.max_inputs + 1)
            counted[kind] += sum(comb(len(inputs), size) for size in sizes)
        return counted, cells

    def _candidates(self) -> Iterator[tuple[int, int, Integers]]:
        """Yield the inputs of the AND and of the OR of each output that has two."""
        s = self._settings
        up, down = self._first
        joint: Any = (up.T @ down).tocsc()
        n_up, n_down = np.diff(up.indptr), np.diff(down.indptr)
        for output in range(joint.shape[1]):
            cells = slice(joint.indptr[output], joint.indptr[output + 1])
            u, both, n_d = joint.indices[cells].astype(np.int64), joint.data[cells], n_down[output]
            is_one = (both >= s.row_support) & (both * self._size >= LEAST_LIFT * n_up[u] * n_d)
            needed = is_one & (both >= s.min_necessity * n_d) & (both >= s.min_precision * n_up[u])
            enough = is_one & (both >= s.min_sufficiency * n_up[u])
            for kind, chosen in enumerate((needed, enough)):
                if chosen.sum() > 1:
                    order = np.lexsort((u[chosen], n_up[u[chosen]], -both[chosen]))
                    yield output, kind, u[chosen][order[: s.candidates]]

    def _table(self, output: int, inputs: Integers, marks: NDArray[np.uint16]) -> Integers:
        """Return the tokens of every combination of inputs, half and output."""
        columns = [self._up.token[self._up.start[i] : self._up.start[i + 1]] for i in inputs]
        columns.append(self._down.token[self._down.start[output] : self._down.start[output + 1]])
        for bit, tokens in zip((*range(len(inputs)), _HALF + 1), columns, strict=True):
            marks[tokens] |= np.uint16(1 << bit)
        touched = np.concatenate(columns)
        found = np.unique(touched)
        table = np.bincount(marks[found] | self._half[found], minlength=1 << (_HALF + 2))
        marks[touched] = 0
        return table


def _matrix(side: Activity, tokens: int) -> Any:
    """Return which features are active on which tokens, [tokens, d_sae]."""
    parts = (np.ones(len(side.token), np.int64), side.token.astype(np.int64), side.start)
    return csc_array(parts, shape=(tokens, len(side.start) - 1))
