"""Whether a run is in the graph with all its features and edges."""

from typing import Final

from saedb.cypher import contents
from saedb.cypher.connection import Connection
from saedb.ingest import rundir
from saedb.ingest.errors import GraphError
from saedb.ingest.rundir import RunDirectory

_COUNTS: Final = """
MATCH (f:Feature {run: $run})
RETURN count(*) AS features, sum(count { (f)-[:EVOLVES_TO]->() }) AS edges
"""


def check_counts(connection: Connection, run: RunDirectory) -> None:
    """Check that the graph has as many features and edges as the tables.

    Raises:
        GraphError: it has not.
    """
    found = connection.read(_COUNTS, run=run.record.id)[0]
    expected = {"features": run.record.files[rundir.FEATURES_FILE].rows, "edges": contents.edge_count(run)}
    if found != expected:
        raise GraphError(
            f"run {run.record.id} should have {expected['features']} features and {expected['edges']} edges, the graph "
            f"has {found['features']} and {found['edges']}; drop it and load it again: saedb drop {run.record.id}"
        )
