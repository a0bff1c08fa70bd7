"""Where the features of a view stand: layers are rows, and only the place along the row is free.

1. Each connected part of the view is laid out alone, and the parts are then pushed together row by row.
2. Barycentre sweeps (Sugiyama, Tagawa, Toda 1981) put every feature at the weighted mean of its neighbours in the row
   before, then in the row after, and the order with fewest crossings is kept.
3. A chain, of features that are one another's strongest neighbours from row to row, becomes one block, which has one
   place for all its features: so chains stand straight. Blocks move to the mean of their neighbours, in turn with
   steps that restore the least distance in every row.
4. Features that somebody pinned stand where they were pinned, and those beside them make room.

Fewest crossings: igraph's layout is tried as well, and nodes are moved along their rows while that helps (sifting);
chains stand straight where that order lets them. By index: likewise, and the parts are not taken apart.

The same graph gives the same picture. Distances are in units of the least distance between two features of a row.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from saedb.cli.browser.blocks import settled, straightened
from saedb.cli.browser.crossings import crossings
from saedb.cli.browser.sweeps import Rows, side_by_side, sifted, swept

Order = Literal["straight", "crossings", "index"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_BETWEEN_PARTS: Final = 1.5
_SMALL: Final = 200
"""Nodes up to which several orders are improved, not the best one alone."""


def places(
    row: Integers,
    source: Integers,
    target: Integers,
    weight: Floats,
    order: Order = "straight",
    pinned: Mapping[int, float] | None = None,
) -> Floats:
    """Return the place of each node along its row, of shape [nodes]; the picture is centred at 0.

    Args:
        row: row of each node, in ascending order; nodes of a row are in the order of their index.
        source: the end of each edge that is in the earlier row, of shape [edges].
        target: its other end.
        weight: strength of each edge, above 0.
        order: what decides who stands beside whom.
        pinned: places of nodes that must stand there.
    """
    if not len(row):
        return np.empty(0)
    part = np.zeros(len(row), np.int64) if order == "index" else _parts(len(row), source, target)
    graph = Rows(row=row, source=source, target=target, weight=weight**2, part=part)
    x = _packed(graph, _LAID_OUT[order](graph))
    return _with_room(row, x, pinned or {})


def _straight(graph: Rows) -> Floats:
    x = straightened(graph, swept(graph))
    by_index = _by_number(graph)
    fewest = crossings(graph.row, by_index, graph.source, graph.target)
    return settled(graph, x if graph.crossings(x) <= fewest else by_index)


def _fewest_crossings(graph: Rows) -> Floats:
    by_sweeps = swept(graph)
    tried = sorted((by_sweeps, _by_igraph(graph), straightened(graph, by_sweeps)), key=graph.crossings)
    begun = tried[:1] if len(graph.row) > _SMALL else [*tried, *_shuffled(graph)]
    return settled(graph, min((sifted(graph, x) for x in begun), key=graph.crossings))


def _shuffled(graph: Rows) -> Iterator[Floats]:
    random = np.random.default_rng(0)
    for _ in range(_SMALL // len(graph.row)):
        yield side_by_side(graph.lane, random.random(len(graph.row)))


def _by_index(graph: Rows) -> Floats:
    return settled(graph, _by_number(graph))


_LAID_OUT: Final[Mapping[Order, Callable[[Rows], Floats]]] = {
    "straight": _straight,
    "crossings": _fewest_crossings,
    "index": _by_index,
}


def _by_number(graph: Rows) -> Floats:
    return side_by_side(graph.lane, np.arange(len(graph.row), dtype=np.float64))


def _by_igraph(graph: Rows) -> Floats:
    from igraph import Graph

    edges = np.column_stack([graph.source, graph.target]).tolist()
    drawn = Graph(n=len(graph.row), edges=edges, directed=True)
    layout = drawn.layout_sugiyama(layers=graph.row.tolist(), weights=graph.weight.tolist())
    return side_by_side(graph.lane, np.array(layout.coords)[: len(graph.row), 0])


def _parts(nodes: int, source: Integers, target: Integers) -> Integers:
    """Return the connected part of each node."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    matrix = coo_array((np.ones(len(source)), (source, target)), (nodes, nodes))
    return connected_components(matrix, directed=False)[1].astype(np.int64)


def _packed(graph: Rows, x: Floats) -> Floats:
    """Return the places with the parts side by side, as close as their outlines let them, the largest first."""
    lanes = int(graph.lane.max()) + 1
    left, right, lane_row = np.full(lanes, np.inf), np.full(lanes, -np.inf), np.empty(lanes, np.int64)
    np.minimum.at(left, graph.lane, x)
    np.maximum.at(right, graph.lane, x)
    lane_row[graph.lane] = graph.row
    lane_part = np.empty(lanes, np.int64)
    lane_part[graph.lane] = graph.part
    free = np.full(int(graph.row.max()) + 1, 0.0)
    size = np.bincount(graph.part)
    shift = np.zeros(len(size))
    of_part = np.split(np.argsort(lane_part, kind="stable"), np.cumsum(np.bincount(lane_part))[:-1])
    for part in np.argsort(-size, kind="stable").tolist():
        own = of_part[part]
        shift[part] = (free[lane_row[own]] - left[own]).max()
        free[lane_row[own]] = shift[part] + right[own] + (_BETWEEN_PARTS if size[part] > 1 else 1.0)
    x = x + shift[graph.part]
    return x - (x.min() + x.max()) / 2


def _with_room(row: Integers, x: Floats, pinned: Mapping[int, float]) -> Floats:
    """Return the places with pinned nodes where they must stand; those of their rows make room, away from them."""
    x = x.copy()
    x[list(pinned)] = list(pinned.values())
    for number in {int(row[node]) for node in pinned}:
        order = np.flatnonzero(row == number)
        order = order[np.argsort(x[order], kind="stable")].tolist()
        for nodes, side in ((order, 1.0), (order[::-1], -1.0)):
            moves = False
            for before, node in pairwise(nodes):
                moves |= before in pinned
                if moves and node not in pinned:
                    x[node] = side * max(side * x[node], side * x[before] + 1.0)
    return x
