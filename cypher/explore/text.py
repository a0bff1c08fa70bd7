"""The Cypher behind a view: one statement that gives the same features and edges in Neo4j Browser."""

from collections.abc import Iterator
from typing import Any, Final

from saedb.cypher.explore.reach import ARROWS, Reached
from saedb.cypher.explore.scope import Direction, Scope
from saedb.cypher.explore.seeds import Seeds
from saedb.cypher.statement import literal, substituted
from saedb.ingest.measures import BY_NAME

ENDS: Final = "a.depth, a.sae, a.index, b.depth, b.sae, b.index"
"""Sorts edges from ``a`` to ``b`` that are equally strong."""


def cypher(scope: Scope, seeds: Seeds, reached: Reached, hidden: list[str], *, all_edges: bool) -> str:
    """Return the statement with its values written out.

    Features are named one by one where the limit left some out on the way. `all_edges` says that it left out no edge.
    """
    features = _NAMED if reached.at_least else list(_from_start(scope, seeds, reached, bool(hidden)))
    edges = _all_edges(scope.measure) if all_edges else _strongest_edges(scope.measure)
    values: dict[str, Any] = {
        **seeds.values, "floor": scope.floor, "hidden": hidden, "shown": reached.ids,
        "most_features": scope.max_nodes, "most_edges": scope.max_edges,
        **{f"expanded_{direction}": reached.of(direction) for direction in ARROWS},
    }  # fmt: skip
    return substituted("\n".join([*features, *edges]), {name: literal(value) for name, value in values.items()})


_NAMED = [
    "// More features were reached than are shown: those that are, one by one",
    "MATCH (n:Feature {run: $run}) WHERE n.id IN $shown",
]


def _from_start(scope: Scope, seeds: Seeds, reached: Reached, hides: bool) -> Iterator[str]:
    branches = [_start(seeds, hides)] if scope.hops == 0 else [_hops(scope, seeds, d, hides) for d in ARROWS]
    branches += [_expanded(scope, direction, hides) for direction in ARROWS if reached.of(direction)]
    if len(branches) == 1:
        yield from branches[0]
        return
    yield "CALL () {"
    for number, branch in enumerate(branches):
        yield from ["UNION"] if number else []
        yield from (f"  {line}" for line in [*branch, "RETURN n"])
    yield "}"


def _start(seeds: Seeds, hides: bool) -> list[str]:
    lines = seeds.cypher.split("\n")
    not_hidden = " WHERE NOT n.id IN $hidden" if hides else ""
    if seeds.total > len(seeds.ids):
        return [*lines, f"WITH n ORDER BY {seeds.order}{not_hidden}", "WITH n LIMIT $most_features"]
    return [*lines, f"WITH n{not_hidden}"] if hides else lines


def _hops(scope: Scope, seeds: Seeds, direction: Direction, hides: bool) -> list[str]:
    arrow = ARROWS[direction].format(f":EVOLVES_TO*0..{scope.hops:d}")
    none_hidden = " AND none(x IN nodes(p) WHERE x.id IN $hidden)" if hides else ""
    return [
        *seeds.cypher.split("\n"),
        "WITH n AS start",
        f"MATCH p = (start){arrow}(n:Feature)",
        f"WHERE all(e IN relationships(p) WHERE e.{BY_NAME[scope.measure].name} >= $floor){none_hidden}",
    ]


def _expanded(scope: Scope, direction: Direction, hides: bool) -> list[str]:
    not_hidden = " AND NOT n.id IN $hidden" if hides else ""
    return [
        f"MATCH (f:Feature {{run: $run}}){ARROWS[direction].format('e:EVOLVES_TO')}(n:Feature)",
        f"WHERE f.id IN $expanded_{direction} AND e.{BY_NAME[scope.measure].name} >= $floor{not_hidden}",
    ]


def _all_edges(measure: str) -> Iterator[str]:
    yield from _between(measure)
    yield "RETURN a, e, b"


def _strongest_edges(measure: str) -> Iterator[str]:
    yield from _between(measure)
    yield f"WITH features, e, a, b ORDER BY e.{BY_NAME[measure].name} DESC, {ENDS}"
    yield "RETURN features, collect(e)[..$most_edges] AS edges"


def _between(measure: str) -> Iterator[str]:
    yield "WITH collect(DISTINCT n) AS features"
    yield "UNWIND features AS a"
    yield f"OPTIONAL MATCH (a)-[e:EVOLVES_TO]->(b:Feature) WHERE e.{BY_NAME[measure].name} >= $floor AND b IN features"
