"""Looks at one Neo4j server, whoever runs it, and says how to mend what saedb lacks there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, LiteralString, cast

from neo4j import ManagedTransaction

from saedb.cypher import ddl
from saedb.cypher.address import Address
from saedb.cypher.claim import is_dead
from saedb.cypher.connection import Connection, Row
from saedb.cypher.schema import NODES, RELATIONSHIPS
from saedb.ingest.errors import GraphError

_OLDEST: Final = (5, 26)
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")

_COMPONENTS: Final = "CALL dbms.components() YIELD versions, edition RETURN versions[0] AS version, edition"
_INDEXES: Final = "SHOW INDEXES YIELD name, state, populationPercent AS percent, failureMessage AS message"
_UNFINISHED: Final = """
MATCH (r:Run) WHERE r.status <> 'ready'
RETURN r.id AS run, r.status AS status, r.path AS path, r.owner AS owner, (timestamp() - r.heartbeat) / 1000.0 AS silent
ORDER BY run
"""
_LOADED: Final = "MATCH (r:Run {status: 'ready'}) RETURN count(*) AS runs"
_SCHEMA_PROBES: Final = (
    "CREATE CONSTRAINT saedb_probe_node IF NOT EXISTS FOR (n:SaedbProbe) REQUIRE n.id IS UNIQUE",
    "CREATE INDEX saedb_probe_edge IF NOT EXISTS FOR ()-[e:SAEDB_PROBE]-() ON (e.id)",
)
_RIGHTS: Final = "docker/README.md lists the rights; who administers the server can GRANT them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: Literal["ok", "warn", "bad"]
    """bad: saedb cannot work; warn: something cannot, or soon."""
    found: str
    mend: str = ""
    """What to do; empty where all is well."""


class _UndoError(Exception):
    """Rolls a transaction back."""


def examine(address: Address) -> Iterator[Check]:
    """Yield the checks of a server and of the graph on it, as they are made; nothing is changed."""
    try:
        with Connection(address) as connection:
            yield _version(connection)
            yield _data_science(connection)
            yield _rights(connection)
            yield from _indexes(connection)
            yield from _runs(connection)
    except GraphError as error:
        yield Check(name="server", level="bad", found=f"{address.uri} does not do its work", mend=str(error))


def _version(connection: Connection) -> Check:
    row = connection.read(_COMPONENTS)[0]
    found = f"Neo4j {row['version']} {row['edition']} at {connection.address.uri}"
    numbers = _VERSION.match(row["version"])
    if numbers and (int(numbers[1]), int(numbers[2])) >= _OLDEST:
        return Check(name="version", level="ok", found=found)
    return Check(name="version", level="bad", found=found, mend="install Neo4j 5.26 or later there, or use: saedb up")


def _data_science(connection: Connection) -> Check:
    try:
        version = connection.read("RETURN gds.version() AS version")[0]["version"]
    except GraphError:
        return Check(
            name="data science",
            level="warn",
            found="no Graph Data Science library on the server",
            mend="saedb communities --engine local needs none; or install it there",
        )
    return Check(name="data science", level="ok", found=f"GDS {version}")


def _rights(connection: Connection) -> Check:
    labels = [node.label for node in NODES]
    edges = [f"CREATE (a)-[:{edge.type} {{run: 'probe'}}]->(a)" for edge in RELATIONSHIPS]
    nodes = [f"CREATE (:{label} {{run: 'probe', id: $probe}})" for label in labels]
    write = f"CREATE (a:Feature {{run: 'probe', id: $probe + 'a'}}) {' '.join(edges + nodes)}"
    try:
        _try(connection, (write, "MATCH (n {run: 'probe', id: $probe}) DETACH DELETE n"))
        _try(connection, _SCHEMA_PROBES)
    except GraphError as error:
        return Check(name="rights", level="bad", found=str(error), mend=_RIGHTS)
    return Check(name="rights", level="ok", found="can write, and make constraints and indexes")


def _try(connection: Connection, statements: tuple[str, ...]) -> None:
    """Run statements in a transaction and undo them.

    Raises:
        GraphError: the server refuses one.
    """

    def work(transaction: ManagedTransaction) -> None:
        for statement in statements:
            transaction.run(cast("LiteralString", statement), probe="saedb-probe").consume()
        raise _UndoError

    try:
        connection.transaction(work)
    except _UndoError:
        return


def _indexes(connection: Connection) -> Iterator[Check]:
    """Tell of each declared index, a constraint's too, that cannot be used; of all together if all can."""
    if connection.read(_LOADED)[0]["runs"] == 0:
        yield Check(name="indexes", level="ok", found="made by the first load")
        return
    there = {row["name"]: row for row in connection.read(_INDEXES)}
    statements = ddl.declared()
    faults = [fault for name, s in statements.items() if (fault := index_fault(name, s, there.get(name)))]
    yield from faults
    if not faults:
        yield Check(name="indexes", level="ok", found=f"all {len(statements)} can be used")


def index_fault(name: str, statement: str, row: Row | None) -> Check | None:
    """Return what is wrong with an index, None if nothing is.

    Args:
        name: of the index.
        statement: makes it.
        row: what the server says of it, None where there is none.
    """
    make = f"saedb cypher --write '{statement}'"
    if row is None:
        return Check(name="indexes", level="warn", found=f"{name} is missing", mend=make)
    if row["state"] == "ONLINE":
        return None
    if row["state"] == "FAILED":
        reason = row["message"].partition("\n")[0]
        mend = f"saedb cypher --write 'DROP INDEX {name}', then {make}"
        return Check(name="indexes", level="bad", found=f"{name} failed ({reason})", mend=mend)
    return Check(name="indexes", level="warn", found=f"{name} is built to {row['percent']:.0f} %", mend="wait for it")


def _runs(connection: Connection) -> Iterator[Check]:
    rows = connection.read(_UNFINISHED)
    if not rows:
        yield Check(name="runs", level="ok", found=f"{connection.read(_LOADED)[0]['runs']} ready, none unfinished")
    for row in rows:
        name, status = row["run"], row["status"]
        if not is_dead(row["owner"], row["silent"]):
            yield Check(name="runs", level="ok", found=f"{name}: {status}, by a process that lives")
            continue
        again = f"saedb load {row['path'] or name}"
        yield Check(
            name="runs",
            level="warn",
            found=f"{name}: {status}, and its process is gone",
            mend=f"saedb drop {name}" if status == "dropping" else f"{again} goes on, saedb drop {name} removes it",
        )
