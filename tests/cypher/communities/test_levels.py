from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.communities.levels import nested


def test_a_community_across_the_border_of_a_coarser_one_is_cut_there() -> None:
    coarse, fine = nested([np.array([7, 7, 7, 9, 9]), np.array([1, 1, 2, 2, 3])])
    assert coarse.tolist() == [7, 7, 7, 9, 9]
    assert (
        len({tuple(pair) for pair in zip(coarse.tolist(), fine.tolist(), strict=True)}) == len(set(fine.tolist())) == 4
    )


def test_a_level_that_divides_nothing_is_left_out() -> None:
    same = np.array([0, 0, 1])
    assert len(list(nested([same, same, np.array([5, 5, 8]), np.array([0, 1, 2])]))) == 2


@given(st.integers(1, 30).flatmap(lambda n: st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=1)))
def test_every_level_divides_the_one_before(levels: list[list[int]]) -> None:
    found = list(nested([np.array(level) for level in levels]))
    assert found[0].tolist() == levels[0]
    for coarse, fine in pairwise(found):
        parents = dict(zip(fine.tolist(), coarse.tolist(), strict=True))
        assert [parents[label] for label in fine.tolist()] == coarse.tolist()
        assert len(set(fine.tolist())) > len(set(coarse.tolist()))
