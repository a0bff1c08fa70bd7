"""A run into the local server by building its store anew, from the directories of the graph's runs and the new one.

1. All runs are claimed, so that no other saedb process changes the graph meanwhile; what the store's last transaction
   is, is noted; the graph is compared with the directories (`fingerprint`): it must hold nothing else.
2. In a staging home beside the store, the tables become Parquet files, ``neo4j-admin database import`` makes a store of
   them, and a server of its own builds constraints and indexes and counts. The graph is served all the while.
3. Both servers are stopped. If the served store has had no transaction since, the new one takes its place (`swap`), is
   started and checked; then the old one is deleted.
"""

import json
import shutil
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from saedb.cypher import ddl, fingerprint
from saedb.cypher.address import DATABASE
from saedb.cypher.claim import claimed
from saedb.cypher.connection import Connection
from saedb.cypher.counts import check_counts
from saedb.cypher.fingerprint import Sum
from saedb.cypher.schema import RUN
from saedb.cypher.server import java, launch, process, swap
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.local import LocalServer
from saedb.cypher.server.settings import Memory, free_ports
from saedb.cypher.staging import Files, heard, import_arguments
from saedb.ingest import rundir
from saedb.ingest.errors import RunError, SaedbError, ServerError
from saedb.ingest.failpoints import passed
from saedb.ingest.progress import Report
from saedb.ingest.rundir import RunDirectory

_CHANGED: Final = "the graph was changed meanwhile"
_NOTED: Final = """
MATCH (r:Run {id: $run})
WHERE size(labels(r)) > 1 OR any(k IN keys(r) WHERE NOT k IN $names)
RETURN r.id AS id
"""
_IMPORT_MEMORY = Memory(heap=1024, page_cache=256, transaction=256)


class ForeignContentError(SaedbError):
    """The graph holds, or got meanwhile, what no run directory does; so its store is not replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run that the graph holds and that goes into the new store."""

    run: RunDirectory
    loaded: str
    """When it was loaded first."""


def rebuild(server: LocalServer, new: RunDirectory, held: Sequence[Held], report: Report) -> None:
    """Replace the store of a running local server by one that holds a new run as well.

    Args:
        server: the local server; it is stopped and started on the way, with the same ports.
        new: the run to load, which the graph does not hold.
        held: every run that the graph holds.
        report: progress.

    Raises:
        ForeignContentError: the graph holds something else, or changed meanwhile; nothing has changed.
        ServerError: a server or the import failed; the graph is as it was.
        GraphError: another process is changing a run of the graph.
    """
    everything = [*held, Held(run=new, loaded=rundir.now())]
    with swap.alone(server.layout):
        try:
            server.up(report)  # which ends the exchange of a process that was killed
            swap.begin(server.layout, _hashes(everything))
            with Connection(server.address()) as connection, _claimed(connection, new, held):
                passed("staging begun")
                last = connection.last_transaction()
                if last is None:
                    raise ForeignContentError("the server does not tell which transaction was its last")
                _compare(connection, new, held, report)
                _build(LocalServer(server.layout.staging), everything, report)
                passed("staging ready")
                if connection.last_transaction() != last:
                    raise ForeignContentError(_CHANGED)
                _exchange(server, connection, everything, last, report)
        finally:
            if (journal := swap.Journal.read(server.layout)) is not None and journal.step == "staging":
                swap.abandon(server.layout)


@contextmanager
def _claimed(connection: Connection, new: RunDirectory, held: Sequence[Held]) -> Generator[None]:
    with ExitStack() as claims:
        claims.enter_context(claimed(connection, new.record.id, "loading"))
        for one in held:
            claims.enter_context(claimed(connection, one.run.record.id, None))
        yield


def _compare(connection: Connection, new: RunDirectory, held: Sequence[Held], report: Report) -> None:
    """Check that the graph is what the run directories say, but for the node of the new run.

    Raises:
        ForeignContentError: it is not.
    """
    if own := ddl.others(connection):
        raise ForeignContentError(f"the graph has {own[0]} of yours")
    expected: dict[tuple[str, str], Sum] = {}
    for one in held:
        try:
            expected.update(fingerprint.of_run(one.run))
        except RunError as error:
            raise ForeignContentError(f"the folder of run {one.run.record.id} has changed: {error}") from error
    found = dict(fingerprint.of_graph(connection, report))
    found.pop((new.record.id, RUN.label))
    if connection.read(_NOTED, run=new.record.id, names=[p.name for p in RUN.properties]):
        raise ForeignContentError(f"the node of run {new.record.id} has additions of yours")
    undeclared = fingerprint.undeclared(connection)
    if undeclared:
        raise ForeignContentError(f"the graph has {undeclared} of yours")
    for run, kind in {**expected, **found}:
        if expected.get((run, kind)) != found.get((run, kind)):
            raise ForeignContentError(f"the {kind} of run {run} in the graph are not those of its folder")


def _build(staging: LocalServer, everything: Sequence[Held], report: Report) -> None:
    """Make a store of runs in a home of its own, indexed and counted, its server stopped."""
    folder = staging.layout.home / "import"
    files = Files(folder)
    for one in everything:
        files.add(one.run, one.loaded, report)
    launch.prepare(staging.layout, free_ports(), _IMPORT_MEMORY)
    report("importing edges", 0, files.edges)
    arguments = import_arguments(files, folder / "report")
    launch.run_admin(java.find(), staging.layout, _IMPORT_MEMORY, arguments, heard(report, files.edges), folder)
    shutil.rmtree(folder)
    passed("staging imported")
    staging.up(report)
    try:
        with Connection(staging.address()) as connection:
            ddl.prepare(connection)
            ddl.index_edges(connection, report)
            for one in everything:
                check_counts(connection, one.run)
    finally:
        staging.down()


def _exchange(
    server: LocalServer, connection: Connection, everything: Sequence[Held], last: int, report: Report
) -> None:
    with process.uninterrupted(), server.locked(report):
        report("exchanging the store", 0, 1)
        is_unchanged = False
        try:
            server.down()
            passed("server stopped")
            is_unchanged = _last_transaction(server.layout) == last
            if is_unchanged:
                swap.exchange(server.layout, _hashes(everything))
        finally:
            _up_again(server, connection, report)
        if not is_unchanged:
            raise ForeignContentError(_CHANGED)
        report("exchanging the store", 1, 1)


def _up_again(server: LocalServer, connection: Connection, report: Report) -> None:
    """Start the server, and connect to it, on the store of before where the new one is no good."""
    try:
        server.up(report)
    except ServerError:
        server.up(report)
        raise
    finally:
        connection.reopen(server.address())


def _last_transaction(layout: Layout) -> int | None:
    """Return the number of the last transaction of a stopped server's store, or None where it is still in the logs."""
    arguments = ("database", "info", DATABASE, "--format=json")
    printed = launch.run_admin(java.find(), layout, _IMPORT_MEMORY, arguments)
    found = json.loads(printed.splitlines()[-1])
    return int(found["lastCommittedTransaction"]) if found["recoveryRequired"] == "false" else None


def _hashes(everything: Sequence[Held]) -> dict[str, str]:
    return {one.run.record.id: one.run.content_hash for one in everything}
