from itertools import pairwise, product
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.paths import Link, Path, Place, Score, best_paths

LAYERS, WIDTH = 4, 3
GRID = [[Place(layer, index, f"{layer}/{index}") for index in range(WIDTH)] for layer in range(LAYERS)]
SOURCE = GRID[0][0]
ENDS = [(source, target) for up, down in pairwise(GRID) for source, target in product(up, down)]
SKIPPING = [(source, target) for up, down in zip(GRID, GRID[2:], strict=False) for source, target in product(up, down)]
# Few values, so that many paths are equal; above 1, as lift is.
VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0, 4.0])


def _links(drawn: dict[tuple[Place, Place], float]) -> list[Link]:
    return [Link(source, target, value) for (source, target), value in drawn.items()]


def _all_paths(links: list[Link], ends: set[Place]) -> list[list[Link]]:
    """Return every path from the source to an end, one step after the other."""
    found: list[list[Link]] = []
    reached = [[link] for link in links if link.source == SOURCE]
    while reached:
        found += [path for path in reached if path[-1].target in ends]
        reached = [[*path, link] for path in reached for link in links if link.source == path[-1].target]
    return found


GRAPHS = st.dictionaries(st.sampled_from(ENDS + SKIPPING), VALUES, max_size=24).map(_links)


@given(links=GRAPHS, ends=st.sets(st.sampled_from(GRID[2] + GRID[3]), min_size=1), k=st.integers(1, 30))
@pytest.mark.parametrize("score", ["product", "minimum"])
def test_the_best_paths_are_those_of_all(links: list[Link], ends: set[Place], k: int, score: Score) -> None:
    found = best_paths(links, SOURCE, ends, k, score)
    combined = prod if score == "product" else min
    everything = [combined(link.value for link in path) for path in _all_paths(links, ends)]
    assert [path.score for path in found] == sorted(everything, reverse=True)[:k]
    assert [combined(link.value for link in path.links) for path in found] == [path.score for path in found]
    assert len({path.features for path in found}) == len(found)


@given(links=GRAPHS, shuffled=st.randoms())
def test_the_order_of_the_edges_decides_nothing(links: list[Link], shuffled: Any) -> None:
    found = best_paths(links, SOURCE, GRID[3], 5, "minimum")
    shuffled.shuffle(links)
    assert best_paths(links, SOURCE, GRID[3], 5, "minimum") == found


def test_a_path_names_its_features_and_links_in_order() -> None:
    first, second = Link(SOURCE, GRID[1][1], 0.5, 12), Link(GRID[1][1], GRID[2][0], 0.25, 7)
    assert best_paths([second, first], SOURCE, GRID[2], 3, "product") == [
        Path(0.125, (SOURCE, GRID[1][1], GRID[2][0]), (first, second))
    ]


def test_where_nothing_leads_there_is_no_path() -> None:
    assert best_paths([], SOURCE, [SOURCE, GRID[2][0]], 3, "product") == []
