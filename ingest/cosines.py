"""Pairs of features whose decoders point the same way: the nearest of each feature, found without text.

Of two SAEs that write to one space, each feature brings in the features of the other SAE that its decoder row has the
highest cosines with: so many at most, and none below a floor. This is the matching that needs no activations, as in
data-free feature flow (Laptev et al. 2025, arXiv 2502.03032); that of SAE Match (Balagansky et al. 2024, arXiv
2410.07656) minimises squared distances of scaled rows instead, which a cosine, that no scale of a row moves, does not.

1. Unit rows meet tile by tile: a product in float32 of `TILE` rows with `TILE` rows, on any device. No matrix of all
   pairs exists.
2. Of a tile a pair is looked at again where its product may be from the floor on, with room for the rounding of
   float32; and where these are many, may be among the highest of its row or column.
3. Cosines in float64 decide: above the floor the highest of each feature of both SAEs are kept, and of equal ones, to
   nine decimals, those of the lower index. So device, tile and threads do not change which pairs are found.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saedb.ingest import precision
from saedb.ingest.edges import decoder_cosines

TILE: Final = 2048
"""Rows of each of the two decoders that meet at once: a product of so many by so many is held."""
_DECIMALS: Final = 9
"""Of a cosine: what differs beyond is rounding."""

Rows = NDArray[np.float32]
"""Of a decoder, [d_sae, d_in]."""
Integers = NDArray[np.int64]


class Pairs(NamedTuple):
    """Pairs of features of two SAEs, by upstream and then by downstream feature; arrays of shape [E]."""

    upstream: Integers
    downstream: Integers
    cosine: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: "list[Pairs]") -> Self:
        """Return the pairs of several parts, ordered, each once."""
        upstream, downstream, cosine = (np.concatenate(values) for values in zip(*parts, strict=True))
        order = np.lexsort((downstream, upstream))
        first = np.ones(len(order), np.bool_)
        first[1:] = (np.diff(upstream[order]) != 0) | (np.diff(downstream[order]) != 0)
        return cls(upstream, downstream, cosine).take(order[first])

    def take(self, chosen: Integers | NDArray[np.bool_]) -> Self:
        """Return some of the pairs."""
        return self._make(values[chosen] for values in self)


def nearest(
    upstream: Rows,
    downstream: Rows,
    *,
    floor: float,
    count: int,
    device: str = "cpu",
    progress: Callable[[int], None] = lambda _: None,
) -> Pairs:
    """Return the pairs that are among the `count` highest cosines, from `floor` on, of one of their two features.

    A row of zeros has no cosine, and is in no pair.

    Args:
        upstream: decoder rows of an SAE, [d_sae, d_in].
        downstream: of the other, [d_sae, d_in], of the same d_in.
        floor: lowest cosine, above 0.
        count: pairs that a feature may bring in.
        device: of torch's, where products are made.
        progress: called with a number of upstream features that are done.
    """
    sieve = _Sieve(floor, count, upstream.shape[1])
    left, right = _unit(upstream), _unit(downstream)
    of_upstream, of_downstream = [_NONE], _NONE
    for start in range(0, len(left), TILE):
        part = left[start : start + TILE].to(device)
        passed = [sieve.passed(part, right[at : at + TILE].to(device), at) for at in range(0, len(right), TILE)]
        block = _from_floor(upstream[start : start + TILE], downstream, passed, floor)
        block = block._replace(upstream=block.upstream + start)
        of_upstream.append(_highest(block, block.upstream, count))
        both = Pairs.joined([of_downstream, block])
        of_downstream = _highest(both, both.downstream, count)
        progress(len(part))
    return Pairs.joined([*of_upstream, of_downstream])


_NONE: Final = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class _Sieve:
    """Lets pairs of a tile pass that may be from the floor on and among the highest of their row or column of it."""

    def __init__(self, floor: float, count: int, d_in: int) -> None:
        # a product of unit rows in float32 is off by less than d_in roundings, and by those of the rows themselves
        self._room = (d_in + 8) * 2.0**-24
        self._floor = floor - self._room
        self._count = count

    def passed(self, left: Tensor, right: Tensor, first: int) -> tuple[Integers, Integers]:
        """Return the row and the column of each pair of unit rows [n, d_in] that may count; columns from `first` on."""
        products = _products(left, right)
        may = products >= self._floor
        if int(may.count_nonzero()) > self._count * sum(may.shape):  # fewer are all looked at again
            may &= (products >= self._least(products, 1)) | (products >= self._least(products, 0))
        row, column = torch.nonzero(may, as_tuple=True)
        return row.cpu().numpy(), column.cpu().numpy() + first

    def _least(self, products: Tensor, dim: int) -> Tensor:
        """Return below which product a pair is none of the highest along a dimension."""
        highest = products.topk(min(self._count, products.shape[dim]), dim=dim).values
        return highest.amin(dim=dim, keepdim=True) - 2 * self._room


def _products(left: Tensor, right: Tensor) -> Tensor:
    with precision.matrix_products(tf32=False):
        return left @ right.T


def _unit(rows: Rows) -> Tensor:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return torch.from_numpy((rows / np.where(norms > 0, norms, 1)).astype(np.float32))


def _from_floor(upstream: Rows, downstream: Rows, passed: Sequence[tuple[Integers, Integers]], floor: float) -> Pairs:
    """Return the pairs of all tiles of some upstream rows whose cosine is from the floor on."""
    u, d = (np.concatenate(ends) for ends in zip(_NONE[:2], *passed, strict=True))
    pairs = Pairs(u, d, decoder_cosines(upstream, downstream, u, d))
    return pairs.take(pairs.cosine >= floor)


def _highest(pairs: Pairs, owner: Integers, count: int) -> Pairs:
    """Return of each owner, [E], the pairs of the highest cosines."""
    order = np.lexsort((pairs.downstream, pairs.upstream, -np.round(pairs.cosine, _DECIMALS), owner))
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    return pairs.take(order[rank < count])
