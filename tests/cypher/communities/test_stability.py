from itertools import combinations
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weightedgraphs import graph, planted

from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.local import LocalFinder
from saedb.cypher.communities.numbering import ALONE, by_size
from saedb.cypher.communities.stability import consensus, stability
from saedb.ingest.measures import Integers


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


@given(st.lists(st.integers(0, 3), min_size=30, max_size=30), st.integers(1, 5))
def test_what_all_runs_agree_on_is_the_consensus_whatever_the_weights(labels: list[int], runs: int) -> None:
    every = [(i, j, 0.1 + (i * j) % 7) for i in range(30) for j in range(i)]
    found = consensus(graph(30, every), [np.array(labels)] * runs)
    assert np.array_equal(by_size(found), by_size(np.array(labels)))


@pytest.mark.parametrize("resolution", [0.05, 1.0, 20.0])
def test_the_consensus_is_as_like_the_runs_as_they_are_to_each_other(resolution: float) -> None:
    edges, _ = planted(30, 12, 0.3, 0.03)
    finder = LocalFinder(edges, "leiden")
    numbers = [by_size(finder.find(resolution, seed)[0]) for seed in range(8)]
    agreed = by_size(consensus(edges, numbers))
    among = [_nmi(one, other) for one, other in combinations(numbers, 2)]
    assert mean(_nmi(agreed, number) for number in numbers) >= mean(among)


def test_a_feature_that_most_runs_put_elsewhere_goes_there() -> None:
    edges = graph(5, [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (3, 4, 1.0)])
    runs = [np.array([0, 0, 0, 1, 1]), *[np.array([0, 0, 1, 1, 1])] * 3]
    assert by_size(consensus(edges, runs)).tolist() == [1, 1, 0, 0, 0]


def _nmi(one: Integers, other: Integers) -> float:
    like = agreement(one, other)
    return like.nmi if like else 1.0
