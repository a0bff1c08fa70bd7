"""The loops that count all pairs of features of two SAEs, on the processor: what the product stands on.

1. For each upstream feature walk its tokens; for each token add the downstream row into one row of cells
   (`saedb.ingest.cells`), which stays in the processor's cache. Beside each cell stand the documents of joint tokens.
2. Read the row once, or where it was hardly touched the cells that were, and keep the pairs that the rule takes. No
   [d_sae, d_sae] matrix exists.

Loop variables are unsigned, which spares a test for negative indices in the innermost line: a quarter of the time.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from saedb.ingest import measures
from saedb.ingest.cells import ACTIVE, Features, Packing, unbiased
from saedb.ingest.chunks import Chunk, Columns, Rows
from saedb.ingest.compiled import compiled, inlined, prefetch
from saedb.ingest.measures import PairStatistics
from saedb.ingest.rule import EdgeRule, is_edge
from saedb.ingest.whole import TOP

_FORMULAS: Final = (measures.pearson, measures.jaccard, measures.necessity, measures.sufficiency, measures.lift)
for _formula in (*_FORMULAS, is_edge, unbiased):
    register_jitable(_formula)  # so that compiled functions may call it

_ONE: Final = np.uint64(1)
_AHEAD: Final = np.uint64(8)
"""Tokens ahead of which a downstream row is asked for; its place is asked for twice as far ahead."""
_LINE: Final = np.uint64(16)
"""Values in a line of the cache."""
_VALUE: Final = np.uint64(TOP)
_ACTIVE: Final = np.uint64(ACTIVE)
_UPPER: Final = np.uint64(32)
_LOWER: Final = np.uint64(0xFFFFFFFF)
"""The halves of a number of 64 bits: beside a cell the number of documents, and the last of them."""
_WORTH: Final = 8
"""Cells of a row that are read and cleared in the time of one that is found again."""
_ASKED: Final = np.uint64(5)
"""Lines of a row that are asked for at most; the processor sees by itself where a longer one goes on."""


class Scratch(NamedTuple):
    """What is counted of one upstream feature; arrays of shape [width], or [features, width]."""

    cells: NDArray[np.uint64]
    documents: NDArray[np.uint64]
    first_half: NDArray[np.uint64]
    """The cells as they were after the first half of the documents; of no size where halves are not asked for."""


class Kept(NamedTuple):
    """Pairs that the rule takes, one after the other."""

    upstream: NDArray[np.uint32]
    downstream: NDArray[np.uint32]
    """Features; out of the loops their places in a row of cells."""
    n_ud: NDArray[np.int64]
    documents: NDArray[np.int64]
    products: NDArray[np.float64]
    """Sums of products of rounded activations, see `saedb.ingest.cells.unbiased`."""
    n_ud_first: NDArray[np.int64]
    """Joint tokens in the first half of the documents; 0 where halves are not asked for."""
    products_first: NDArray[np.float64]


class Pair(NamedTuple):
    """Two SAEs and the rule for an edge between their features."""

    tokens: int
    """Counted tokens of the whole text."""
    packing: Packing
    upstream: Features
    downstream: Features
    """By their places in a row of cells."""
    rule: EdgeRule


@inlined
def _stretch(columns: Columns, feature: Any) -> Any:
    """Return where a feature's tokens start and end in the columns."""
    row = feature - columns.first
    return columns.start[row], columns.start[row + 1]


@inlined
def _ask_for(columns: Columns, k: Any, last: Any, rows: Rows) -> None:
    """Ask for the memory of the downstream row some tokens ahead, and for its place twice as far ahead."""
    if k + _AHEAD + _AHEAD < last:
        prefetch(rows.token, np.uint64(columns.token[k + _AHEAD + _AHEAD]))
    if k + _AHEAD < last:
        token = columns.token[k + _AHEAD]
        start = rows.token[token, 0]
        length = rows.token[token + _ONE, 0] - start
        for j in range(start, start + min(length, _LINE * _ASKED), _LINE):
            prefetch(rows.value, j)
        for j in range(start, start + min(length, _LINE * _ASKED), _LINE + _LINE):
            prefetch(rows.feature, j)


@inlined
def _walk(
    columns: Columns, first: Any, last: Any, rows: Rows, shift: Any, one: Any, cells: Any, documents: Any
) -> None:
    """Add the downstream rows of some tokens of an upstream feature to its cells.

    A document is counted where a joint token is not of the last one that was counted.
    """
    round_up = (_ONE << shift) >> _ONE
    for k in range(first, last):
        _ask_for(columns, k, last, rows)
        token, value = columns.token[k], np.uint64(columns.value[k])
        upstream = value & _VALUE
        start, stop, more = rows.token[token, 0], rows.token[token + _ONE, 0], rows.token[token, 1]
        middle = start + (more >> _UPPER) if value >> _ACTIVE else start
        document = more & _LOWER
        for j in range(start, middle):
            d = rows.feature[j]
            cells[d] += ((upstream * rows.value[j] + round_up) >> shift) + one
            seen = documents[d]
            new = np.uint64((seen & _LOWER) != document)
            documents[d] = (((seen >> _UPPER) + new) << _UPPER) | document
        for j in range(middle, stop):
            cells[rows.feature[j]] += (upstream * rows.value[j] + round_up) >> shift


@inlined
def _least(u: Any, pair: Pair) -> Any:
    """Return the least cell of a pair that may be an edge."""
    return max(np.uint64(pair.rule.min_support) << pair.packing.count_at[u], _ONE)


@inlined
def _note(d: Any, cell: Any, seen: Any, kept: Kept, m: int) -> int:
    """Append a pair that may be an edge, with its cell and what stands beside it, for `_keep`."""
    kept.downstream[m], kept.n_ud[m], kept.documents[m] = d, np.int64(cell), np.int64(seen)
    return m + 1


@inlined
def _note_row(u: Any, pair: Pair, cells: Any, documents: Any, kept: Kept, m: int) -> int:
    """Append the pairs of a row that may be edges, by their places, and return how many pairs there are."""
    least = _least(u, pair)
    for d in range(len(cells)):
        if cells[d] >= least:
            m = _note(d, cells[d], documents[d], kept, m)
    return m


@inlined
def _note_touched(
    u: Any,
    columns: Columns,
    first: Any,
    last: Any,
    rows: Rows,
    pair: Pair,
    cells: Any,
    documents: Any,
    kept: Kept,
    m: int,
) -> int:
    """Append the same by walking the tokens of an upstream feature again, and clear the cells that they touched."""
    least = _least(u, pair)
    for k in range(first, last):
        token = columns.token[k]
        for j in range(rows.token[token, 0], rows.token[token + _ONE, 0]):
            d = rows.feature[j]
            if cells[d] >= least:
                m = _note(d, cells[d], documents[d], kept, m)
            cells[d] = 0
            documents[d] = 0
    return m


@inlined
def _keep(u: Any, pair: Pair, first_half: Any, kept: Kept, n: int, m: int) -> int:
    """Keep those of the pairs from `n` to `m` that the rule takes, and return how many edges there are."""
    up, down, count_at = pair.upstream, pair.downstream, pair.packing.count_at[u]
    products, unit = (_ONE << count_at) - _ONE, pair.packing.unit[u]
    for i in range(n, m):
        d, cell = kept.downstream[i], np.uint64(kept.n_ud[i])
        rounded = float(cell & products) * unit * down.max[d]
        s = PairStatistics(
            pair.tokens,
            up.n_active[u],
            down.n_active[d],
            np.int64(cell >> count_at),
            kept.documents[i] >> np.int64(_UPPER),
            up.sum[u],
            down.sum[d],
            up.squares[u],
            down.squares[d],
            unbiased(rounded, pair.tokens, up.sum[u], down.sum[d], up.rounded[u], down.rounded[d]),
            np.nan,
        )
        if is_edge(s, pair.rule):
            kept.upstream[n], kept.downstream[n] = u, d
            kept.n_ud[n], kept.documents[n], kept.products[n] = s.n_ud, s.documents, rounded
            if len(first_half):
                kept.n_ud_first[n] = np.int64(first_half[d] >> count_at)
                kept.products_first[n] = float(first_half[d] & products) * unit * down.max[d]
            n += 1
    return n


@compiled
def gather(features: NDArray[Any], chunk: Chunk, pair: Pair, scratch: Scratch, kept: Kept) -> tuple[int, int]:
    """Count upstream features one by one, and keep their edges: return the features and the edges done.

    It stops early when `kept` has no room for another whole row. The scratch is one clear row, and clear afterwards.
    """
    halves, n = len(scratch.first_half) > 0, 0
    mean_row = len(chunk.rows.value) / max(len(chunk.rows.token) - 1, 1)
    for i in range(len(features)):
        if len(kept.upstream) - n < len(scratch.cells):
            return i, n
        feature = features[i]
        begin, last = _stretch(chunk.columns, feature)
        shift, one = pair.packing.shift[feature], _ONE << pair.packing.count_at[feature]
        first = begin
        if halves:
            middle = first + np.uint64(np.searchsorted(chunk.columns.token[first:last], chunk.middle))
            _walk(chunk.columns, first, middle, chunk.rows, shift, one, scratch.cells, scratch.documents)
            scratch.first_half[:] = scratch.cells
            first = middle
        _walk(chunk.columns, first, last, chunk.rows, shift, one, scratch.cells, scratch.documents)
        if (last - begin) * mean_row * _WORTH < len(scratch.cells):
            m = _note_touched(
                feature, chunk.columns, begin, last, chunk.rows, pair, scratch.cells, scratch.documents, kept, n
            )
        else:
            m = _note_row(feature, pair, scratch.cells, scratch.documents, kept, n)
            scratch.cells[:] = 0
            scratch.documents[:] = 0
        n = _keep(feature, pair, scratch.first_half, kept, n, m)
    return len(features), n


@compiled
def add(features: NDArray[Any], chunk: Chunk, pair: Pair, scratch: Scratch) -> None:
    """Add a chunk of the text to the rows of upstream features; the first row is that of `chunk.columns.first`."""
    for i in range(len(features)):
        feature = features[i]
        row = feature - chunk.columns.first
        first, last = _stretch(chunk.columns, feature)
        shift, one = pair.packing.shift[feature], _ONE << pair.packing.count_at[feature]
        _walk(chunk.columns, first, last, chunk.rows, shift, one, scratch.cells[row], scratch.documents[row])


@compiled
def collect(features: NDArray[Any], start: int, pair: Pair, scratch: Scratch, kept: Kept) -> tuple[int, int]:
    """Keep the edges of upstream features whose rows are complete; as `gather` otherwise. Row 0 is that of `start`."""
    n = 0
    for i in range(len(features)):
        if len(kept.upstream) - n < scratch.cells.shape[1]:
            return i, n
        row = features[i] - start
        first_half = scratch.first_half[row] if len(scratch.first_half) else scratch.cells[row][:0]
        m = _note_row(features[i], pair, scratch.cells[row], scratch.documents[row], kept, n)
        n = _keep(features[i], pair, first_half, kept, n, m)
    return len(features), n
