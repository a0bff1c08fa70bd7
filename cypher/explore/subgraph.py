"""A part of a run: features and the edges between them, within limits, and how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from saedb.cypher import measured, names
from saedb.cypher.connection import Connection, Row
from saedb.cypher.explore.reach import reach
from saedb.cypher.explore.scope import Scope
from saedb.cypher.explore.seeds import seeds, whole_ids
from saedb.cypher.explore.text import ENDS, cypher
from saedb.ingest.measures import MEASURES


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureNode:
    """A feature of a view."""

    id: str
    label: str | None
    sae: str
    layer: int
    depth: int
    index: int
    density: float | None
    community: int | None
    """Number of its community in the partition of the view."""
    role: str | None
    """What it is to the start: ``start``; ``output`` or ``input`` of a gate."""

    @property
    def short(self) -> str:
        """Its id without the model."""
        return f"{self.sae}/{self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureEdge:
    """An edge of a view."""

    source: str
    target: str
    measures: Mapping[str, float | None]
    """Every measure by name; None where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgraph:
    """What a view shows."""

    scope: Scope
    nodes: tuple[FeatureNode, ...]
    """In the order of the model."""
    edges: tuple[FeatureEdge, ...]
    """The strongest first, by the measure of the view."""
    total_nodes: int
    """Features that belong to the view, hidden ones not among them."""
    at_least: bool
    """Whether `total_nodes` is only known to be that high."""
    total_edges: int
    """Edges between the features shown that reach the floor."""
    communities: Mapping[int, str | None]
    """Labels of the communities of its features, by number."""
    cypher: str
    """A statement that gives it in Neo4j Browser."""


_NODES: Final = """
UNWIND $ids AS id
MATCH (f:Feature {run: $run, id: id})
OPTIONAL MATCH (f)-[:IN_COMMUNITY]->(c:Community {partition: $partition})
RETURN f.id AS id, f.label AS label, f.sae AS sae, f.layer AS layer, f.depth AS depth, f.index AS index,
       f.density AS density, c.number AS community, c.label AS community_label
ORDER BY f.depth, f.sae, f.index
"""
_EDGES: Final = f"""
UNWIND $ids AS id MATCH (n:Feature {{run: $run, id: id}})
WITH collect(n) AS features
UNWIND features AS a
MATCH (a)-[e:EVOLVES_TO]->(b:Feature) WHERE e[$measure] >= $floor AND b IN features
WITH e, a, b ORDER BY e[$measure] DESC, {ENDS}
WITH collect(e) AS edges
WITH size(edges) AS total, edges[..$limit] AS edges
UNWIND edges AS e
RETURN total, startNode(e).id AS source, endNode(e).id AS target,
       e {{{", ".join(f".{measure.name}" for measure in MEASURES)}}} AS measures
"""


def read(connection: Connection, scope: Scope) -> Subgraph:
    """Return the part of a run that a view shows.

    Raises:
        InputError: the run, the start, the measure or the partition is unknown.
    """
    measured.named(scope.measure)
    partition = names.partition_id(connection, scope.run, scope.partition)
    hidden = whole_ids(connection, scope.run, list(scope.hidden))
    opened = whole_ids(connection, scope.run, [expansion.feature for expansion in scope.expansions])
    expansions = [replace(e, feature=id_) for e, id_ in zip(scope.expansions, opened, strict=True)]
    start = seeds(connection, scope, hidden)
    reached = reach(connection, scope, start, expansions, hidden)
    rows = connection.read(_NODES, ids=reached.ids, run=scope.run, partition=partition)
    total_edges, edges = _edges(connection, scope, reached.ids)
    return Subgraph(
        scope=replace(scope, partition=partition),
        nodes=tuple(_node(row, start.roles) for row in rows),
        edges=edges,
        total_nodes=reached.total,
        at_least=reached.at_least,
        total_edges=total_edges,
        communities={row["community"]: row["community_label"] for row in rows if row["community"] is not None},
        cypher=cypher(scope, start, reached, hidden, all_edges=total_edges <= len(edges)),
    )


def _node(row: Row, roles: Mapping[str, str]) -> FeatureNode:
    own = {name: value for name, value in row.items() if name != "community_label"}
    return FeatureNode(role=roles.get(row["id"]), **own)


def _edges(connection: Connection, scope: Scope, ids: Sequence[str]) -> tuple[int, tuple[FeatureEdge, ...]]:
    """Return how many edges there are between features, and the strongest of them."""
    rows = connection.read(
        _EDGES, ids=ids, run=scope.run, measure=scope.measure, floor=scope.floor, limit=scope.max_edges
    )
    edges = (FeatureEdge(source=r["source"], target=r["target"], measures=r["measures"]) for r in rows)
    return (rows[0]["total"] if rows else 0), tuple(edges)
