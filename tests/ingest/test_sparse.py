import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from planted import dense_of, sparse_of

from saedb.ingest.sparse import index_type, stacked

MATRICES = arrays.arrays(np.float32, (5, 7), elements=st.sampled_from([0.0, 0.0, 0.5, 2.0]))


@given(MATRICES)
def test_sparse_rows_hold_what_the_dense_matrix_holds(dense: np.ndarray) -> None:
    np.testing.assert_array_equal(dense_of(sparse_of(dense)), dense)


@given(MATRICES, st.integers(0, 5), st.integers(0, 5))
def test_a_stretch_is_rows_of_the_dense_matrix_and_copies_no_entries(dense: np.ndarray, a: int, b: int) -> None:
    whole, span = sparse_of(dense), slice(min(a, b), max(a, b))
    part = whole.stretch(span)
    np.testing.assert_array_equal(dense_of(part), dense[span])
    assert not len(part.values) or np.shares_memory(part.values, whole.values)


@given(MATRICES, st.integers(0, 7))
def test_entries_that_are_left_out_leave_the_others_in_their_places(dense: np.ndarray, column: int) -> None:
    whole = sparse_of(dense)
    np.testing.assert_array_equal(
        dense_of(whole.entries(whole.indices < column)), np.where(np.arange(7) < column, dense, 0.0)
    )


@given(MATRICES, MATRICES)
def test_stacked_matrices_stand_below_each_other(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_array_equal(dense_of(stacked([sparse_of(a), sparse_of(b)])), np.concatenate([a, b]))


@pytest.mark.parametrize(("width", "expected"), [(1, np.uint16), (65_536, np.uint16), (65_537, np.uint32)])
def test_indices_are_as_small_as_the_last_column_allows(width: int, expected: type) -> None:
    assert index_type(width) is expected
