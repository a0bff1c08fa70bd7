"""Sparse activations of a pair of SAEs, laid out for counting: upstream by feature, downstream by token.

Activations become whole numbers (`saedb.ingest.cells`). Within a token active features come first. Tokens that do not
count, and features that are active too seldom for any edge, are left out.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.cells import ACTIVE, Scale
from saedb.ingest.compiled import compiled
from saedb.ingest.sparse import index_type, starts
from saedb.ingest.stretches import Stretch
from saedb.ingest.whole import number

COLUMN_BYTES: Final = 8
"""Bytes of an upstream activation."""
TOKEN_BYTES: Final = 16
"""Bytes of a token besides the activations."""


class Columns(NamedTuple):
    """Activations of upstream features from `first` on, by feature."""

    first: int
    start: NDArray[np.uint64]
    """Where each feature starts in the arrays below, and where the last one ends, [features + 1]."""
    token: NDArray[np.uint32]
    """Number of the counted token within the chunk, ascending for each feature."""
    value: NDArray[np.uint32]
    """The activation, with bit `ACTIVE` set where the feature is active."""


class Rows(NamedTuple):
    """Activations of downstream features, by counted token."""

    token: NDArray[np.uint64]
    """Two numbers of each token, in one line of the cache: where it starts in the arrays below; and how many of its
    features are active, which stand first, in the upper half, with its document plus 2 in the lower. One more row says
    where the last token ends, [tokens + 1, 2]."""
    feature: NDArray[Any]
    """Place of the feature in a row of cells, see `saedb.ingest.cells.Scale.order`; uint16 or uint32."""
    value: NDArray[np.uint32]


class Chunk(NamedTuple):
    """A part of a text, laid out for counting."""

    columns: Columns
    rows: Rows
    middle: int
    """Counted tokens that belong to the first half of the documents."""


def chunk(
    parts: Iterable[Stretch],
    upstream: str,
    downstream: str,
    scales: tuple[Scale, Scale],
    features: slice,
    pool: Executor,
) -> Chunk:
    """Return stretches of text laid out for counting a block of upstream features.

    Args:
        parts: the text or a part of it; gone through more than once.
        upstream: id of an SAE.
        downstream: id of the other.
        scales: of the two.
        features: the block.
        pool: for the two sides at once.
    """
    by_feature = pool.submit(columns, parts, upstream, scales[0], features)
    by_token = pool.submit(_rows, parts, downstream, scales[1])
    return Chunk(by_feature.result(), *by_token.result())


def groups(text: Iterable[Stretch], upstream: str, downstream: str, budget: int) -> Iterator[list[Stretch]]:
    """Yield a text in lists of stretches of one half, each of at most `budget` bytes when laid out, or one stretch."""
    held: list[Stretch] = []
    taken = 0
    for part in text:
        size = bytes_of(part, upstream, downstream)
        if held and (taken + size > budget or held[-1].half != part.half):
            yield held
            held, taken = [], 0
        held.append(part)
        taken += size
    if held:
        yield held


def bytes_of(part: Stretch, upstream: str, downstream: str) -> int:
    """Return the most bytes that a stretch takes when laid out."""
    up, down = part.rows[upstream], part.rows[downstream]
    row_bytes = 4 + index_type(down.width)().itemsize
    return COLUMN_BYTES * len(up.values) + row_bytes * len(down.values) + TOKEN_BYTES * len(part.counted)


def columns(parts: Iterable[Stretch], sae: str, scale: Scale, features: slice) -> Columns:
    """Return the activations of a block of features in a part of a text, which is gone through more than once."""
    used = np.zeros_like(scale.used)
    used[features] = scale.used[features]
    lengths = np.zeros(len(used), np.int64)
    for part in parts:
        rows = part.rows[sae]
        _count(rows.indptr, rows.indices, part.counted, used, lengths)
    start = starts(lengths[features])
    token, value = np.empty(start[-1], np.uint32), np.empty(start[-1], np.uint32)
    place = np.zeros(len(used), np.int64)
    place[features] = start[:-1]
    done = 0
    for part in parts:
        rows = part.rows[sae]
        arrays = (rows.indptr, rows.indices, rows.values, part.counted)
        done = _fill_columns(*arrays, scale.factor, scale.threshold, used, done, place, token, value)
    return Columns(features.start, start.astype(np.uint64), token, value)


def _rows(parts: Iterable[Stretch], sae: str, scale: Scale) -> tuple[Rows, int]:
    lengths, tokens = np.zeros(len(scale.used), np.int64), [0, 0]
    for part in parts:
        rows = part.rows[sae]
        _count(rows.indptr, rows.indices, part.counted, scale.used, lengths)
        tokens[part.half] += int(part.counted.sum())
    entries, total = int(lengths.sum()), sum(tokens)
    found = Rows(
        token=np.zeros((total + 1, 2), np.uint64),
        feature=np.empty(entries, index_type(len(scale.order))),
        value=np.empty(entries, np.uint32),
    )
    done = 0
    for part in parts:
        rows = part.rows[sae]
        arrays = (rows.indptr, rows.indices, rows.values, part.counted, part.documents)
        done = _fill_rows(*arrays, scale.factor, scale.threshold, scale.used, scale.place, done, *found)
    return found, tokens[0]


@compiled
def _count(indptr: Any, indices: Any, counted: Any, used: Any, lengths: Any) -> None:
    """Add to `lengths` how often each used feature is above 0 on counted tokens."""
    for token in range(len(counted)):
        if counted[token]:
            for k in range(indptr[token], indptr[token + 1]):
                feature = int(indices[k])
                lengths[feature] += used[feature]


@compiled
def _fill_columns(
    indptr: Any,
    indices: Any,
    values: Any,
    counted: Any,
    factor: Any,
    threshold: Any,
    used: Any,
    done: int,
    place: Any,
    token_of: Any,
    value_of: Any,
) -> int:
    """Append a stretch to each feature's part of the columns, and return the counted tokens done."""
    for token in range(len(counted)):
        if not counted[token]:
            continue
        for k in range(indptr[token], indptr[token + 1]):
            feature = int(indices[k])
            if used[feature]:
                at = place[feature]
                active = np.uint32(values[k] > threshold[feature])
                token_of[at] = done
                value_of[at] = number(values[k], factor[feature]) | (active << np.uint32(ACTIVE))
                place[feature] = at + 1
        done += 1
    return done


@compiled
def _fill_rows(
    indptr: Any,
    indices: Any,
    values: Any,
    counted: Any,
    documents: Any,
    factor: Any,
    threshold: Any,
    used: Any,
    place: Any,
    done: int,
    token_at: Any,
    feature_of: Any,
    value_of: Any,
) -> int:
    """Append a stretch to the rows, active features of a token first, and return the counted tokens done."""
    at = np.int64(token_at[done, 0])
    for token in range(len(counted)):
        if not counted[token]:
            continue
        first = at
        for wanted in (True, False):
            for k in range(indptr[token], indptr[token + 1]):
                feature = int(indices[k])
                if used[feature] and (values[k] > threshold[feature]) == wanted:
                    feature_of[at] = place[feature]
                    value_of[at] = number(values[k], factor[feature])
                    at += 1
            if wanted:
                token_at[done, 1] = ((at - first) << 32) | (documents[token] + 2)
        done += 1
        token_at[done, 0] = at
    return done
