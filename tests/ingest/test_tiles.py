import logging
import random
from collections.abc import Callable
from itertools import chain

import numpy as np
import pytest
import torch

from saedb.ingest.tiles import LARGEST_TILE, SMALLEST_TILE, TILE, Portions, tile_for, tile_within

GB = 10**9
TOKENS = np.arange(20 * 3, dtype=np.int32).reshape(20, 3)


def failing(failures: int) -> Callable[[np.ndarray, int], tuple[list[int], int]]:
    """Return what copies a batch, but runs out of memory the first times."""
    left = iter(range(failures))

    def compute(batch: np.ndarray, context: int) -> tuple[list[int], int]:
        if next(left, None) is not None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return batch.ravel().tolist(), context

    return compute


def test_on_a_cpu_the_tile_is_always_the_same() -> None:
    assert tile_for("cpu", [24, 1_000_000]) == tile_for(torch.device("cpu"), [24]) == TILE


def test_on_cuda_the_widest_sae_and_the_free_memory_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (24 * GB, 80 * GB))  # there is no GPU here
    assert tile_for("cuda", [1024, 24_576]) == tile_within(24 * GB, 24_576) == 4096


@pytest.mark.parametrize("free", [0, GB // 2, 8 * GB, 24 * GB, 79 * GB])
@pytest.mark.parametrize("width", [24, 1024, 24_576, 131_072, 1_048_576])
def test_a_tile_is_a_power_of_two_within_its_limits_and_fits(free: int, width: int) -> None:
    tile = tile_within(free, width)
    assert tile & (tile - 1) == 0
    assert TILE <= tile <= LARGEST_TILE
    assert tile == TILE or 4 * (32 * tile * width) <= free
    assert tile == LARGEST_TILE or 4 * (32 * 2 * tile * width) > free


def test_batches_are_computed_in_order_with_the_number_of_their_first_context() -> None:
    portions = Portions(8, TILE)
    found = list(portions.batches(TOKENS, failing(0), first=100))
    assert [done for done, _ in found] == [8, 16, 20]
    assert [context for _, (_, context) in found] == [100, 108, 116]
    assert portions.notes == []


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_where_memory_runs_out_every_context_is_still_computed_once(
    failures: int, caplog: pytest.LogCaptureFixture
) -> None:
    portions = Portions(8, 1024)
    with caplog.at_level(logging.WARNING):
        found = list(portions.batches(TOKENS, failing(failures), first=100))
    assert list(chain.from_iterable(values for _, (values, _) in found)) == TOKENS.ravel().tolist()
    assert (portions.contexts, portions.tile) == (8 >> failures, 1024 >> failures)
    assert found[-1][0] == 20
    assert caplog.messages == portions.notes
    assert portions.notes[0] == (
        "the GPU's memory ran out at context 100: from there on 4 contexts and tiles of 512 tokens at once,"
        " which can change the last bits of activations"
    )


def test_memory_that_ran_out_late_changes_nothing_of_what_is_done() -> None:
    portions, rng = Portions(8, TILE), random.Random(0)

    def compute(batch: np.ndarray, context: int) -> list[int]:
        if rng.random() < 0.5 and portions.contexts > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return batch.ravel().tolist()

    found = [values for _, values in portions.batches(TOKENS, compute)]
    assert list(chain.from_iterable(found)) == TOKENS.ravel().tolist()
    assert portions.contexts == 1


def test_memory_too_small_for_one_context_in_the_smallest_tiles_is_an_error() -> None:
    portions = Portions(2, 64)
    with pytest.raises(torch.OutOfMemoryError):
        list(portions.batches(TOKENS, failing(3)))
    assert (portions.contexts, portions.tile) == (1, SMALLEST_TILE)


def test_any_other_error_is_not_taken_for_full_memory() -> None:
    def compute(batch: np.ndarray, context: int) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    portions = Portions(8, TILE)
    with pytest.raises(RuntimeError, match="shapes"):
        list(portions.batches(TOKENS, compute))
    assert portions.notes == []
