"""The best paths of edges between features, along the model.

1. Two sweeps collect the edges that paths can be made of: forward from the source, and backward from the target, one
   layer at a time and always on the side that has fewer features, until they meet. To a layer there is only one.
2. Layer by layer each feature gets the best paths that lead to it, as many as are wanted: the best paths to its
   predecessors, each one edge longer. Product and minimum never rise when a prefix falls, so no better path is lost.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from operator import mul
from typing import Final, Literal

from saedb.cypher.connection import Connection
from saedb.ingest.measures import BY_NAME

Score = Literal["product", "minimum"]
_EMPTY: Final[Mapping[Score, float]] = {"product": 1.0, "minimum": float("inf")}
_COMBINED: Final[Mapping[Score, Callable[[float, float], float]]] = {"product": mul, "minimum": min}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a feature stands; in the order of the model."""

    depth: int
    index: int
    id: str


@dataclass(frozen=True, slots=True)
class Link:
    """One edge that a path may take; its source lies before its target."""

    source: Place
    target: Place
    value: float
    """The measure on the edge, at least 0."""
    support: int | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """A way along the model."""

    score: float
    features: tuple[Place, ...]
    links: tuple[Link, ...]
    """One less than features."""


def best_paths(links: Iterable[Link], source: Place, ends: Iterable[Place], k: int, score: Score) -> list[Path]:
    """Return the `k` best paths from `source` to any of `ends`, the best first and equal ones in the model's order."""
    entering: dict[Place, list[Link]] = defaultdict(list)
    for link in links:
        entering[link.target].append(link)
    best = {source: [Path(_EMPTY[score], (source,), ())]}
    for place in sorted(entering):  # so that all that lead to a feature come before it
        found = _longer(entering[place], best, k, score)
        if found:
            best[place] = found
    arrived = [path for end in set(ends) - {source} for path in best.get(end, [])]
    return nsmallest(k, arrived, key=lambda path: (-path.score, path.features))


def _longer(links: Iterable[Link], best: Mapping[Place, list[Path]], k: int, score: Score) -> list[Path]:
    """Return the best paths over these links, which enter one feature."""
    combined = _COMBINED[score]
    found = ((combined(path.score, link.value), path, link) for link in links for path in best.get(link.source, ()))
    kept = nsmallest(k, found, key=lambda candidate: (-candidate[0], candidate[1].features))
    return [Path(value, (*path.features, link.target), (*path.links, link)) for value, path, link in kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeps:
    """Reads the edges of a run that paths can be made of."""

    connection: Connection
    run: str
    measure: str
    minimum: float
    """Lowest value of the measure on every edge."""
    positional: bool
    """Whether a path may lead over features that depend on the position, which its ends may always be."""

    def between(self, source: Place, target: Place) -> list[Link]:
        """Return edges among which are those of every path between two features."""
        links: list[Link] = []
        ahead, back = {source}, {target}
        while ahead and back and min(ahead).depth < max(back).depth:
            if len(ahead) <= len(back):
                ahead, found = self._step(ahead, min(ahead).depth, (source, target))
            else:
                back, found = self._step(back, max(back).depth, (source, target), backward=True)
            links += found
        return list(set(links))

    def reaching(self, source: Place, last: Place) -> list[Link]:
        """Return the edges of every path from a feature to those not behind `last`."""
        links: list[Link] = []
        ahead = {source}
        while ahead and min(ahead).depth < last.depth:
            ahead, found = self._step(ahead, min(ahead).depth, (source, last))
            links += found
        return links

    def _step(
        self, edge: set[Place], depth: int, ends: tuple[Place, Place], *, backward: bool = False
    ) -> tuple[set[Place], list[Link]]:
        """Return the places after those of `depth` were replaced by their neighbours, and the links to these."""
        left = {place.id: place for place in edge if place.depth == depth}
        arrow = "<-[e:EVOLVES_TO]-" if backward else "-[e:EVOLVES_TO]->"
        value = f"e.{BY_NAME[self.measure].name}"
        parts = self.connection.columns(
            f"UNWIND $ids AS id MATCH (f:Feature {{run: $run, id: id}}){arrow}(n:Feature) "
            f"WHERE {value} >= $minimum AND $first <= n.depth <= $last "
            "AND ($positional OR NOT coalesce(n.positional, false) OR n.id IN $ends) "
            f"RETURN id, n.depth AS depth, n.index AS index, n.id AS far, toFloat({value}) AS value, "
            "e.support AS support",
            ids=list(left), run=self.run, minimum=self.minimum, positional=self.positional,
            first=ends[0].depth, last=ends[1].depth, ends=[end.id for end in ends],
        )  # fmt: skip
        links: list[Link] = []
        for part in parts:
            for id_, depth_, index, far, number, support in zip(*part.values(), strict=True):
                place = Place(depth_, index, far)
                source, target = (place, left[id_]) if backward else (left[id_], place)
                links.append(Link(source, target, number, support))
        reached = {link.source if backward else link.target for link in links}
        return (edge - set(left.values())) | reached, links
