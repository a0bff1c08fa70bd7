import numpy as np
import pytest

from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.numbering import ALONE


def test_equal_partitions_agree_wholly_whatever_their_numbers() -> None:
    found = agreement(np.array([0, 0, 1, 1, ALONE]), np.array([7, 7, 3, 3, ALONE]))
    assert found is not None
    assert (found.features, found.nmi, found.ari) == (4, pytest.approx(1.0), 1.0)


def test_random_partitions_agree_as_by_chance() -> None:
    random = np.random.default_rng(0)
    found = agreement(random.integers(0, 5, 5000), random.integers(0, 5, 5000))
    assert found is not None
    assert abs(found.ari) < 0.01
    assert found.nmi < 0.01


def test_a_feature_in_no_community_is_alone_in_its_own() -> None:
    found = agreement(np.array([0, 0, 1, 1]), np.array([0, 0, ALONE, ALONE]))
    apart = agreement(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
    assert found == apart
    assert found is not None
    assert found.ari < 1


def test_partitions_without_communities_say_nothing() -> None:
    assert agreement(np.array([ALONE, ALONE]), np.array([ALONE, ALONE])) is None
