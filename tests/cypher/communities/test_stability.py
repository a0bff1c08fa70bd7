import numpy as np
import pytest
from weightedgraphs import graph

from saedb.cypher.communities.numbering import ALONE
from saedb.cypher.communities.stability import agreed, stability


def test_there_is_no_stability_of_a_single_run() -> None:
    assert stability(np.array([0, 0]), []) is None


def test_features_of_a_partition_that_is_found_every_time_always_stay() -> None:
    number = np.array([0, 0, 0, 1, 1, ALONE])
    found = stability(number, [np.array([8, 8, 8, 2, 2, 5])] * 3)
    assert found is not None
    assert found.feature[:5].tolist() == [1.0] * 5
    assert np.isnan(found.feature[5])
    assert found.recovery.tolist() == [1.0, 1.0]


def test_a_feature_that_leaves_in_one_run_of_two_stays_in_half_of_them() -> None:
    number = np.array([0, 0, 0, 1, 1, 1])
    found = stability(number, [np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])])
    assert found is not None
    assert found.feature.tolist() == [1.0, 1.0, 0.5, 1.0, 1.0, 1.0]
    assert found.recovery.tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 + 3 / 4) / 2])


def test_a_community_that_is_swallowed_shows_in_its_recovery_not_in_its_features() -> None:
    number = np.array([0, 0, 0, 0, 1, 1])
    found = stability(number, [np.zeros(6, np.int64)])
    assert found is not None
    assert found.feature.tolist() == [1.0] * 6
    assert found.recovery.tolist() == pytest.approx([4 / 6, 2 / 6])


def test_of_two_halves_the_one_in_the_smaller_community_is_home() -> None:
    number = np.array([0, 0, 0, 0, 1, 1])
    found = stability(number, [np.array([3, 3, 7, 7, 7, 7])])
    assert found is not None
    assert found.feature.tolist() == [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]


def test_numbers_that_are_not_given_have_no_recovery() -> None:
    found = stability(np.array([2, 2, 0, 0]), [np.array([0, 0, 1, 1])])
    assert found is not None
    assert np.isnan(found.recovery[1])
    assert found.recovery[[0, 2]].tolist() == [1.0, 1.0]


def test_edges_whose_ends_are_together_in_half_of_the_runs_remain_with_the_share_as_weight() -> None:
    edges = graph(4, [(0, 1, 0.3), (1, 2, 0.9), (2, 3, 0.5)])
    runs = [np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])]
    found = agreed(edges, runs)
    assert list(zip(found.source.tolist(), found.target.tolist(), found.weight.tolist(), strict=True)) == [
        (0, 1, 1.0),
        (2, 3, 0.5),
    ]
