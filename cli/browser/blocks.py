"""Chains as blocks that have one place for all their nodes, and places with the least distance in every lane."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.cli.browser.sweeps import Rows

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

_ROUNDS: Final = 24


def chain_links(graph: Rows) -> Integers:
    """Return the edges between successive rows whose ends are one another's strongest neighbours, strongest first."""
    successive = np.flatnonzero(graph.row[graph.target] == graph.row[graph.source] + 1)
    order = successive[np.lexsort((graph.target[successive], graph.source[successive], -graph.weight[successive]))]
    forward = np.unique(graph.source[order], return_index=True)[1]
    back = np.unique(graph.target[order], return_index=True)[1]
    return order[np.sort(np.intersect1d(forward, back))]


def without_crossings(graph: Rows, links: Integers, x: Floats) -> Integers:
    """Return the links of which none crosses another, a stronger one in place of those that cross it."""
    kept: list[int] = []
    taken: dict[int, list[tuple[float, float]]] = {}
    for link in links.tolist():
        source, target = graph.source[link], graph.target[link]
        ends = (float(x[source]), float(x[target]))
        beside = taken.setdefault(int(graph.lane[source]), [])
        place = bisect(beside, ends)
        if (place == 0 or beside[place - 1][1] < ends[1]) and (place == len(beside) or beside[place][1] > ends[1]):
            beside.insert(place, ends)
            kept.append(link)
    return np.array(kept, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Nodes that stand one above the other."""

    of: Integers
    """Block of each node, of shape [nodes]."""
    lanes: list[list[int]]
    """Lanes of each block."""
    part: Integers
    """Connected part of each block."""
    total: Floats
    """Weight of the edges of each block to others."""

    @staticmethod
    def linked(graph: Rows, links: Integers) -> "Blocks":
        """Return the blocks that links make of a graph's nodes."""
        first = np.arange(len(graph.row))
        for link in links[np.argsort(graph.row[graph.source[links]], kind="stable")].tolist():
            first[graph.target[link]] = first[graph.source[link]]
        head, of = np.unique(first, return_inverse=True)
        lanes: list[list[int]] = [[] for _ in head]
        for block, lane in zip(of.tolist(), graph.lane.tolist(), strict=True):
            lanes[block].append(lane)
        leaving = of[graph.source] != of[graph.target]
        ends = np.concatenate([of[graph.source[leaving]], of[graph.target[leaving]]])
        total = np.bincount(ends, np.tile(graph.weight[leaving], 2), len(head)).astype(np.float64)
        return Blocks(of=of, lanes=lanes, part=graph.part[head], total=total)

    def means(self, x: Floats) -> Floats:
        """Return the mean place of each block's nodes."""
        return np.bincount(self.of, x) / np.bincount(self.of)

    def pulled(self, graph: Rows, x: Floats) -> Floats:
        """Return where each block's edges draw it from `x`, half the way: all the way the rows would change sides."""
        source, target = self.of[graph.source], self.of[graph.target]
        sums = np.bincount(source, graph.weight * x[target], len(x)) + np.bincount(
            target, graph.weight * x[source], len(x)
        )
        within = np.bincount(source, graph.weight * (source == target), len(x))
        has_any = self.total > 0
        mean = (sums - 2 * within * x) / np.where(has_any, self.total, 1.0)
        return np.where(has_any, (x + mean) / 2, x)

    def apart(self, order: Sequence[int], x: Floats) -> Floats:
        """Return the places nearest to `x` that have distance 1 in every lane; `order` has the blocks from the left.

        They are the mean of what pushing to the right and pushing to the left give, so that a crowd spreads evenly.
        """
        return (self._pushed(order, x) - self._pushed(order[::-1], -x)) / 2

    def _pushed(self, order: Sequence[int], x: Floats) -> Floats:
        places = x.tolist()
        free: list[float] = [-np.inf] * (1 + max(max(lanes) for lanes in self.lanes))
        for block in order:
            place = places[block]
            for lane in self.lanes[block]:
                place = max(place, free[lane])
            places[block] = place
            for lane in self.lanes[block]:
                free[lane] = place + 1.0
        return np.array(places)


def straightened(graph: Rows, x: Floats) -> Floats:
    """Return places in which every chain is straight, and the blocks stand in the order with fewest crossings."""
    blocks = Blocks.linked(graph, chain_links(graph))
    found = blocks.means(x)
    return min(_moved(graph, blocks, found), key=graph.crossings)


def _moved(graph: Rows, blocks: Blocks, x: Floats) -> Iterator[Floats]:
    for _ in range(_ROUNDS):
        x = blocks.apart(np.lexsort((x, blocks.part)).tolist(), x)
        yield x[blocks.of]
        x = blocks.pulled(graph, x)


def settled(graph: Rows, x: Floats) -> Floats:
    """Return places near those of neighbours in the order that `x` has, chains straight where that order lets them."""
    blocks = Blocks.linked(graph, without_crossings(graph, chain_links(graph), x))
    order = _from_left(graph, blocks, x)
    places = blocks.apart(order, blocks.means(x))
    for _ in range(_ROUNDS):
        places = blocks.apart(order, blocks.pulled(graph, places))
    return places[blocks.of]


def _from_left(graph: Rows, blocks: Blocks, x: Floats) -> list[int]:
    """Return the blocks in an order in which each comes after those that stand left of it in some lane."""
    order = np.lexsort((x, graph.lane))
    same = np.diff(graph.lane[order]) == 0
    left, right = blocks.of[order[:-1][same]].tolist(), blocks.of[order[1:][same]].tolist()
    after: list[list[int]] = [[] for _ in blocks.lanes]
    waits = [0] * len(blocks.lanes)
    for one, other in zip(left, right, strict=True):
        after[one].append(other)
        waits[other] += 1
    ready = [block for block, count in enumerate(waits) if not count]
    for block in ready:  # which grows
        for other in after[block]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    return ready
