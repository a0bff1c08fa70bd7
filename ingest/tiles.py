"""How much goes through the model and through an SAE at once, and how that becomes less where memory runs out.

A tile is what an SAE encodes at once: on a CPU so few tokens that the tile stays in its cache, on a GPU as many as its
memory has room for, up to a limit. Other tiles and batches give other rounding, in the last bits of an activation.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

T = TypeVar("T")

TILE: Final = 256
"""Tokens that an SAE encodes at once on a CPU; the fewest to begin with on a GPU."""
LARGEST_TILE: Final = 16_384
SMALLEST_TILE: Final = 32
"""Where memory ran out again and again: fewer tokens would take little less, beside the weights."""

_BYTES_PER_ACTIVATION: Final = 32
"""What encoding and compaction take: some six float32 values before and after the activation function, and masks."""
_SHARE: Final = 0.25
"""Of the free memory; the rest is for the model's forward, and for what the allocator cannot join."""


def tile_for(device: str | torch.device, widths: Iterable[int]) -> int:
    """Return the tokens that an SAE encodes at once: a power of two between `TILE` and `LARGEST_TILE`.

    To be asked once for a run, when model and SAEs are loaded: what is still free decides.

    Args:
        device: where the SAEs are.
        widths: d_sae of each.
    """
    where = torch.device(device)
    if where.type != "cuda":
        return TILE
    free, _ = torch.cuda.mem_get_info(where)
    return tile_within(free, max(widths))


def tile_within(free: int, width: int) -> int:
    """Return the tile of an SAE with `width` features where `free` bytes of a GPU's memory are free."""
    room = int(_SHARE * free) // (_BYTES_PER_ACTIVATION * width)
    power = 1 << max(room.bit_length() - 1, 0)
    return min(max(power, TILE), LARGEST_TILE)


class Portions:
    """What is computed at once: `contexts` by the model, `tile` tokens by an SAE; half of both where memory runs out.

    It does not grow again: memory that was too small once would be so again.
    """

    def __init__(self, contexts: int, tile: int) -> None:
        self.contexts = contexts
        self.tile = tile
        self.notes: list[str] = []
        """Where memory ran out, and what was done; one line each."""

    def batches(
        self, tokens: NDArray[np.int32], compute: Callable[[NDArray[np.int32], int], T], *, first: int = 0
    ) -> Iterator[tuple[int, T]]:
        """Yield, batch by batch, how many contexts are done and what `compute` makes of the batch.

        A batch for which memory does not suffice is computed again from its start, in smaller portions.

        Args:
            tokens: ids, [contexts, context_size].
            compute: called with the tokens of a batch and the number of its first context; it must change nothing.
            first: number of the first context.

        Raises:
            torch.OutOfMemoryError: one context in the smallest tiles is too much.
        """
        done = 0
        while done < len(tokens):
            batch = tokens[done : done + self.contexts]
            try:
                result = compute(batch, first + done)
            except torch.OutOfMemoryError:
                if self._half == (self.contexts, self.tile):
                    raise
            else:
                done += len(batch)
                yield done, result
                continue
            self._take_half(first + done)  # outside of the except clause, whose traceback keeps tensors alive

    @property
    def _half(self) -> tuple[int, int]:
        return max(self.contexts // 2, 1), max(self.tile // 2, min(self.tile, SMALLEST_TILE))

    def _take_half(self, context: int) -> None:
        torch.cuda.empty_cache()
        self.contexts, self.tile = self._half
        note = (
            f"the GPU's memory ran out at context {context}: from there on {self.contexts} contexts and tiles of"
            f" {self.tile} tokens at once, which can change the last bits of activations"
        )
        logger.warning("%s", note)
        self.notes.append(note)
