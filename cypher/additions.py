"""What people have added to a run in the graph: labels, properties and relationships that no run directory holds."""

from typing import Final

from saedb.cypher.connection import Connection
from saedb.cypher.schema import LAYER_LABEL, NODES, RELATIONSHIPS, RUN

_NODES: Final = """
MATCH (n:{label} {{run: $run}})
UNWIND [l IN labels(n) WHERE l <> '{label}' AND NOT l =~ $layer | ':' + l]
     + [k IN keys(n) WHERE NOT k IN $names | 'property ' + k] AS addition
RETURN addition, count(*) AS n ORDER BY addition
"""
_RELATIONSHIPS: Final = """
MATCH (n:{label} {{run: $run}})-[r]-()
WHERE NOT type(r) IN $types
RETURN 'relationship ' + type(r) AS addition, count(*) AS n ORDER BY addition
"""


def additions(connection: Connection, run: str) -> list[str]:
    """Return what was added to the nodes of a run, such as ``12 :Interesting`` and ``3 property note``.

    Values that were changed are not seen, nor are properties of relationships.
    """
    types = [edge.type for edge in RELATIONSHIPS]
    found: dict[str, int] = {}
    for node in NODES:
        if node is RUN:
            continue
        names = [p.name for p in node.properties]
        for cypher in (_NODES, _RELATIONSHIPS):
            statement = cypher.format(label=node.label)
            for row in connection.read(statement, run=run, names=names, types=types, layer=LAYER_LABEL):
                found[row["addition"]] = found.get(row["addition"], 0) + row["n"]
    return [f"{count} {addition}" for addition, count in found.items()]
