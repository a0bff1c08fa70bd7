"""The features that edges lead to from the start of a view, hop by hop, until there are as many as may be shown.

1. The features of the start are kept.
2. A hop leads from those that the hop before came to: upstream from those found upstream, downstream from those found
   downstream, so that a view has what a feature is made of and what becomes of it, not its siblings. Of the new ones
   those with the strongest edge are kept. Where that leaves some out, the number of all features is only known to be
   at least that high, and no further hop is made.
3. Then come the neighbours of features that were expanded by hand.

Each hop is one statement, which reads the edges of at most as many features as may be shown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from saedb.cypher.connection import Connection
from saedb.cypher.explore.scope import Direction, Expansion, Scope
from saedb.cypher.explore.seeds import Seeds

ARROWS: Final[Mapping[Direction, str]] = {"in": "<-[{}]-", "out": "-[{}]->"}
"""From a feature to its neighbour."""


@dataclass(slots=True, kw_only=True)
class Reached:
    """The features of a view."""

    ids: list[str]
    total: int
    """How many there would be without the limit."""
    at_least: bool = False
    """Whether `total` is only known to be that high."""
    expanded: list[Expansion] = field(default_factory=list[Expansion])
    """Expansions that count."""

    def of(self, direction: Direction) -> list[str]:
        """Return the features that were expanded so."""
        return [expansion.feature for expansion in self.expanded if expansion.direction == direction]


def reach(
    connection: Connection, scope: Scope, seeds: Seeds, expansions: Sequence[Expansion], hidden: Sequence[str]
) -> Reached:
    """Return the features of a view; `expansions` and `hidden` have whole ids."""
    found = Reached(ids=list(seeds.ids), total=seeds.total)
    walk = _Walk(connection, scope, hidden, found)
    walk.hops(scope.hops)
    left = list(dict.fromkeys(expansions))
    while ready := [expansion for expansion in left if expansion.feature in found.ids]:
        found.expanded += ready
        walk.step(*([e.feature for e in ready if e.direction == direction] for direction in ARROWS))
        left = [expansion for expansion in left if expansion not in ready]
    return found


_SIDES: Final = (
    f"UNWIND ${direction} AS id MATCH (:Feature {{run: $run, id: id}}){arrow.format('e:EVOLVES_TO')}(n:Feature) "
    f"WHERE e[$measure] >= $floor AND NOT n.id IN $not_{direction} "
    f"RETURN n, e[$measure] AS value, '{direction}' AS side"
    for direction, arrow in ARROWS.items()
)
# The measure is a parameter, so that the server plans the statement once.
_STEP: Final = (
    f"CALL () {{ {' UNION ALL '.join(_SIDES)} }} "
    "WITH n, max(value) AS strength, collect(DISTINCT side) AS sides, n.id IN $known AS known "
    "ORDER BY known DESC, strength DESC, n.depth, n.sae, n.index "
    "WITH collect([n.id, sides]) AS found, count(CASE WHEN known THEN 1 END) AS known "
    "RETURN size(found) - known AS total, found[..known + $room] AS found"
)


class _Walk:
    def __init__(self, connection: Connection, scope: Scope, hidden: Sequence[str], found: Reached) -> None:
        self._connection, self._scope, self._hidden, self._found = connection, scope, hidden, found

    def hops(self, count: int) -> None:
        """Go from the start upstream and downstream."""
        up, down = list(self._found.ids), list(self._found.ids)
        above, below = set(up), set(down)
        for _ in range(count):
            if self._found.at_least or not (up or down):
                return
            up, down = self.step(up, down, above, below)
            above.update(up)
            below.update(down)

    def step(
        self, up: list[str], down: list[str], above: Collection[str] = (), below: Collection[str] = ()
    ) -> tuple[list[str], list[str]]:
        """Keep the inputs of `up` and the outputs of `down`; return both but for those that are `above` or `below`."""
        room = self._scope.max_nodes - len(self._found.ids)
        sent = {
            "run": self._scope.run, "measure": self._scope.measure, "floor": self._scope.floor,
            "in": up, "out": down, "known": self._found.ids, "room": room,
            "not_in": [*above, *self._hidden], "not_out": [*below, *self._hidden],
        }  # fmt: skip
        (row,) = self._connection.read(_STEP, **sent)
        known = set(self._found.ids)
        self._found.ids += [id_ for id_, _ in row["found"] if id_ not in known]
        self._found.total += row["total"]
        self._found.at_least |= row["total"] > room
        up, down = ([id_ for id_, sides in row["found"] if side in sides] for side in ARROWS)
        return up, down
