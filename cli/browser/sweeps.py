"""Orders of the nodes within their rows: barycentre sweeps, and sifting."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.cli.browser.crossings import crossings

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_SWEEPS: Final = 16
_SIFTED: Final = 4_000
"""Nodes that are moved at most, several times each in a small graph."""
_WIDEST: Final = 250
"""Nodes of a row that is sifted: the time grows with the cube."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A graph in rows. Nodes are numbered row by row, and in a row by what orders them where nothing else does."""

    row: Integers
    """Of each node, of shape [nodes]."""
    source: Integers
    """The end of each edge that is in the earlier row, of shape [edges]."""
    target: Integers
    weight: Floats
    """How strong each edge is, above 0."""
    part: Integers
    """Connected part of each node."""

    @cached_property
    def lane(self) -> Integers:
        """Of each node: its row and part, as a number that grows with the row. Only nodes of one lane are ordered."""
        parts = int(self.part.max(initial=0)) + 1
        return np.unique(self.row * parts + self.part, return_inverse=True)[1]

    def crossings(self, x: Floats) -> int:
        """Return how many edges of one part cross."""
        return crossings(self.lane, x, self.source, self.target)


def side_by_side(lane: Integers, key: Floats) -> Floats:
    """Return the places of nodes that stand in each lane with distance 1, sorted by `key`, about 0."""
    order = np.lexsort((key, lane))
    sorted_lane = lane[order]
    first = np.flatnonzero(np.diff(sorted_lane, prepend=-1))
    size = np.diff(first, append=len(lane))
    middle = first + (size - 1) / 2
    x = np.empty(len(lane))
    x[order] = np.arange(len(lane)) - np.repeat(middle, size)
    return x


def swept(graph: Rows) -> Floats:
    """Return places in the order with fewest crossings that sweeps come to, that of the numbers among them."""
    best = side_by_side(graph.lane, np.arange(len(graph.row), dtype=np.float64))
    fewest = graph.crossings(best)
    for x in _sweeps(graph, best):
        if fewest == 0:
            break
        if (found := graph.crossings(x)) < fewest:
            best, fewest = x, found
    return best


def _sweeps(graph: Rows, x: Floats) -> Iterator[Floats]:
    """Yield the places after each sweep: down the rows, up the rows, and so on."""
    numbers = range(int(graph.row.max(initial=-1)) + 1)
    down = [_Pull.of(graph, number, graph.source, graph.target) for number in numbers]
    up = [_Pull.of(graph, number, graph.target, graph.source) for number in reversed(numbers)]
    for sweep in range(_SWEEPS):
        x = x.copy()
        for pull in up if sweep % 2 else down:
            x[pull.nodes] = side_by_side(pull.lane, pull.barycentres(x))
        yield x


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pull:
    """What draws the nodes of one row to one side."""

    nodes: Integers
    lane: Integers
    end: Integers
    """Which of the nodes each edge has its end at."""
    neighbour: Integers
    """The node at its other end."""
    weight: Floats
    total: Floats
    """Weight of all edges of each of the nodes."""

    @staticmethod
    def of(graph: Rows, row: int, before: Integers, after: Integers) -> "_Pull":
        nodes = np.flatnonzero(graph.row == row)
        chosen = graph.row[after] == row
        end = np.searchsorted(nodes, after[chosen])
        weight = graph.weight[chosen]
        total = np.bincount(end, weight, len(nodes)).astype(np.float64)
        lane = graph.lane[nodes]
        return _Pull(nodes=nodes, lane=lane, end=end, neighbour=before[chosen], weight=weight, total=total)

    def barycentres(self, x: Floats) -> Floats:
        """Return the mean place of each node's neighbours, its own where it has none."""
        pulled = np.bincount(self.end, self.weight * x[self.neighbour], len(self.nodes))
        has_any = self.total > 0
        return np.where(has_any, pulled / np.where(has_any, self.total, 1.0), x[self.nodes])


def sifted(graph: Rows, x: Floats) -> Floats:
    """Return places in which no node could move along its row and leave fewer crossings, or nearly so."""
    x = x.copy()
    rows = (np.flatnonzero(graph.row == row) for row in range(int(graph.row.max(initial=-1)) + 1))
    rows = [nodes for nodes in rows if len(nodes) <= _WIDEST]
    for _ in range(max(2, _SIFTED // len(x))):
        if not any([_sift(graph, x, nodes) for nodes in rows]):
            break
    return x


def _sift(graph: Rows, x: Floats, nodes: Integers) -> bool:
    """Move each node of a row to its best place in its lane; return whether any moved."""
    cost = _costs(graph, x, nodes, graph.source, graph.target) + _costs(graph, x, nodes, graph.target, graph.source)
    gain = cost - cost.T  # of exchanging two nodes
    moved = False
    for lane in np.unique(graph.lane[nodes]):
        members = np.flatnonzero(graph.lane[nodes] == lane)
        order = members[np.argsort(x[nodes[members]], kind="stable")]
        slots = x[nodes[order]]
        for node in order.tolist():
            order, has_moved = _moved(order, node, gain)
            moved |= has_moved
        x[nodes[order]] = slots
    return moved


def _moved(order: Integers, node: int, gain: Floats) -> tuple[Integers, bool]:
    place = int(np.flatnonzero(order == node)[0])
    leftwards = np.cumsum(gain[order[:place][::-1], node])[::-1]
    rightwards = np.cumsum(gain[node, order[place + 1 :]])
    gains = np.concatenate([leftwards, [0.0], rightwards])
    best = int(np.argmax(gains))
    if gains[best] <= 0:
        return order, False
    return np.insert(np.delete(order, place), best, node), True


def _costs(graph: Rows, x: Floats, nodes: Integers, ends: Integers, others: Integers) -> Floats:
    """Return how many edges to one side would cross if the first node stood left of the second: [nodes, nodes]."""
    place = np.full(len(graph.row), -1)
    place[nodes] = np.arange(len(nodes))
    chosen = place[ends] >= 0
    neighbour = others[chosen]
    column = np.unique(x[neighbour], return_inverse=True)[1]
    edges = np.zeros((len(nodes), int(column.max(initial=-1)) + 1), np.float32)
    np.add.at(edges, (place[ends[chosen]], column), 1)
    before = np.cumsum(edges, axis=1) - edges
    return (edges @ before.T).astype(np.float64)
