"""The runs of a graph, whatever their state."""

from pathlib import Path
from typing import Final

from saedb.cypher.connection import Connection, Row
from saedb.cypher.names import run_id, unknown_run
from saedb.ingest.errors import GraphError, RunError
from saedb.ingest.rundir import RECORD_FILE, RunDirectory

_RUNS: Final = """
MATCH (r:Run)
RETURN r.id AS run, r.status AS status, r.model AS model, count { (r)-[:HAS_SAE]->() } AS saes, r.tokens AS tokens,
       r.features AS features, r.edges AS edges, r.communities AS communities, r.created AS created, r.loaded AS loaded,
       r.path AS path
ORDER BY created DESC, run
"""
_PATH: Final = "MATCH (r:Run {id: $run}) RETURN r.path AS path"


def run_rows(connection: Connection) -> list[Row]:
    """Return one row for each run, newest first; counts are null until a run is ready."""
    return connection.read(_RUNS)


def directory_of(connection: Connection, run: str) -> RunDirectory:
    """Return the run directory that a run was loaded from.

    Raises:
        GraphError: the run was never loaded whole.
        InputError: there is no such run in the graph.
        RunError: the directory is not on this machine, or is damaged.
    """
    rows = connection.read(_PATH, run=run)
    if not rows:
        raise unknown_run(connection, run)
    if rows[0]["path"] is None:
        raise GraphError(f"run {run} was never loaded whole; load its folder or file again, or: saedb drop {run}")
    path = Path(rows[0]["path"])
    if not (path / RECORD_FILE).is_file():
        raise RunError(f"the folder of run {run} is not at {path}; load it from where it is now: saedb load FOLDER")
    return RunDirectory.open(path)


def ready_directory(connection: Connection | None, run: str | None) -> RunDirectory:
    """Return the directory of a ready run of a graph; without one, of a run on this machine. None: the newest.

    Raises:
        GraphError: there is no ready run.
        InputError: there is no such run, or it is not ready.
        RunError: the directory is not on this machine, or is damaged.
    """
    return _directory(connection, run, ready_only=True)


def any_directory(connection: Connection | None, run: str | None) -> RunDirectory:
    """Return the directory of a run as `ready_directory` does, whatever its state where it is named.

    Raises:
        GraphError: there is no ready run, and none is named.
        InputError: there is no such run.
        RunError: the directory is not on this machine, or is damaged.
    """
    return _directory(connection, run, ready_only=False)


def _directory(connection: Connection | None, run: str | None, *, ready_only: bool) -> RunDirectory:
    if connection is None:
        return RunDirectory.newest() if run is None else RunDirectory.named(run)
    return directory_of(connection, run_id(connection, run, ready_only=ready_only))


def same_directory(connection: Connection, run: str) -> RunDirectory | None:
    """Return the directory of a run, which must be in the graph; None where it is not here, or holds something else."""
    (row,) = connection.read("MATCH (r:Run {id: $run}) RETURN r.path AS path, r.content AS content", run=run)
    try:
        directory = RunDirectory.open(Path(row["path"] or ""))
    except RunError:
        return None
    return directory if directory.content_hash == row["content"] else None
