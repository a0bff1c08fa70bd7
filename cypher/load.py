"""A run directory becomes a graph.

The local server's store is rebuilt with it (`bulk`), where that is faster and loses nothing (`ways`). Else it is
written in batches, which works on any server:

1. Constraints and the indexes on nodes, which the lookups of step 4 need.
2. A run whose content is there already is left alone. Else its Run node is claimed (`claim`), so that no other process
   loads it too.
3. What an older content left behind is removed; what an interrupted load of the same content left is kept.
4. Its rows (`contents`) are written in counted batches (`online`), from the first one on that is missing.
5. Indexes on edges, which cost less after the first load than during it.
6. The counts are compared with the tables, and the run is ready.
"""

import logging
import time
from dataclasses import dataclass
from typing import Final

from saedb.cypher import contents, online
from saedb.cypher.additions import additions
from saedb.cypher.bulk import ForeignContentError, rebuild
from saedb.cypher.claim import Claim, claimed
from saedb.cypher.connection import Connection
from saedb.cypher.counts import check_counts
from saedb.cypher.ddl import index_edges, prepare
from saedb.cypher.removal import remove_contents
from saedb.cypher.server import swap
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.local import LocalServer
from saedb.cypher.ways import Way, choose
from saedb.ingest import rundir
from saedb.ingest.errors import GraphError, RunError
from saedb.ingest.identity import check_features
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

_STATE: Final = """
MATCH (r:Run {id: $run})
RETURN r.status = 'ready' AND r.content = $content AS is_there, r.loading = $plan AS is_begun
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load did, and what the graph holds of the run now."""

    run: str
    way: Way | None
    """How it was loaded; None where the same content was there already."""
    reason: str | None
    """Why the store was not rebuilt, where that would have been faster."""
    saes: int
    features: int
    edges: int
    communities: int

    @property
    def changed(self) -> bool:
        """Whether the graph was changed."""
        return self.way is not None


def load(connection: Connection, run: RunDirectory, report: Report = silent, *, way: Way | None = None) -> LoadResult:
    """Return what the graph holds of a run after its tables were loaded.

    Args:
        connection: the server; the local one is stopped and started where its store is rebuilt.
        run: the run directory.
        report: progress.
        way: how to load it; None: the faster way.

    Raises:
        RunError: the run is not complete, or a table is missing or damaged.
        GraphError: another process is loading the run, the graph holds additions of the user's to another content of
            it, or the server fails.
        ServerError: the local server fails.
    """
    if run.record.status != "complete":
        raise RunError(f"run {run.record.id} is not complete ({run.path}); run the command that computes it again")
    check_features(run)
    if _is_there(connection, run):
        path = str(run.path.resolve())
        connection.write("MATCH (r:Run {id: $run}) SET r.path = $path", run=run.record.id, path=path)
        return _result(connection, run)
    start = time.monotonic()
    if connection.address.home is not None:
        swap.check_free(Layout(connection.address.home))
    prepare(connection)
    choice = choose(connection, run, way)
    reason = choice.reason
    if choice.way == "bulk":
        server = LocalServer(connection.address.home)
        try:
            rebuild(server, run, choice.held, report)
        except ForeignContentError as error:
            reason = str(error)
        connection.reopen(server.address())
        if reason is None:
            return _result(connection, run, way="bulk")
    _write(connection, run, report)
    _log.info("loaded run %s in %.1f s", run.record.id, time.monotonic() - start)
    return _result(connection, run, way="online", reason=reason)


def _write(connection: Connection, run: RunDirectory, report: Report) -> None:
    with claimed(connection, run.record.id, "loading") as claim:
        _make_room(claim, run, report)
        online.write(claim, run, report)
        index_edges(connection, report, claim.beat)
        check_counts(connection, run)
        claim.finish(**contents.run_properties(run), loaded=rundir.now())


def _is_there(connection: Connection, run: RunDirectory) -> bool:
    found = connection.read(_STATE, run=run.record.id, content=run.content_hash, plan=online.plan(run))
    return bool(found and found[0]["is_there"])


def _result(
    connection: Connection, run: RunDirectory, *, way: Way | None = None, reason: str | None = None
) -> LoadResult:
    cypher = (
        "MATCH (r:Run {id: $run}) RETURN count { (r)-[:HAS_SAE]->() } AS saes, r.features AS features, "
        "r.edges AS edges, coalesce(r.communities, 0) AS communities"
    )
    found = connection.read(cypher, run=run.record.id)[0]
    return LoadResult(run=run.record.id, way=way, reason=reason, **found)


def _make_room(claim: Claim, run: RunDirectory, report: Report) -> None:
    """Remove what the graph holds of another content of the run; additions to it are never removed unasked."""
    state = claim.connection.read(_STATE, run=claim.run, content=run.content_hash, plan=online.plan(run))
    if state and state[0]["is_begun"]:
        return
    if found := additions(claim.connection, claim.run):
        raise GraphError(
            f"the graph has another content of run {claim.run}, with additions of yours ({', '.join(found)}); to let "
            f"them go: saedb drop {claim.run}, then load it again"
        )
    for _ in contents.parts(run):  # a damaged table must not cost what is there
        pass
    remove_contents(claim, report)
