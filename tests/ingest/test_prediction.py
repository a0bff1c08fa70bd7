"""From two measurements to the seconds of a long run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.ingest.prediction import extrapolated

SECONDS = st.floats(0, 1e6)


def test_a_stage_of_a_fixed_and_a_growing_part_is_foretold_exactly() -> None:
    assert extrapolated((10, 2 + 10 * 3), (40, 2 + 40 * 3), 1000) == pytest.approx(2 + 1000 * 3)


def test_a_stage_that_took_longer_for_less_does_not_shrink() -> None:
    assert extrapolated((10, 5.0), (40, 4.0), 1000) == 4.0


def test_a_stage_with_no_fixed_part_is_in_proportion_however_the_smaller_one_was_disturbed() -> None:
    assert extrapolated((10, 0.1), (40, 4.0), 1000) == 100.0


def test_what_must_grow_does_so_however_long_the_smaller_one_took() -> None:
    assert extrapolated((10, 9.0), (40, 4.0), 400, growing=0.5) == 2.0 + 20.0


def test_a_stage_with_as_much_to_do_as_in_the_sample_takes_as_long() -> None:
    assert extrapolated((10, 1.0), (40, 4.0), 40) == 4.0
    assert extrapolated((40, 3.0), (40, 4.0), 40) == 4.0


@given(SECONDS, SECONDS, st.integers(40, 10**6))
def test_a_run_takes_no_less_than_its_sample_and_no_more_than_in_proportion(
    short: float, long: float, units: int
) -> None:
    assert long <= extrapolated((10, short), (40, long), units) <= long * units / 40 * (1 + 1e-9)
