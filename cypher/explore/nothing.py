"""Why a view has no edges."""

from saedb.cypher.connection import Connection
from saedb.cypher.explore.subgraph import Subgraph

_STRONGEST = """
UNWIND $ids AS id
MATCH (f:Feature {run: $run, id: id})-[e:EVOLVES_TO]-(n:Feature)
WHERE $around OR n.id IN $ids
RETURN count(e) AS edges, count(e[$measure]) AS valued, max(e[$measure]) AS strongest
"""


def why_empty(connection: Connection, subgraph: Subgraph) -> str | None:
    """Return why a view shows no edge, and what would show one; None where it shows some."""
    scope = subgraph.scope
    if subgraph.edges:
        return None
    if not subgraph.nodes:
        return "Every feature of the start is hidden." if scope.hidden else f"This {scope.start.kind} has no features."
    is_around = scope.hops > 0
    (found,) = connection.read(
        _STRONGEST, ids=[n.id for n in subgraph.nodes], run=scope.run, measure=scope.measure, around=is_around
    )
    where = "at the features shown" if is_around else "between the features shown"
    if not found["edges"]:
        return f"Run {scope.run} has no edges {where}{'' if is_around else '; more hops lead to others'}."
    if not found["valued"]:
        return f"The edges {where} have no {scope.measure}; choose another measure."
    if found["strongest"] < scope.floor:
        return (
            f"No edge {where} reaches {scope.measure} {scope.floor:g}; the strongest has {found['strongest']:.4g}. "
            "Lower the threshold."
        )
    return f"There are edges {where} from {scope.measure} {scope.floor:g} on, to features that are hidden."
