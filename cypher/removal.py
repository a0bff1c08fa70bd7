"""A run's nodes and relationships leave the graph in bounded transactions."""

import logging
from typing import Final

from saedb.cypher.batches import BATCH
from saedb.cypher.claim import Claim, claimed
from saedb.cypher.connection import Connection
from saedb.cypher.names import unknown_run
from saedb.cypher.schema import FEATURE, NODES, RUN
from saedb.ingest.failpoints import passed
from saedb.ingest.progress import Report, silent

_log = logging.getLogger(__name__)

_CLOSE: Final = """
CALL (claimed) { MATCH (lane:Lane {run: claimed.id}) DELETE lane }
REMOVE claimed.loading
RETURN count(*) AS n
"""
# By layer, because each batch looks at the features again whose edges are gone.
_EDGES: Final = """
MATCH (f:Feature {run: $run, layer: $layer})-[e]->()
WITH e LIMIT $batch
DELETE e
RETURN count(*) AS n
"""
# A feature may be active on many tokens of many prompts, and goes with all of them where it is detached.
_ACTIVATES: Final = """
MATCH (p:Prompt {run: $run})-[e:ACTIVATES]->()
WITH e LIMIT $batch
DELETE e
RETURN count(*) AS n
"""


def drop(connection: Connection, run: str, report: Report = silent) -> None:
    """Take a run out of the graph; its run directory stays.

    Raises:
        GraphError: another process is changing it.
        InputError: there is no such run.
    """
    if not connection.read("MATCH (r:Run {id: $run}) RETURN r.id AS id", run=run):
        raise unknown_run(connection, run)
    with claimed(connection, run, "dropping") as claim:
        remove_contents(claim, report)
        claim.write("DETACH DELETE claimed RETURN count(*) AS n", expected=1)
    _log.info("dropped run %s", run)


def remove_contents(claim: Claim, report: Report = silent) -> None:
    """Delete everything of the claimed run but its Run node: edges first, then nodes."""
    # Before anything else: what is half removed must not be taken for half loaded, nor may a loader write once more.
    claim.write(_CLOSE)
    rows = claim.connection.read(
        "MATCH (f:Feature {run: $run}) OPTIONAL MATCH (r:Run {id: $run}) "
        "RETURN f.layer AS layer, count(*) AS features, max(r.edges) AS edges ORDER BY layer",
        run=claim.run,
    )
    edges = rows[0]["edges"] if rows else 0
    done = 0
    for row in rows:
        while n := claim.write(_EDGES, layer=row["layer"], batch=BATCH):
            passed("removal committed")
            done += n
            report("removing edges", done, max(edges, done) if edges else None)
    while claim.write(_ACTIVATES, batch=BATCH):
        passed("removal committed")
    done, features = 0, sum(row["features"] for row in rows)
    for label in [FEATURE.label, *(node.label for node in NODES if node not in (FEATURE, RUN))]:
        while n := claim.write(_nodes(label), batch=BATCH):
            passed("removal committed")
            done += n
            report("removing nodes", done, max(features, done))


def _nodes(label: str) -> str:
    return f"MATCH (n:{label} {{run: $run}}) WITH n LIMIT $batch DETACH DELETE n RETURN count(*) AS n"
