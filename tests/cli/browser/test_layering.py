"""Pictures in rows: chains stand straight, few edges cross, nodes keep their distance."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from saedb.cli.browser.blocks import chain_links
from saedb.cli.browser.crossings import crossings
from saedb.cli.browser.layering import Order, places
from saedb.cli.browser.sweeps import Rows

ORDERS: tuple[Order, ...] = ("straight", "crossings", "index")


@dataclass(frozen=True)
class Drawn:
    row: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]

    def places(self, order: Order = "straight", pinned: dict[int, float] | None = None) -> NDArray[np.float64]:
        return places(self.row, self.source, self.target, self.weight, order, pinned)

    def crossings(self, x: NDArray[np.float64]) -> int:
        return crossings(self.row, x, self.source, self.target)

    @property
    def by_index(self) -> int:
        return self.crossings(np.arange(len(self.row), dtype=np.float64))

    def gaps(self, x: NDArray[np.float64]) -> list[float]:
        """Return the distances of neighbours in all rows."""
        rows = (np.sort(x[self.row == row]) for row in range(self.row.max() + 1))
        return [gap for row in rows for gap in np.diff(row).tolist()]


def drawn(widths: list[int], edges: dict[tuple[int, int], float]) -> Drawn:
    ends = np.array(sorted(edges), np.int64).reshape(-1, 2)
    weights = np.array([edges[ends] for ends in sorted(edges)])
    return Drawn(np.repeat(np.arange(len(widths)), widths), ends[:, 0], ends[:, 1], weights)


def random_graph(seed: int, rows: int, width: int, edges: int, chains: int) -> tuple[Drawn, list[list[int]]]:
    """Return a graph with planted chains, in which the order of the index says nothing, and the chains."""
    random = np.random.default_rng(seed)
    planted = [random.permutation(width)[:chains] + row * width for row in range(rows)]
    found = {
        ends: 0.97 for pair in itertools.pairwise(planted) for ends in zip(*(p.tolist() for p in pair), strict=True)
    }
    while len(found) < edges:
        row = int(random.integers(rows - 1))
        source, target = (random.integers(width, size=2) + np.array([row, row + 1]) * width).tolist()
        found.setdefault((source, target), float(random.uniform(0.1, 0.5)))
    return drawn([width] * rows, found), np.stack(planted, axis=1).tolist()


def pairs_that_cross(graph: Drawn, x: NDArray[np.float64]) -> int:
    """Return the number of crossings, one pair of edges after the other."""
    edges = list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    return sum(
        graph.row[s] == graph.row[u] and graph.row[t] == graph.row[v] and (x[s] - x[u]) * (x[t] - x[v]) < 0
        for (s, t), (u, v) in itertools.combinations(edges, 2)
    )


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    widths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    first = np.cumsum([0, *widths])
    possible = [
        (source, target)
        for row in range(len(widths) - 1)
        for source in range(first[row], first[row + 1])
        for target in range(first[row + 1], first[row + 2])
    ]
    chosen = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    return drawn(widths, {ends: draw(st.sampled_from([0.1, 0.5, 0.9])) for ends in chosen})


def test_crossings_are_counted_as_pairs() -> None:
    graph, _ = random_graph(seed=3, rows=4, width=12, edges=90, chains=2)
    x = np.random.default_rng(0).integers(0, 9, 48).astype(np.float64)  # with some at the same place
    assert graph.crossings(x) == pairs_that_cross(graph, x) > 100


@given(graphs())
def test_crossings_of_any_graph_are_counted_as_pairs(graph: Drawn) -> None:
    x = np.arange(len(graph.row), dtype=np.float64) * 7 % 5
    assert graph.crossings(x) == pairs_that_cross(graph, x)


@pytest.mark.parametrize("order", ORDERS)
@settings(deadline=None, max_examples=60)
@given(graph=graphs())
def test_nodes_keep_their_distance_and_no_order_crosses_more_than_that_of_the_index(graph: Drawn, order: Order) -> None:
    x = graph.places(order)
    assert all(gap >= 1 - 1e-9 for gap in graph.gaps(x))
    assert graph.crossings(x) <= graph.by_index
    assert np.array_equal(x, graph.places(order))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(graph=graphs())
def test_fewest_crossings_are_the_fewest_that_there_can_be_in_a_small_graph(graph: Drawn) -> None:
    rows = [np.flatnonzero(graph.row == row) for row in range(graph.row.max() + 1)]
    fewest = graph.by_index
    for orders in itertools.product(*(itertools.permutations(row.tolist()) for row in rows[:3])):
        x = np.arange(len(graph.row), dtype=np.float64)
        for order in orders:
            x[list(order)] = np.arange(len(order))
        fewest = min(fewest, graph.crossings(x))
    if len(rows) <= 3:
        assert graph.crossings(graph.places("crossings")) == fewest


def test_chains_alone_stand_straight_without_a_crossing() -> None:
    graph, chains = random_graph(seed=0, rows=7, width=20, edges=120, chains=20)
    x = graph.places()
    assert [np.ptp(x[chain]) for chain in chains] == [0] * 20
    assert graph.crossings(x) == 0 < graph.by_index


@pytest.mark.parametrize("seed", range(4))
def test_planted_chains_stand_straight_among_other_edges(seed: int) -> None:
    graph, chains = random_graph(seed=seed, rows=7, width=20, edges=200, chains=8)
    x = graph.places()
    assert [np.ptp(x[chain]) for chain in chains] == pytest.approx([0] * 8)
    assert graph.crossings(x) < graph.by_index


def test_chains_give_way_where_they_would_make_more_crossings_than_the_index() -> None:
    edges = {
        (8, 10): 0.05,
        (5, 8): 0.9,
        (4, 6): 0.9,
        (4, 7): 0.05,
        (2, 4): 0.05,
        (8, 11): 0.99,
        (4, 8): 0.99,
        (0, 4): 0.99,
        (7, 11): 0.1,
    }
    graph = drawn([3, 3, 3, 3], edges)
    assert graph.crossings(graph.places()) <= graph.by_index == 1


def test_a_chain_is_of_strongest_neighbours_both_ways() -> None:
    graph = drawn([2, 2, 1], {(0, 2): 0.9, (1, 2): 0.8, (1, 3): 0.5, (2, 4): 0.3, (3, 4): 0.2})
    rows = Rows(row=graph.row, source=graph.source, target=graph.target, weight=graph.weight, part=0 * graph.row)
    links = chain_links(rows)
    assert [(graph.source[link], graph.target[link]) for link in links] == [(0, 2), (2, 4)]


def test_a_node_stands_at_its_strongest_neighbour() -> None:
    root, first, last, chained, other = 0, 1, 5, 6, 7
    fan = {(root, node): 0.5 for node in range(first, last + 1)}
    graph = drawn([1, 5, 2], {**fan, (last, chained): 0.9, (first, other): 0.2, (last, other): 0.8})
    x = graph.places()
    assert x[chained] == x[last]
    assert abs(x[other] - x[last]) < abs(x[other] - x[first])


def test_the_order_of_the_index_is_kept_where_asked_for() -> None:
    graph, _ = random_graph(seed=1, rows=4, width=10, edges=60, chains=3)
    x = graph.places("index")
    assert all((np.diff(x[graph.row == row]) > 0).all() for row in range(4))


def test_parts_stand_side_by_side_and_features_without_edges_at_the_end() -> None:
    graph = drawn([4, 3], {(0, 4): 0.5, (1, 5): 0.5, (2, 5): 0.5})
    x = graph.places()
    assert x[[1, 2]].max() < x[0] < x[3]
    assert x[[5]].max() < x[4] < x[6]


@pytest.mark.parametrize("order", ORDERS)
def test_a_pinned_node_stands_where_it_was_pinned_and_others_make_room(order: Order) -> None:
    graph, _ = random_graph(seed=2, rows=5, width=9, edges=60, chains=4)
    free = graph.places(order)
    x = graph.places(order, {11: 2.25, 40: -7.5})
    assert (x[11], x[40]) == (2.25, -7.5)
    assert all(gap >= 1 - 1e-9 for gap in graph.gaps(x))
    untouched = np.isin(graph.row, [0, 2, 3])
    assert np.array_equal(x[untouched], free[untouched])


def test_a_node_pinned_where_it_is_moves_nothing() -> None:
    graph, _ = random_graph(seed=2, rows=5, width=9, edges=60, chains=4)
    free = graph.places()
    assert graph.places(pinned={7: float(free[7])}) == pytest.approx(free)


def test_an_edge_over_several_rows_is_no_chain_and_no_error() -> None:
    graph = drawn([1, 2, 1], {(0, 3): 0.9, (0, 1): 0.5, (2, 3): 0.4})
    x = graph.places()
    assert len(x) == 4
    assert all(gap >= 1 for gap in graph.gaps(x))


def test_a_picture_of_nothing_is_empty() -> None:
    none = np.empty(0, np.int64)
    assert places(none, none, none, np.empty(0)).tolist() == []
