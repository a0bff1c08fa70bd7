"""How pairs of SAEs are dealt out to the lanes of a load, and which of them are never written at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saedb.cypher.online import LANES, Apart, Pair, dealt

CHAIN: list[Pair] = [(str(layer), str(layer + 1)) for layer in range(12)]

pairs = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("ghijkl")), max_size=30, unique=True)


@given(pairs=pairs)
def test_every_pair_has_one_lane_and_lanes_keep_the_order(pairs: list[Pair]) -> None:
    shares = dealt(pairs)
    assert len(shares) == LANES
    assert [pair for share in shares for pair in share] == pairs
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_pairs_that_share_an_sae_or_that_a_third_connects_are_near() -> None:
    apart = Apart(CHAIN)
    assert apart.is_near(("0", "1"), ("0", "1"))
    assert apart.is_near(("0", "1"), ("1", "2"))
    assert apart.is_near(("0", "1"), ("2", "3"))
    assert not apart.is_near(("0", "1"), ("3", "4"))


@pytest.mark.timeout(60)
@settings(max_examples=40, deadline=None)
@given(pairs=pairs)
def test_near_pairs_are_never_written_at_once_and_all_are_written(pairs: list[Pair]) -> None:
    apart, lock = Apart(pairs), Lock()
    busy: list[Pair] = []
    written: list[Pair] = []

    def write(share: list[Pair]) -> None:
        for pair in share:
            with apart.alone(pair):
                with lock:
                    assert not any(set(pair) & set(other) for other in busy)
                    busy.append(pair)
                with lock:
                    busy.remove(pair)
                    written.append(pair)

    with ThreadPoolExecutor(LANES) as pool:
        for future in [pool.submit(write, list(share)) for share in dealt(pairs)]:
            future.result()
    assert sorted(written) == sorted(pairs)
