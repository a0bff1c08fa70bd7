"""The load that everybody writes first, to compare with: one session, maps, ``UNWIND`` and ``MERGE``."""

import time
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
from neo4j import GraphDatabase

from benchmarks.graphs import edge_tables
from saedb.cypher.address import Address
from saedb.ingest import rundir, tables
from saedb.ingest.rundir import RunDirectory

_BATCH: Final = 10_000
_CONSTRAINT: Final = "CREATE CONSTRAINT FOR (f:Feature) REQUIRE (f.run, f.id) IS UNIQUE"
_FEATURES: Final = "UNWIND $rows AS row MERGE (f:Feature {run: $run, id: row.id}) SET f += row"
_EDGES: Final = """
UNWIND $rows AS row
MATCH (s:Feature {run: $run, id: row.source})
MATCH (t:Feature {run: $run, id: row.target})
MERGE (s)-[e:EVOLVES_TO {run: $run}]->(t)
SET e += row.values
"""


def plain_load(address: Address, run: RunDirectory) -> float:
    """Return the seconds in which the edges of a run were written into an empty store, after its features."""
    with (
        GraphDatabase.driver(address.uri, auth=(address.username, address.password)) as driver,
        driver.session(database=address.database) as session,
    ):
        session.run(_CONSTRAINT).consume()
        for rows in _batches(run.read(tables.FEATURES, rundir.FEATURES_FILE)):
            session.execute_write(lambda tx, rows=rows: tx.run(_FEATURES, rows=rows, run=run.record.id).consume())
        start = time.perf_counter()
        for table in edge_tables(run):
            for rows in _batches(table):
                edges = [{"source": row.pop("source"), "target": row.pop("target"), "values": row} for row in rows]
                session.execute_write(lambda tx, rows=edges: tx.run(_EDGES, rows=rows, run=run.record.id).consume())
        return time.perf_counter() - start


def _batches(table: pa.Table) -> Iterator[list[dict[str, Any]]]:
    known = table.select([name for name in table.column_names if table[name].null_count < table.num_rows])
    return (known.slice(start, _BATCH).to_pylist() for start in range(0, known.num_rows, _BATCH))
