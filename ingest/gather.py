"""Joint counts of all pairs of features of two SAEs, on the processor.

A text that fits into memory is laid out once, and each thread counts one upstream feature after the other in a private
row. A larger one goes by in chunks, once for each block of upstream features, which have a row each. Counts are sums of
whole numbers, so any number of threads, blocks and chunks gives the same bits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saedb.ingest import kernel
from saedb.ingest.cells import Features, Packing, Scale
from saedb.ingest.chunks import Chunk, bytes_of, chunk, groups
from saedb.ingest.kernel import Kept, Pair, Scratch
from saedb.ingest.rule import EdgeRule
from saedb.ingest.statistics import FeatureStatistics
from saedb.ingest.stretches import Stretch, Stretches

_BATCH: Final = 128
"""Upstream features that a thread takes at once."""
_BLOCK: Final = 4096
"""Upstream features whose edges are held at once."""
_ROOM: Final = 1 << 16
"""Edges, beside those of one row, that a thread holds before they are copied."""
_KEPT_BYTES: Final = 48
"""Bytes of an edge that is held."""
_CELL_BYTES: Final = 16
"""Bytes of a pair that is counted; half as much again where halves are."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is counted: two SAEs of a text, and when a pair of their features is an edge."""

    text: Stretches
    upstream: str
    downstream: str
    statistics: tuple[FeatureStatistics, FeatureStatistics]
    """Of the two."""
    rule: EdgeRule
    halves: bool = False
    """Count the first half of the documents apart as well."""

    def __iter__(self) -> Iterator[Stretch]:
        return self.text.read(self.upstream, self.downstream)

    @property
    def row_length(self) -> int:
        """Downstream features that may have an edge: cells of a row."""
        return len(self.scales[1].order)

    @cached_property
    def scales(self) -> tuple[Scale, Scale]:
        """How activations become numbers, by side."""
        up, down = (Scale.of(statistics, self.rule.min_support) for statistics in self.statistics)
        return up, down

    @property
    def pair(self) -> Pair:
        """What the compiled loops need to know."""
        up, down = self.statistics
        places = Features.of(down).take(self.scales[1].order)
        return Pair(up.tokens, Packing.of(up), Features.of(up), places, self.rule)

    def ordered(self, parts: Sequence[Kept]) -> Kept:
        """Return pairs that were counted, by upstream and then downstream feature, in place of the latter's places."""
        whole = Kept._make(np.concatenate(values) for values in zip(*parts, strict=True))
        whole = whole._replace(downstream=self.scales[1].order[whole.downstream].astype(np.uint32))
        order = np.lexsort((whole.downstream, whole.upstream))
        return Kept._make(values[order] for values in whole)


def gathered(task: Task, *, threads: int, memory: int, progress: Callable[[int], None]) -> Iterator[Kept]:
    """Yield the edges of a pair of SAEs, ordered by upstream and then by downstream feature.

    Args:
        task: what is counted.
        threads: of the processor.
        memory: bytes that may be taken.
        progress: called with a number of upstream features that are done.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        counting = _Counting(task, threads, memory, pool, progress)
        yield from counting.at_once() if counting.fits else counting.in_blocks()
    finally:
        pool.shutdown(cancel_futures=True)


class _Begun(NamedTuple):
    """A block of upstream features that the threads are at."""

    block: slice
    batches: Sequence[NDArray[np.int64]]
    found: Iterator[list[Kept]]
    """What each batch keeps, in order."""


class _Counting:
    def __init__(
        self, task: Task, threads: int, memory: int, pool: ThreadPoolExecutor, progress: Callable[[int], None]
    ) -> None:
        self._task = task
        self._pair = task.pair
        self._scales = task.scales
        self._threads = threads
        self._memory = memory
        self._pool = pool
        self._progress = progress
        self._rooms = SimpleQueue[Kept]()
        for _ in range(threads):
            self._rooms.put(room(task.row_length + _ROOM))

    @property
    def fits(self) -> bool:
        """Whether the whole text may be laid out at once."""
        laid_out = sum(bytes_of(part, self._task.upstream, self._task.downstream) for part in self._task)
        return (
            laid_out + self._threads * (self._row_bytes + (self._task.row_length + _ROOM) * _KEPT_BYTES) <= self._memory
        )

    def at_once(self) -> Iterator[Kept]:
        """Yield the edges block by block, from the whole text; each thread counts feature after feature."""
        whole = self._chunk(self._task, slice(0, len(self._used)))
        rows = SimpleQueue[Scratch]()
        for _ in range(self._threads):
            rows.put(self._scratch(self._task.row_length))

        def step(features: NDArray[np.int64], room: Kept) -> tuple[int, int]:
            row = rows.get()
            try:
                return kernel.gather(features, whole, self._pair, row, room)
            finally:
                rows.put(row)

        begun: _Begun | None = None
        for start in range(0, len(self._used), _BLOCK):
            ahead = self._begin(slice(start, min(start + _BLOCK, len(self._used))), step)
            if begun is not None:  # the threads go on with the block ahead while the edges of this one are put in order
                yield self._finish(begun)
            begun = ahead
        if begun is not None:
            yield self._finish(begun)

    def in_blocks(self) -> Iterator[Kept]:
        """Yield the edges block by block, each from the whole text chunk by chunk."""
        size = max(self._memory // 2 // max(self._row_bytes, 1), 1)
        for start in range(0, len(self._used), size):
            yield self._edges_of_block(slice(start, min(start + size, len(self._used))))

    def _edges_of_block(self, block: slice) -> Kept:
        """Return the edges of a block of upstream features, of which each has a row as long as this takes."""
        rows = self._scratch(block.stop - block.start, self._task.row_length)
        self._add_text(block, rows)

        def step(features: NDArray[np.int64], room: Kept) -> tuple[int, int]:
            return kernel.collect(features, block.start, self._pair, rows, room)

        return self._finish(self._begin(block, step))

    def _add_text(self, block: slice, rows: Scratch) -> None:
        """Add the whole text to the rows of a block of upstream features."""
        batches = self._batches(block)
        before = True
        for group in groups(self._task, self._task.upstream, self._task.downstream, self._memory // 4):
            if before and group[0].half:
                before = False
                _keep_first_half(rows)
            part = self._chunk(group, block)
            list(self._pool.map(lambda features, part=part: kernel.add(features, part, self._pair, rows), batches))
        if before:
            _keep_first_half(rows)

    def _begin(self, block: slice, step: Callable[[NDArray[np.int64], Kept], tuple[int, int]]) -> _Begun:
        """Begin a block, by a step that keeps the edges of some features and says how far it got."""

        def kept(features: NDArray[np.int64]) -> list[Kept]:
            room, found, done = self._rooms.get(), list[Kept](), 0
            try:
                while done < len(features):
                    features_done, n = step(features[done:], room)
                    found.append(Kept._make(values[:n].copy() for values in room))
                    done += features_done
            finally:
                self._rooms.put(room)
            return found

        batches = self._batches(block)
        return _Begun(block, batches, self._pool.map(kept, batches))

    def _finish(self, begun: _Begun) -> Kept:
        """Return the edges of a block in order."""
        parts = [room(0)]
        for features, found in zip(begun.batches, begun.found, strict=True):
            parts += found
            self._progress(len(features))
        without = begun.block.stop - begun.block.start - sum(map(len, begun.batches))
        self._progress(without)  # features that can have no edge
        return self._task.ordered(parts)

    def _batches(self, block: slice) -> Sequence[NDArray[np.int64]]:
        """Return the features of a block that may have edges in batches of about the same work."""
        features = block.start + np.flatnonzero(self._used[block])
        order = np.argsort(-self._task.statistics[0].n_positive[features], kind="stable")
        number = -(-len(features) // _BATCH)
        return [features[order[i::number]] for i in range(number)]

    def _chunk(self, parts: Iterable[Stretch], block: slice) -> Chunk:
        return chunk(parts, self._task.upstream, self._task.downstream, self._scales, block, self._pool)

    @property
    def _used(self) -> NDArray[np.bool_]:
        return self._scales[0].used

    @property
    def _row_bytes(self) -> int:
        return self._task.row_length * (_CELL_BYTES + self._task.halves * _CELL_BYTES // 2)

    def _scratch(self, *shape: int) -> Scratch:
        first_half = shape if self._task.halves else (0, *shape[1:])
        return Scratch(np.zeros(shape, np.uint64), np.zeros(shape, np.uint64), np.zeros(first_half, np.uint64))


def _keep_first_half(rows: Scratch) -> None:
    if len(rows.first_half):
        rows.first_half[:] = rows.cells


def room(size: int) -> Kept:
    """Return room for so many pairs."""
    integers, floats = (lambda: np.zeros(size, np.int64)), (lambda: np.zeros(size))
    ends = (np.zeros(size, np.uint32), np.zeros(size, np.uint32))
    return Kept(*ends, integers(), integers(), floats(), integers(), floats())
