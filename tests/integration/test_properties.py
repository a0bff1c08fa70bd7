"""What a stage finds of edges is set on them in place, as if the run had been loaded afresh."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from killed import run as run_in_process
from rebuilding import fingerprint_of, set_batch
from toygraph import check_tables, make_run

from saedb.cypher import batches, fingerprint, properties, schema
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.properties import Properties
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest import tables
from saedb.ingest.errors import GraphError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.rundir import RunDirectory

NAMES = ("jaccard", "lift")


def shown(run: RunDirectory) -> pa.Table:
    parts = [run.read(tables.EDGES, name) for name in run.edge_files]
    return pa.concat_tables(parts).select(["source", "target", *NAMES])


LIFTS = Properties(what="lifts", item=schema.EVOLVES_TO, names=NAMES, shown=shown)


@pytest.fixture
def run(connection: Connection, tmp_path: Path) -> Iterator[RunDirectory]:
    run = make_run(tmp_path, "lifted")
    load(connection, run)
    yield run
    drop(connection, "lifted")


def lift(run: RunDirectory, *, of: float = 2.0) -> int:
    """Give the strong edges of the first pair a lift, and take their Jaccard index away; return how many they are."""
    name = run.edge_files[0]
    edges = run.read(tables.EDGES, name)
    strong = pc.call_function("greater", [edges["pearson"], pa.scalar(0.5)])
    for column, value in {"lift": of, "jaccard": None}.items():
        values = pc.call_function("if_else", [strong, pa.scalar(value, pa.float64()), edges[column]])
        edges = edges.set_column(edges.schema.get_field_index(column), column, values)
    run.write(tables.EDGES, name, [edges])
    return sum(strong.to_pylist())


def lifted(home: Path, path: Path) -> None:
    set_batch(20)
    run = RunDirectory.open(path)
    with Connection(LocalServer(home).address()) as connection:
        properties.change(connection, run, LIFTS, lambda: lift(run))


def check_fresh(connection: Connection, run: RunDirectory) -> None:
    """Check that the graph is what a load of the run directory makes, and is known as that."""
    there = RunDirectory.open(run.path)
    assert fingerprint.of_graph(connection, run=run.record.id) == fingerprint_of(there)
    check_tables(connection, there)
    assert not load(connection, there).changed


@pytest.mark.parametrize("rows", [batches.BATCH, 7])
def test_edges_get_and_lose_properties_as_after_a_load(
    connection: Connection, run: RunDirectory, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(batches, "BATCH", rows)
    told: list[tuple[str, int, int]] = []
    count = properties.change(connection, run, LIFTS, lambda: lift(run), lambda *what: told.append(what))

    assert told[-1] == ("loading lifts", count, count), "only edges that change are written"
    check_fresh(connection, run)


def test_what_changes_nothing_is_not_written(connection: Connection, run: RunDirectory) -> None:
    loaded = "MATCH (r:Run {id: $run}) RETURN r.loaded AS loaded, r.content AS content"
    before = connection.read(loaded, run="lifted")
    assert properties.change(connection, run, LIFTS, lambda: "the result") == "the result"
    assert connection.read(loaded, run="lifted") == before


def test_edges_that_the_graph_lacks_stop_it(connection: Connection, run: RunDirectory) -> None:
    connection.write(
        "MATCH (:Feature {run: $run, layer: 0})-[e:EVOLVES_TO]->() WITH e LIMIT 500 DELETE e", run="lifted"
    )
    with pytest.raises(GraphError, match="was changed by another process meanwhile; load it again"):
        properties.change(connection, run, LIFTS, lambda: lift(run))


def test_a_change_that_was_killed_is_mended_by_the_next(
    connection: Connection, server: LocalServer, run: RunDirectory
) -> None:
    at = {VARIABLE: "batch committed:2"}
    assert run_in_process(lifted, server.layout.home, run.path, environment=at) == -signal.SIGKILL
    found = RunDirectory.open(run.path)
    properties.change(connection, found, LIFTS, lambda: lift(found, of=3.0))
    check_fresh(connection, run)
