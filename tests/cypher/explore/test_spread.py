import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.explore import spread
from saedb.ingest.measures import BY_NAME, MEASURES


def _number(name: str, value: float) -> int:
    return int(spread._numbers(BY_NAME[name], np.array([value]))[0])


def test_bars_of_a_measure_with_an_end_are_a_twentieth_wide() -> None:
    assert [_number("jaccard", value) for value in (0.0, 0.049, 0.05, 0.15, 0.95, 0.999)] == [0, 0, 1, 3, 19, 19]
    assert spread.bounds(BY_NAME["jaccard"], 3) == (0.15, 0.2)


def test_the_highest_value_is_in_the_last_bar() -> None:
    assert _number("pearson", 1.0) == 19


def test_a_correlation_below_zero_has_a_bar_below_zero() -> None:
    assert _number("pearson", -0.01) == -1
    assert spread.bounds(BY_NAME["pearson"], -1) == (-0.05, 0.0)


def test_bars_of_a_measure_without_an_end_go_from_a_power_of_two_to_the_next() -> None:
    assert [_number("lift", value) for value in (0.5, 0.99, 1.0, 7.99, 8.0, 2.0**40)] == [-1, -1, 0, 2, 3, 40]
    assert spread.bounds(BY_NAME["lift"], 3) == (8.0, 16.0)


def test_nothing_is_too_small_for_the_first_bar() -> None:
    first = _number("mutual_information", 0.0)
    assert first == _number("mutual_information", 1e-12)
    assert spread.bounds(BY_NAME["mutual_information"], first)[0] == 0


@given(st.sampled_from(MEASURES), st.floats(0, 1))
def test_a_value_lies_in_its_bar(of, share: float) -> None:
    value = of.low + share * ((of.high if of.high is not None else 1e6) - of.low)
    low, high = spread.bounds(of, _number(of.name, value))
    assert low - 1e-9 <= value <= high + 1e-9
