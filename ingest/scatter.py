"""Joint counts of all pairs of features of two SAEs, on a device of torch's: CUDA, or the processor for tests.

A block of upstream features has a row of cells each in the device's memory. The text goes by in chunks, laid out as for
the processor; on the device each upstream activation meets the downstream row of its token, and all products of a piece
are scattered into the cells at once. Cells are sums of whole numbers (`saedb.ingest.cells`), so the order in which the
device adds does not matter, and the counts are those of `saedb.ingest.gather`, bit for bit.

Documents: of the joint tokens of a piece each pair's documents are found by sorting; the last document of each pair is
kept, since it may go on in the next piece.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saedb.ingest.cells import ACTIVE, unbiased
from saedb.ingest.chunks import Chunk, chunk, groups
from saedb.ingest.gather import Task, room
from saedb.ingest.kernel import Kept, Pair
from saedb.ingest.measures import PairStatistics
from saedb.ingest.rule import is_edge
from saedb.ingest.whole import TOP

_log = logging.getLogger(__name__)

_CELL_BYTES: Final = 24
"""Bytes of a pair that is counted, halves included."""
_PRODUCT_BYTES: Final = 96
"""Bytes that a product takes on its way into its cell."""
_MOST_CELLS: Final = 1 << 30
_MOST_PRODUCTS: Final = 1 << 26
_LEAST: Final = 1 << 10
_READ: Final = 1 << 23
"""Cells that are read at once."""


@dataclass(slots=True, kw_only=True)
class _Sizes:
    """How much is done at once; halved when the device runs out of memory."""

    rows: int
    """Upstream features of a block."""
    products: int
    """Products of a piece."""

    @classmethod
    def within(cls, memory: int, width: int) -> "_Sizes":
        """Return sizes for so many bytes: half for the cells, and a quarter for products."""
        rows = min(memory // 2 // _CELL_BYTES, _MOST_CELLS) // max(width, 1)
        return cls(rows=max(rows, 1), products=max(min(memory // 4 // _PRODUCT_BYTES, _MOST_PRODUCTS), _LEAST))

    def halve(self) -> bool:
        """Halve both, and return whether that was possible."""
        possible = self.rows > 1 or self.products > _LEAST
        self.rows, self.products = max(self.rows // 2, 1), max(self.products // 2, _LEAST)
        return possible


def scattered(task: Task, *, device: str, memory: int, progress: Callable[[int], None]) -> Iterator[Kept]:
    """Yield the edges of a pair of SAEs, ordered by upstream and then by downstream feature.

    Args:
        task: what is counted.
        device: of torch's.
        memory: bytes of the device that may be taken.
        progress: called with a number of upstream features that are done.

    Raises:
        torch.OutOfMemoryError: the device has no room for one row of cells.
    """
    sizes = _Sizes.within(memory, task.row_length)
    features = len(task.statistics[0].max)
    with ThreadPoolExecutor(2) as pool:
        start = 0
        while start < features:
            block = slice(start, min(start + sizes.rows, features))
            try:
                found = _Block(task, block, device, sizes.products).count(pool, memory // 8)
            except torch.OutOfMemoryError:
                if not sizes.halve():
                    raise
                found = None
            if found is None:  # outside of the except clause, which keeps the failed block's memory alive
                torch.cuda.empty_cache()
                _log.warning("the device ran out of memory: counting goes on with %d features at once", sizes.rows)
                continue
            yield found
            progress(block.stop - block.start)
            start = block.stop


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upstream:
    """Some upstream activations, [n]."""

    row: Tensor
    """Row of the feature in the block."""
    token: Tensor
    value: Tensor
    """With bit `ACTIVE` where the feature is active."""
    length: Tensor
    """Downstream activations on the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Downstream:
    """A chunk's downstream activations; see `saedb.ingest.chunks.Rows`."""

    start: Tensor
    """Where each token starts, [tokens]."""
    active: Tensor
    """How many of its features are active, [tokens]."""
    document: Tensor
    """[tokens]."""
    feature: Tensor
    """[activations]."""
    value: Tensor
    """[activations]."""


class _Block:
    """The cells of a block of upstream features, flat: [features * d_sae]."""

    def __init__(self, task: Task, block: slice, device: str, products: int) -> None:
        size = (block.stop - block.start) * task.row_length
        self._task = task
        self._block = block
        self._device = device
        self._products = products
        self._pair: Pair = task.pair
        self._cells = torch.zeros(size, dtype=torch.int64, device=device)
        self._documents = torch.zeros(size, dtype=torch.int32, device=device)
        self._last = torch.zeros(size, dtype=torch.int32, device=device)
        self._first_half = torch.zeros(0, dtype=torch.int64, device=device)
        self._shift = self._tensor(self._pair.packing.shift[block].astype(np.int64))
        self._count_at = self._tensor(self._pair.packing.count_at[block].astype(np.int64))

    def count(self, pool: ThreadPoolExecutor, memory: int) -> Kept:
        """Return the edges of the block, from the whole text in chunks of about `memory` bytes."""
        saes = self._task.upstream, self._task.downstream
        for group in groups(self._task, *saes, memory):
            if self._task.halves and group[0].half and not len(self._first_half):
                self._first_half = self._cells.clone()
            self._add(chunk(group, *saes, self._task.scales, self._block, pool))
        if self._task.halves and not len(self._first_half):
            self._first_half = self._cells
        return self._kept()

    def _add(self, part: Chunk) -> None:
        """Add a chunk of the text, piece by piece."""
        columns, rows = part.columns, part.rows
        owner = np.repeat(np.arange(len(columns.start) - 1), np.diff(columns.start.astype(np.int64)))
        starts = rows.token[:, 0].astype(np.int64)
        lengths = np.diff(starts)[columns.token]
        ends = np.cumsum(lengths)
        downstream = _Downstream(
            start=self._tensor(starts[:-1]),
            active=self._tensor((rows.token[:-1, 1] >> np.uint64(32)).astype(np.int64)),
            document=self._tensor((rows.token[:-1, 1] & np.uint64(0xFFFFFFFF)).astype(np.int64)),
            feature=self._tensor(rows.feature.astype(np.int32)),
            value=self._tensor(rows.value.view(np.int32)),
        )
        first = 0
        while first < len(owner):
            done = ends[first - 1] if first else 0
            last = max(int(np.searchsorted(ends, done + self._products, side="right")), first + 1)
            piece = slice(first, last)
            upstream = _Upstream(
                row=self._tensor(owner[piece]),
                token=self._tensor(columns.token[piece].astype(np.int64)),
                value=self._tensor(columns.value[piece].astype(np.int64)),
                length=self._tensor(lengths[piece]),
            )
            self._add_products(upstream, downstream)
            first = last

    def _add_products(self, upstream: _Upstream, downstream: _Downstream) -> None:
        """Add the products of some upstream activations with the rows of their tokens."""
        entry = torch.repeat_interleave(torch.arange(len(upstream.row), device=self._device), upstream.length)
        first = upstream.length.cumsum(0) - upstream.length
        offset = torch.arange(len(entry), device=self._device) - first[entry]
        place = downstream.start[upstream.token][entry] + offset
        cell = upstream.row[entry] * self._task.row_length + downstream.feature[place]
        shift = self._shift[upstream.row]
        half = ((1 << shift) >> 1)[entry]
        product = ((upstream.value & TOP)[entry] * downstream.value[place] + half) >> shift[entry]
        joint = (offset < downstream.active[upstream.token][entry]) & (upstream.value >> ACTIVE).bool()[entry]
        self._cells.scatter_add_(0, cell, product + (joint.long() << self._count_at[upstream.row][entry]))
        self._add_documents(cell[joint], downstream.document[upstream.token][entry][joint])

    def _add_documents(self, cell: Tensor, document: Tensor) -> None:
        """Count each document of joint tokens once for each cell, [joint tokens]."""
        if not len(cell):
            return
        lowest, highest = document.aminmax()
        span = int(highest - lowest) + 1
        seen = torch.unique(cell * span + (document - lowest))
        cell, document = seen // span, (seen % span + lowest).int()
        self._documents.scatter_add_(0, cell, (document != self._last[cell]).int())
        self._last.scatter_reduce_(0, cell, document, "amax")

    def _kept(self) -> Kept:
        """Return the pairs of the block that the rule takes."""
        step = max(_READ // max(self._task.row_length, 1), 1) * max(self._task.row_length, 1)
        starts = range(0, len(self._cells), step)
        return self._task.ordered([self._kept_of(start, start + step) for start in starts] or [room(0)])

    def _kept_of(self, start: int, stop: int) -> Kept:
        width, pair = self._task.row_length, self._pair
        cells = self._cells[start:stop]
        least = (pair.rule.min_support << self._count_at).clamp(min=1).repeat_interleave(width)[start:stop]
        at = torch.nonzero(cells >= least).squeeze(1) + start
        u, d = at // width, at % width
        row = u + self._block.start
        n_u, sum_u, squares_u, _, rounded_u = (self._tensor(values)[row] for values in pair.upstream)
        n_d, sum_d, squares_d, max_d, rounded_d = (self._tensor(values)[d] for values in pair.downstream)
        unit = self._tensor(pair.packing.unit)[row]

        def counted(cells: Tensor) -> tuple[Tensor, Tensor]:
            count_at = self._count_at[u]
            return cells[at] >> count_at, (cells[at] & ((1 << count_at) - 1)).double() * unit * max_d

        n_ud, products = counted(self._cells)
        first = counted(self._first_half) if self._task.halves else (torch.zeros_like(n_ud), torch.zeros_like(products))
        documents = self._documents[at].long()
        s = PairStatistics(
            tokens=pair.tokens,
            n_u=n_u.double(),  # torch divides whole numbers in float32
            n_d=n_d.double(),
            n_ud=n_ud.double(),
            documents=documents,
            sum_u=sum_u,
            sum_d=sum_d,
            squares_u=squares_u,
            squares_d=squares_d,
            products=unbiased(products, pair.tokens, sum_u, sum_d, rounded_u, rounded_d),
            decoder=None,
        )
        edge = is_edge(s, pair.rule)
        kept = (row.to(torch.uint32), d.to(torch.uint32), n_ud, documents, products, *first)
        return Kept._make(values[edge].cpu().numpy() for values in kept)

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)
