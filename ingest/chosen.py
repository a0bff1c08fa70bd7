"""Joint counts of chosen pairs of features of two SAEs, whether they ever meet or not.

The engines count all pairs and keep what the rule takes. Pairs that something else has chosen, such as the cosine of
their decoders, are counted here, in the same whole numbers: a pair that both find has the same bits.

1. The text goes by in chunks, in which both SAEs are laid out by feature.
2. Of each pair the tokens of its two features, which ascend, are gone through side by side.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.cells import ACTIVE, Features, Packing, Scale
from saedb.ingest.chunks import columns, groups
from saedb.ingest.compiled import compiled
from saedb.ingest.gather import Task
from saedb.ingest.kernel import Kept
from saedb.ingest.statistics import FeatureStatistics
from saedb.ingest.stretches import Stretch
from saedb.ingest.whole import TOP

Integers = NDArray[np.int64]

_VALUE: Final = np.uint64(TOP)
_ACTIVE: Final = np.uint64(ACTIVE)
_ONE: Final = np.uint64(1)


def count_chosen(task: Task, upstream: Integers, downstream: Integers, *, memory: int) -> Kept:
    """Return the counts of pairs of features, [E], as an engine has those that it keeps.

    Args:
        task: the two SAEs and their text; its rule is not asked.
        upstream: upstream feature of each pair, ascending, [E].
        downstream: downstream feature of each pair, ascending for each upstream feature, [E].
        memory: bytes that a chunk of the text may take.
    """
    packing = Packing.of(task.statistics[0])
    shift, count_at = packing.shift[upstream], packing.count_at[upstream]
    cells, documents = np.zeros(len(upstream), np.uint64), np.zeros(len(upstream), np.int64)
    last, first_half = np.full(len(upstream), -1, np.int64), None
    scales = [_scale(s, part) for s, part in zip(task.statistics, (upstream, downstream), strict=True)]
    for group in groups(task, task.upstream, task.downstream, memory):
        if first_half is None and group[0].half:
            first_half = cells.copy()
        up = columns(group, task.upstream, scales[0], slice(0, len(scales[0].used)))
        down = columns(group, task.downstream, scales[1], slice(0, len(scales[1].used)))
        _add(up, down, _documents(group), upstream, downstream, shift, count_at, cells, documents, last)
    maxima = Features.of(task.statistics[1]).max[downstream]
    n_ud, products = _parted(cells, count_at, packing.unit[upstream], maxima)
    halves = cells if first_half is None else first_half
    first = _parted(halves if task.halves else np.zeros_like(cells), count_at, packing.unit[upstream], maxima)
    return Kept(upstream.astype(np.uint32), downstream.astype(np.uint32), n_ud, documents, products, *first)


def with_chosen(kept: Iterable[Kept], chosen: Kept) -> Iterator[Kept]:
    """Yield pairs that an engine keeps together with chosen ones, each pair once, in order.

    Args:
        kept: in parts by upstream and then by downstream feature, every upstream feature within one part.
        chosen: in the same order.
    """
    done = 0
    for part in kept:
        end = int(np.searchsorted(chosen.upstream, part.upstream[-1], side="right")) if len(part.upstream) else done
        yield _merged(part, _rows(chosen, slice(done, end)))
        done = end
    yield _rows(chosen, slice(done, None))


def _merged(part: Kept, chosen: Kept) -> Kept:
    both = Kept._make(np.concatenate(values) for values in zip(part, chosen, strict=True))
    order = np.lexsort((both.downstream, both.upstream))
    u, d = both.upstream[order], both.downstream[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (u[1:] != u[:-1]) | (d[1:] != d[:-1])
    return _rows(both, order[first])


def _rows(kept: Kept, rows: Any) -> Kept:
    return Kept._make(values[rows] for values in kept)


def _scale(statistics: FeatureStatistics, features: Integers) -> Scale:
    """Return how the activations of some features become numbers, of those that fire."""
    scale, chosen = Scale.of(statistics, 0), np.zeros(len(statistics.max), np.bool_)
    chosen[features] = True
    return scale._replace(used=scale.used & chosen)


def _documents(group: Sequence[Stretch]) -> Integers:
    """Return the document of each counted token of a chunk."""
    return np.concatenate([part.documents[part.counted] for part in group]).astype(np.int64)


def _parted(
    cells: NDArray[np.uint64], count_at: NDArray[np.uint64], unit: NDArray[np.float64], maxima: NDArray[np.float64]
) -> tuple[Integers, NDArray[np.float64]]:
    """Return the joint tokens and the sums of products that cells hold."""
    products = cells & ((_ONE << count_at) - _ONE)
    return (cells >> count_at).astype(np.int64), products.astype(np.float64) * unit * maxima


@compiled
def _add(
    upstream: Any,
    downstream: Any,
    document_of: Any,
    u: Any,
    d: Any,
    shift: Any,
    count_at: Any,
    cells: Any,
    documents: Any,
    last: Any,
) -> None:
    """Add a chunk to the cell of each pair; `last` is the last document in which it was active."""
    for pair in range(len(u)):
        i, i_end = np.int64(upstream.start[u[pair]]), np.int64(upstream.start[u[pair] + 1])
        j, j_end = np.int64(downstream.start[d[pair]]), np.int64(downstream.start[d[pair] + 1])
        round_up = (_ONE << shift[pair]) >> _ONE
        while i < i_end and j < j_end:
            token, other = upstream.token[i], downstream.token[j]
            if token == other:
                left, right = np.uint64(upstream.value[i]), np.uint64(downstream.value[j])
                cells[pair] += ((left & _VALUE) * (right & _VALUE) + round_up) >> shift[pair]
                if (left >> _ACTIVE) & (right >> _ACTIVE):
                    cells[pair] += _ONE << count_at[pair]
                    documents[pair] += last[pair] != document_of[token]
                    last[pair] = document_of[token]
            i += token <= other
            j += other <= token
