"""Compaction: the few activations above 0 of a dense tile, as sparse rows.

On a CPU one pass of a compiled kernel reads the tile once; on a GPU ``torch.nonzero`` finds them there, and nothing
dense travels. What is not finite is kept as well: a look at the few values that are kept finds it.
"""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saedb.ingest.compiled import compiled, inlined
from saedb.ingest.sparse import SparseRows, index_type, starts

_LARGEST: Final = np.finfo(np.float32).max
_ZERO: Final = np.float32(0)
_BLOCK: Final = 64
"""Activations that are compared at once; most blocks have none to keep."""


def compact(activations: Tensor) -> tuple[SparseRows, Tensor]:
    """Return what is above 0 or not finite as rows on the host, and as a sparse tensor where it was computed.

    Args:
        activations: as ``SAE.encode`` gives them, float32 [tokens, d_sae].
    """
    return on_cpu(activations) if activations.device.type == "cpu" else on_device(activations)


def on_cpu(activations: Tensor) -> tuple[SparseRows, Tensor]:
    """Return what `compact` does, in one pass of the processor."""
    tile = activations.contiguous().numpy()
    tokens, width = tile.shape
    # room for all of them: what is not written takes no memory
    indptr, indices = np.zeros(tokens + 1, np.int64), np.empty(tile.size, index_type(width))
    values = np.empty(tile.size, np.float32)
    kept = _keep(tile, indptr, indices, values)
    rows = SparseRows(indptr=indptr, indices=indices[:kept].copy(), values=values[:kept].copy(), width=width)
    where = torch.from_numpy(np.stack([rows.row_of, rows.indices]))
    return rows, _sparse(where, torch.from_numpy(rows.values), activations)


def on_device(activations: Tensor) -> tuple[SparseRows, Tensor]:
    """Return what `compact` does by torch's own operations, on any device."""
    kept = (activations > 0) | ~activations.isfinite()
    where = torch.nonzero(kept).T.contiguous()
    values = activations[where[0], where[1]]
    width = activations.shape[1]
    rows = SparseRows(
        indptr=starts(kept.sum(1).cpu().numpy()),
        indices=where[1].int().cpu().numpy().astype(index_type(width)),
        values=values.cpu().numpy(),
        width=width,
    )
    return rows, _sparse(where, values, activations)


def _sparse(where: Tensor, values: Tensor, like: Tensor) -> Tensor:
    return torch.sparse_coo_tensor(where, values, like.shape, is_coalesced=True, check_invariants=False)


@compiled
def _keep(
    tile: NDArray[np.float32], indptr: NDArray[np.int64], indices: NDArray[Any], values: NDArray[np.float32]
) -> int:
    kept = 0
    for token in range(tile.shape[0]):
        row = tile[token]
        for start in range(0, row.size, _BLOCK):
            block = row[start : start + _BLOCK]
            if not _any(block):
                continue
            for i in range(block.size):
                if _is_kept(block[i]):
                    indices[kept] = start + i
                    values[kept] = block[i]
                    kept += 1
        indptr[token + 1] = kept
    return kept


@inlined
def _any(block: NDArray[np.float32]) -> bool:
    """Return whether anything is to be kept; a sum without branches, which becomes vector instructions."""
    found = np.uint32(0)
    for i in range(block.size):
        found += np.uint32(_is_kept(block[i]))
    return found != 0


@inlined
def _is_kept(value: np.float32) -> bool:
    """Return whether a value is above 0 or not finite; "not at most 0" holds for NaN too."""
    return not ((value <= _ZERO) & (value >= -_LARGEST))
