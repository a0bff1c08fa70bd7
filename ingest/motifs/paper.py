"""The paper's one-sided rule for gates (arXiv 2410.08869, table 2): exactly two inputs above a threshold.

An AND is a feature with exactly two inputs whose necessity reaches it, an OR one with exactly two by sufficiency.
"""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MEASURES: Final = ("necessity", "sufficiency")
"""By which measure the paper finds an AND, and an OR."""

Integers = NDArray[np.int64]


def candidates(
    edges: Iterable[pa.Table], width: int, floor: float, sources: NDArray[np.bool_], targets: NDArray[np.bool_]
) -> Integers:
    """Return the two inputs of each output that alone reach some threshold from `floor` on, [d_sae, 2, 2].

    Args:
        edges: parts of an edge table, with the ends and `MEASURES`.
        width: d_sae of the downstream SAE.
        floor: the lowest threshold.
        sources: upstream features that may take part, [d_sae].
        targets: downstream features that may take part, [d_sae].

    Returns:
        by output, by kind (AND, OR), the two inputs; -1 where there are not two.
    """
    found = np.full((width, len(MEASURES), 2), -1, np.int64)
    parts = [[_index(part["source"]), _index(part["target"]), *(_values(part[m]) for m in MEASURES)] for part in edges]
    if not parts:
        return found
    source, target, *values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    allowed = sources[source] & targets[target]
    for number, value in enumerate(values):
        reaching = allowed & (value >= floor)
        outputs, inputs = two_at_the_top(source[reaching], target[reaching], value[reaching])
        found[outputs, number] = inputs
    return found


def two_at_the_top(source: Integers, target: Integers, value: NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Return the targets of which exactly two edges are above some value, [n], and the sources of these, [n, 2].

    Args:
        source: of each edge, [edges].
        target: of each edge, [edges].
        value: of each edge, [edges].
    """
    order = np.lexsort((source, -value, target))
    source, target, value = source[order], target[order], value[order]
    outputs, first, count = np.unique(target, return_index=True, return_counts=True)
    outputs, first, count = outputs[count >= 2], first[count >= 2], count[count >= 2]
    third = np.where(count > 2, value[np.minimum(first + 2, len(value) - 1)], -np.inf)
    is_two = third < value[first + 1]
    first = first[is_two]
    return outputs[is_two], np.stack([source[first], source[first + 1]], axis=1)


def _index(ids: pa.ChunkedArray) -> Integers:
    """Return the index of the feature of each id."""
    return np.array([int(id_.rpartition("/")[2]) for id_ in ids.to_pylist()], np.int64)


def _values(column: Any) -> NDArray[np.float64]:
    return column.to_numpy().astype(np.float64)
