import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.communities.numbering import ALONE, Earlier, Overlap, by_size, numbered


def earlier(number: list[int], next_number: int | None = None, **sizes: int) -> Earlier:
    found = np.array(number)
    known = {int(n): int((found == n).sum()) for n in np.unique(found) if n != ALONE}
    known |= {int(n.removeprefix("of_")): size for n, size in sizes.items()}
    return Earlier(number=found, sizes=known, next_number=max(known) + 1 if next_number is None else next_number)


def test_communities_are_numbered_by_size_then_by_their_first_member() -> None:
    assert by_size(np.array([7, 9, 7, 9, 3, 3, 9])).tolist() == [1, 0, 1, 0, 2, 2, 0]


def test_features_that_are_alone_are_in_no_community() -> None:
    assert by_size(np.array([5, 6, 6])).tolist() == [ALONE, 0, 0]
    assert by_size(np.array([5, 6])).tolist() == [ALONE, ALONE]
    assert numbered(np.array([5, 6])).next_number == 0


@given(st.lists(st.integers(0, 6), min_size=1))
def test_the_numbers_do_not_depend_on_the_names_of_what_was_found(names: list[int]) -> None:
    renamed = np.array([(17 * name + 5) % 23 for name in names])
    number = by_size(np.array(names))
    assert np.array_equal(number, by_size(renamed))
    sizes = np.bincount(number[number != ALONE])
    assert sorted(sizes.tolist(), reverse=True) == sizes.tolist()
    assert all(size > 1 for size in sizes)


def test_a_community_that_is_found_again_keeps_its_number() -> None:
    before = earlier([4, 4, 4, 2, 2, 2, 2, ALONE])
    again = numbered(np.array([0, 0, 0, 1, 1, 1, 1, 1]), before)
    assert again.number.tolist() == [4, 4, 4, 2, 2, 2, 2, 2]
    assert again.next_number == 5


def test_what_is_new_gets_numbers_that_no_community_ever_had() -> None:
    before = earlier([0, 0, 0, 0, 1, 1, 1, 1], next_number=7)
    # the first one is cut in two halves, neither of which is it; the second stays
    again = numbered(np.array([0, 0, 1, 1, 2, 2, 2, 2]), before)
    assert again.number.tolist() == [7, 7, 8, 8, 1, 1, 1, 1]
    assert again.next_number == 9


def test_features_that_are_gone_count_against_being_the_same() -> None:
    before = earlier([3, 3, ALONE], of_3=5)  # three of its five features are not there any more
    assert numbered(np.array([0, 0, 0]), before).number.tolist() == [4, 4, 4]
    assert numbered(np.array([0, 0, 0]), earlier([3, 3, ALONE])).number.tolist() == [3, 3, 3]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2))
def test_numbers_stay_apart_and_a_partition_matched_with_itself_keeps_all(pairs: list[tuple[int, int]]) -> None:
    one, other = (np.array(labels) for labels in zip(*pairs, strict=True))
    first = numbered(one)
    same = Earlier(
        number=first.number,
        sizes=dict(enumerate(np.bincount(first.number[first.number != ALONE]).tolist())),
        next_number=first.next_number,
    )
    assert numbered(one, same).number.tolist() == first.number.tolist()
    second = numbered(other, same)
    plain = by_size(other)
    assert len(np.unique(second.number)) == len(np.unique(plain))
    assert np.array_equal(second.number == ALONE, plain == ALONE)
    assert second.next_number >= first.next_number


def test_overlaps_are_counted_by_pair_of_communities() -> None:
    overlap = Overlap.of(np.array([0, 0, 0, 1, 1, ALONE]), np.array([5, 5, 2, 2, ALONE, 2]))
    cells = zip(overlap.one.tolist(), overlap.other.tolist(), overlap.count.tolist(), strict=True)
    assert list(cells) == [(0, 2, 1), (0, 5, 2), (1, 2, 1)]
    assert overlap.jaccard(np.array([3, 3, 2]), np.array([3, 2, 3])).tolist() == [1 / 5, 2 / 3, 1 / 4]
