from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saedb.ingest import cosines
from saedb.ingest.cosines import Pairs, nearest


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """Let 7 rows meet 7 rows at once, and return the shapes of all products."""
    shapes: list[tuple[int, ...]] = []
    product = cosines._products

    def seen(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        found = product(left, right)
        shapes.append(tuple(found.shape))
        return found

    monkeypatch.setattr(cosines, "TILE", 7)
    monkeypatch.setattr(cosines, "_products", seen)
    return shapes


def rows(count: int, size: int = 5, seed: int = 0) -> np.ndarray:
    """Return decoder rows of any length."""
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, size)) * random.uniform(0.1, 9, (count, 1))).astype(np.float32)


def dense(up: np.ndarray, down: np.ndarray, floor: float, count: int) -> dict[tuple[int, int], float]:
    """Return the pairs by a sort of the whole matrix."""
    left, right = (a.astype(np.float64) / np.linalg.norm(a.astype(np.float64), axis=1)[:, None] for a in (up, down))
    matrix = left @ right.T
    rank = np.round(matrix, 9)
    chosen = np.zeros(matrix.shape, bool)
    for u in range(len(up)):
        chosen[u, np.lexsort((np.arange(len(down)), -rank[u]))[:count]] = True
    for d in range(len(down)):
        chosen[np.lexsort((np.arange(len(up)), -rank[:, d]))[:count], d] = True
    u, d = np.nonzero(chosen & (matrix >= floor))
    return {(int(a), int(b)): float(matrix[a, b]) for a, b in zip(u, d, strict=True)}


def found(pairs: Pairs) -> dict[tuple[int, int], float]:
    return {(int(u), int(d)): float(c) for u, d, c in zip(*pairs, strict=True)}


@pytest.mark.parametrize("count", [1, 3, 50])
@pytest.mark.parametrize("floor", [0.01, 0.4])
def test_blocked_pairs_are_those_of_the_whole_matrix(
    small_tiles: list[tuple[int, ...]], floor: float, count: int
) -> None:
    up, down = rows(31), rows(24, seed=1)
    expected, blocked = dense(up, down, floor, count), nearest(up, down, floor=floor, count=count)
    assert len(small_tiles) == 5 * 4
    assert list(found(blocked)) == sorted(expected)
    np.testing.assert_allclose(blocked.cosine, [expected[pair] for pair in found(blocked)], rtol=1e-12)
    assert len(expected) > 10


def test_no_more_than_a_tile_of_products_is_ever_held(small_tiles: list[tuple[int, ...]]) -> None:
    nearest(rows(40), rows(33, seed=1), floor=0.1, count=2)
    assert small_tiles
    assert max(max(shape) for shape in small_tiles) == 7


def test_a_feature_brings_in_no_more_than_the_count_and_both_sides_may() -> None:
    up = np.eye(3, dtype=np.float32)[[0]]
    down = np.array([[1, 0.1 * n, 0] for n in range(6)], np.float32)
    assert [d for _, d in found(nearest(up, down, floor=0.2, count=2))] == [0, 1, 2, 3, 4, 5]
    assert list(found(nearest(down, down[:0], floor=0.2, count=2))) == []
    up = np.concatenate([up, 2 * up, up])
    of_each = nearest(up, down, floor=0.2, count=1)
    assert list(found(of_each)) == [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 0), (2, 0)]


def test_the_floor_is_in_and_what_is_below_is_out() -> None:
    up, down = np.array([[1, 0]], np.float32), np.array([[3, 4], [4, 3], [-1, 0], [0, 0]], np.float32)
    assert found(nearest(up, down, floor=0.6, count=9)) == {(0, 0): 0.6, (0, 1): 0.8}
    assert found(nearest(up, down, floor=np.nextafter(0.6, 1), count=9)) == {(0, 1): 0.8}


def test_equal_cosines_go_to_the_lower_index_whatever_the_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    one = rows(1, size=64)
    up, down = one * np.linspace(1, 3, 20, dtype=np.float32)[:, None], np.repeat(one, 23, axis=0)
    expected = (
        [(0, d) for d in range(23)] + [(1, d) for d in range(23)] + [(u, d) for u in range(2, 20) for d in (0, 1)]
    )
    for tile in (1, 5, 16, 100):
        monkeypatch.setattr(cosines, "TILE", tile)
        assert list(found(nearest(up, down, floor=0.4, count=2))) == expected


def test_a_row_of_zeros_is_in_no_pair() -> None:
    up = rows(3)
    up[1] = 0.0
    assert all(u != 1 for u, _ in found(nearest(up, rows(9, seed=1), floor=1e-6, count=9)))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tile=st.integers(1, 20), count=st.integers(1, 5), close=st.booleans())
def test_any_tile_gives_the_same_pairs(seed: int, tile: int, count: int, close: bool) -> None:
    """Also of rows that float32 can hardly tell apart."""
    up, down = rows(13, seed=seed), rows(11, seed=seed + 1)
    if close:
        up, down = (np.float32(1.0) + np.float32(1e-4) * part for part in (up, down))
    whole = nearest(up, down, floor=0.05, count=count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines, "TILE", tile)
        cut = nearest(up, down, floor=0.05, count=count)
    assert list(found(cut)) == list(found(whole)) == sorted(dense(up, down, 0.05, count))
    np.testing.assert_array_equal(cut.cosine, whole.cosine)


def test_progress_adds_up_to_the_upstream_features(small_tiles: list[tuple[int, ...]]) -> None:
    done: list[int] = []
    nearest(rows(31), rows(9), floor=0.4, count=2, progress=done.append)
    assert done == [7, 7, 7, 7, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_bits_of_the_processor() -> None:
    up, down = rows(5000, size=768), rows(4500, size=768, seed=1)
    for a, b in zip(
        nearest(up, down, floor=0.05, count=7), nearest(up, down, floor=0.05, count=7, device="cuda"), strict=True
    ):
        np.testing.assert_array_equal(a, b)
