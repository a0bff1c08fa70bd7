"""Loads and drops in processes of their own, and what a home and a graph should be when all is over."""

from pathlib import Path

import killed
import psutil

from saedb.cypher import batches, fingerprint, online, removal
from saedb.cypher.connection import Connection
from saedb.cypher.fingerprint import Fingerprint
from saedb.cypher.load import load
from saedb.cypher.runs import run_rows
from saedb.cypher.server import swap
from saedb.cypher.server.local import LocalServer
from saedb.cypher.ways import Way
from saedb.ingest.rundir import RunDirectory

BATCH = 50
"""Rows in a transaction of these processes: so that a small run has many."""


def set_batch(rows: int = BATCH) -> None:
    """Make transactions small in this process, for which nothing undoes it."""
    for module in (batches, online, removal):
        vars(module)["BATCH"] = rows


def loaded(home: Path, run: Path, way: Way) -> None:
    set_batch()
    with Connection(LocalServer(home).address()) as connection:
        load(connection, RunDirectory.open(run), way=way)


def dropped(home: Path, run: str) -> None:
    set_batch()
    with Connection(LocalServer(home).address()) as connection:
        removal.drop(connection, run)


def exchanged(home: Path, *runs: Path) -> None:
    """Do what the last part of a rebuild does, in a home whose server is stopped and whose staging home is ready."""
    server, directories = LocalServer(home), [RunDirectory.open(run) for run in runs]
    swap.exchange(server.layout, {run.record.id: run.content_hash for run in directories})
    server.up()


def fingerprint_of(*runs: RunDirectory) -> Fingerprint:
    return {key: value for run in runs for key, value in fingerprint.of_run(run).items()}


def check_graph(server: LocalServer, *runs: RunDirectory) -> None:
    """Check that the graph of a running server holds these runs, ready, and nothing else."""
    with Connection(server.address()) as connection:
        assert fingerprint.undeclared(connection) is None
        assert {row["run"]: row["status"] for row in run_rows(connection)} == {run.record.id: "ready" for run in runs}
        assert fingerprint.of_graph(connection) == fingerprint_of(*runs)


def check_home(server: LocalServer) -> None:
    """Check that an exchange has left nothing behind: no folder, no journal, no process but the server."""
    layout = server.layout
    assert [path.name for path in (layout.staging, layout.old, layout.journal) if path.exists()] == []
    assert processes_of(server) == [server.status().pid]


def processes_of(server: LocalServer) -> list[int]:
    """Return every process of a home, its staging home's too."""
    mark = f"@{server.layout.root}/"
    return [process.pid for process in psutil.process_iter() if any(a.startswith(mark) for a in _command_line(process))]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def drop_all(server: LocalServer) -> None:
    with Connection(server.address()) as connection:
        for row in run_rows(connection):
            removal.drop(connection, row["run"])
        connection.write("MATCH (n) DETACH DELETE n")


def load_until_it_is_done(server: LocalServer, run: RunDirectory, way: Way, tries: int = 3) -> None:
    """Load a run as a user would: when the server is gone, start it, and load again, in batches of the same size."""
    for _ in range(tries):
        server.up()
        if killed.run(loaded, server.layout.home, run.path, way) == 0:
            return
    raise AssertionError(f"run {run.record.id} is not loaded after {tries} tries")
