import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.communities import numbered


def test_communities_are_numbered_by_size_then_by_their_first_member() -> None:
    place = np.array([6, 0, 1, 2, 3, 4, 5])
    found = np.array([9, 7, 9, 7, 9, 3, 3])
    places, numbers = numbered(place, found)
    assert places.tolist() == [1, 3, 6, 0, 2, 4, 5]
    assert numbers.tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_features_that_are_alone_are_in_no_community() -> None:
    places, numbers = numbered(np.array([0, 1, 2]), np.array([5, 6, 6]))
    assert (places.tolist(), numbers.tolist()) == ([1, 2], [0, 0])
    places, numbers = numbered(np.array([0, 1]), np.array([5, 6]))
    assert (places.tolist(), numbers.tolist()) == ([], [])


@given(st.lists(st.integers(0, 6), min_size=1), st.randoms(use_true_random=False))
def test_the_numbers_do_not_depend_on_the_names_or_the_order_of_what_was_found(names: list[int], random) -> None:
    place = np.arange(len(names))
    renamed = np.array([(17 * name + 5) % 23 for name in names])
    order = list(range(len(names)))
    random.shuffle(order)
    places, numbers = numbered(place, np.array(names))
    again = numbered(place[order], renamed[order])
    assert np.array_equal(places, again[0])
    assert np.array_equal(numbers, again[1])
    assert sorted(np.bincount(numbers).tolist(), reverse=True) == np.bincount(numbers).tolist()
