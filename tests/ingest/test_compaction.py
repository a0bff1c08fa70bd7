import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from planted import dense_of

from saedb.ingest.compaction import compact, on_cpu, on_device

WAYS = [on_cpu, on_device]


def tile(tokens: int, width: int, share: float) -> torch.Tensor:
    random = np.random.default_rng(width)
    values = random.normal(size=(tokens, width)) * (random.random((tokens, width)) < share)
    return torch.from_numpy(values.astype(np.float32))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_above_zero_is_kept_by_token_and_then_by_feature(way) -> None:
    rows, _ = way(torch.tensor([[0.0, 2.0, -1.0], [0.0, 0.0, -0.0], [1.0, 0.0, 3.0]]))
    assert rows.indptr.tolist() == [0, 1, 1, 3]
    assert rows.indices.tolist() == [1, 0, 2]
    assert rows.values.tolist() == [2.0, 1.0, 3.0]
    assert len(rows) == rows.width == 3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [1, 63, 64, 65, 1000, 70_000])
@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_the_rows_and_the_sparse_tensor_hold_what_the_tile_held(way, width: int, share: float) -> None:
    dense = tile(5, width, share)
    rows, sparse = way(dense)
    np.testing.assert_array_equal(dense_of(rows), dense.clamp(min=0))
    torch.testing.assert_close(sparse.to_dense(), dense.clamp(min=0), rtol=0, atol=0)
    assert rows.indptr.dtype == np.int64
    assert rows.indices.dtype == (np.uint16 if width <= 65_536 else np.uint32)
    assert rows.values.dtype == np.float32


@settings(deadline=None, max_examples=50)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 4), st.integers(1, 200)),
        elements=st.one_of(st.just(0.0), st.floats(width=32)),
        fill=st.just(0.0),
    )
)
def test_both_ways_keep_the_same_and_what_is_not_finite_as_well(values: np.ndarray) -> None:
    kept = (values > 0) | ~np.isfinite(values)
    for way in WAYS:
        rows, _ = way(torch.from_numpy(values))
        np.testing.assert_array_equal(rows.indptr[1:], np.cumsum(kept.sum(axis=1)))
        np.testing.assert_array_equal(rows.indices, np.nonzero(kept)[1])
        np.testing.assert_array_equal(rows.values, values[kept])


def test_a_tile_that_is_laid_out_by_feature_is_read_as_what_it_is() -> None:
    dense = tile(7, 130, 0.3)
    np.testing.assert_array_equal(dense_of(compact(dense.T.contiguous().T)[0]), dense.clamp(min=0))
