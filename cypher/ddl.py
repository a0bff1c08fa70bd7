"""The statements that make the graph's constraints and indexes, from its declaration in `schema`.

Each does nothing where its constraint or index exists.
"""

import time
from collections.abc import Callable
from typing import Final

from saedb.cypher.connection import Connection
from saedb.cypher.schema import FEATURE, FULL_TEXT_INDEX, NODES, RELATIONSHIPS
from saedb.ingest.errors import GraphError
from saedb.ingest.progress import Report, silent

_POLL_SECONDS: Final = 0.2

_STATES: Final = """
SHOW INDEXES YIELD name, state, populationPercent AS percent, labelsOrTypes
WHERE any(name IN labelsOrTypes WHERE name IN $ours)
RETURN name, state, percent
"""

_TEXT: Final = f"SHOW FULLTEXT INDEXES YIELD name, properties WHERE name = '{FULL_TEXT_INDEX}' RETURN properties"

_INDEXES: Final = "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"


def constraints() -> list[str]:
    """Return the statements that make the uniqueness constraints; each does nothing where its constraint exists."""
    return [
        f"CREATE CONSTRAINT {_name(node.label, node.key)} IF NOT EXISTS "
        f"FOR (n:{node.label}) REQUIRE {_tuple('n', node.key)} IS UNIQUE"
        for node in NODES
    ]


def node_indexes() -> list[str]:
    """Return the statements that make the indexes on nodes; the loader needs them while it loads."""
    ranges = [
        f"CREATE INDEX {_name(node.label, names)} IF NOT EXISTS FOR (n:{node.label}) ON {_tuple('n', names)}"
        for node in NODES
        for names in node.indexes
    ]
    texts = ", ".join(f"n.{name}" for name in FEATURE.full_text)
    return [
        *ranges,
        f"CREATE FULLTEXT INDEX {FULL_TEXT_INDEX} IF NOT EXISTS FOR (n:{FEATURE.label}) ON EACH [{texts}]",
    ]


def edge_indexes() -> list[str]:
    """Return the statements that make the indexes on relationships; made after a load they cost a third less."""
    return [
        f"CREATE INDEX {_name(edge.type, names)} IF NOT EXISTS FOR ()-[r:{edge.type}]-() ON {_tuple('r', names)}"
        for edge in RELATIONSHIPS
        for names in edge.indexes
    ]


def declared() -> dict[str, str]:
    """Return every statement by the name of its constraint or index."""
    statements = (*constraints(), *node_indexes(), *edge_indexes())
    return {statement.partition(" IF NOT EXISTS")[0].rpartition(" ")[2]: statement for statement in statements}


def others(connection: Connection) -> list[str]:
    """Return the constraints and indexes of a graph that are not declared, such as ``index mine``."""
    ours = declared()
    found = [
        *(f"index {row['name']}" for row in connection.read(_INDEXES)),
        *(f"constraint {row['name']}" for row in connection.read("SHOW CONSTRAINTS YIELD name RETURN name")),
    ]
    return [name for name in found if name.partition(" ")[2] not in ours]


def prepare(connection: Connection) -> None:
    """Make the constraints and the indexes on nodes, where they are not there yet; a full-text one of others anew."""
    found = connection.read(_TEXT)
    if found and found[0]["properties"] != list(FEATURE.full_text):
        connection.run(f"DROP INDEX {FULL_TEXT_INDEX}")
    for statement in (*constraints(), *node_indexes()):
        connection.run(statement)
    await_indexes(connection)


def index_edges(connection: Connection, report: Report = silent, beat: Callable[[], None] | None = None) -> None:
    """Make the indexes on relationships, where they are not there yet; `beat` is called meanwhile."""
    for statement in edge_indexes():
        connection.run(statement)
    await_indexes(connection, report, beat)


def await_indexes(connection: Connection, report: Report = silent, beat: Callable[[], None] | None = None) -> None:
    """Return when every index of the graph can be used; `beat` is called meanwhile.

    Raises:
        GraphError: an index could not be built.
    """
    while True:
        rows = connection.read(_STATES, ours=[*(node.label for node in NODES), *(edge.type for edge in RELATIONSHIPS)])
        failed = [row["name"] for row in rows if row["state"] == "FAILED"]
        if failed:
            raise GraphError(f"index {failed[0]} cannot be built; see the server's log, then: DROP INDEX {failed[0]}")
        if all(row["state"] == "ONLINE" for row in rows):
            return
        report("building indexes", int(sum(row["percent"] for row in rows)), 100 * len(rows))
        if beat is not None:
            beat()
        time.sleep(_POLL_SECONDS)


def _name(label: str, names: tuple[str, ...]) -> str:
    return "_".join((label, *names)).lower()


def _tuple(variable: str, names: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{variable}.{name}" for name in names) + ")"
