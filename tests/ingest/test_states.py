"""States of features, by cases made by hand."""

import numpy as np
import pytest

from saedb.ingest.states import best_values, states

BEST = np.array([0.95, 0.9499, 0.3, 0.2999, np.nan, -0.5, 1.0])
NONE = np.zeros(7, dtype=bool)
ALL = np.ones(7, dtype=bool)


def test_thresholds_are_at_least_passed_and_below_vanishing():
    found = states(BEST, alone="disappearing", computed=ALL, dead=NONE, rare=NONE)
    assert found.tolist() == [
        "passed_through",
        "transformed",
        "transformed",
        "disappearing",
        "disappearing",
        "disappearing",
        "passed_through",
    ]


def test_the_papers_two_states_come_from_equal_thresholds():
    found = states(BEST, alone="appearing", computed=ALL, dead=NONE, rare=NONE, vanishing=0.95)
    assert set(found) == {"passed_through", "appearing"}
    assert np.array_equal(found == "passed_through", BEST >= 0.95)


def test_without_a_computed_neighbour_there_is_no_state():
    assert states(BEST, alone="appearing", computed=NONE, dead=NONE, rare=NONE).tolist() == [None] * 7


def test_dead_comes_before_rare_and_both_before_the_edges():
    dead = np.array([True, False, False, False, False, False, False])
    rare = np.array([True, True, False, False, False, False, False])
    for computed in (ALL, NONE):
        assert states(BEST, alone="appearing", computed=computed, dead=dead, rare=rare).tolist()[:2] == ["dead", "rare"]


def test_vanishing_above_passed_is_refused():
    with pytest.raises(ValueError, match=r"vanishing 0\.9 is above passed 0\.5"):
        states(BEST, alone="appearing", computed=ALL, dead=NONE, rare=NONE, passed=0.5, vanishing=0.9)


def test_the_best_value_of_a_feature_is_the_highest_of_its_edges_and_null_without_any():
    best = best_values(np.array([0, 0, 2, 2, 3]), np.array([0.1, 0.7, np.nan, -0.2, np.nan]), 5)
    assert np.array_equal(best, [0.7, np.nan, -0.2, np.nan, np.nan], equal_nan=True)
