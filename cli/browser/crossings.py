"""How many edges of a layered picture cross."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def crossings(row: Integers, x: Floats, source: Integers, target: Integers) -> int:
    """Return the pairs of edges between the same two rows that cross; edges with a common end do not.

    Args:
        row: row of each node, of shape [nodes].
        x: its place along the row.
        source: node at the upper end of each edge, of shape [edges].
        target: node at its other end, in another row.
    """
    if len(source) < 2:
        return 0
    rows = int(row.max()) + 1
    return _inversions(row[source] * rows + row[target], x[source], x[target])


def _inversions(group: Integers, first: Floats, second: Floats) -> int:
    """Return the pairs of one group with first < first' and second > second'.

    The bits of the rank of `second` are read from the highest on. Sorted by `first`, a pair is an inversion at the bit
    where the two ranks part, if the one before has a 1 there.
    """
    order = np.lexsort((second, first, group))
    group = np.unique(group[order], return_inverse=True)[1]
    rank = np.unique(second, return_inverse=True)[1][order]
    found = 0
    for bit in reversed(range(int(rank.max()).bit_length())):
        one = (rank >> bit) & 1
        before = np.cumsum(one) - one
        start = np.flatnonzero(np.diff(group, prepend=-1))  # groups lie together
        found += int((before - before[start][group])[one == 0].sum())
        parted = 2 * group + one
        order = np.argsort(parted, kind="stable")
        group, rank = np.unique(parted[order], return_inverse=True)[1], rank[order]
    return found
