"""A run directory becomes a graph.

1. Constraints and the indexes on nodes, which the lookups of step 4 need.
2. A run whose content is there already is left alone. Else its Run node is claimed (`claim`), so that no other process
   loads it too, and what an interrupted load or an older content left behind is removed.
3. SAEs and features.
4. Edges, pair by pair.
5. Communities, where the run has them; indexes on edges, which cost less after the first load than during it.
6. The counts are compared with the tables, and the run is ready.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher import schema
from saedb.cypher.batches import batches
from saedb.cypher.claim import Claim, claimed
from saedb.cypher.connection import Connection
from saedb.cypher.membership import load_communities
from saedb.cypher.removal import remove_contents
from saedb.ingest import rundir, tables
from saedb.ingest.errors import GraphError, RunError
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.2

_SAES: Final = """
UNWIND $rows AS row
CREATE (claimed)-[:HAS_SAE]->(s:Sae)
SET s = row, s.run = $run
RETURN count(*) AS n
"""
_PAIRS: Final = """
UNWIND $rows AS row
MATCH (s:Sae {run: $run, id: row.source})
MATCH (t:Sae {run: $run, id: row.target})
CREATE (s)-[:COMPARED_WITH {edges: row.edges}]->(t)
RETURN count(*) AS n
"""
_INDEXES: Final = """
SHOW INDEXES YIELD name, state, populationPercent AS percent, labelsOrTypes
WHERE any(name IN labelsOrTypes WHERE name IN $ours)
RETURN name, state, percent
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load did, and what the graph holds of the run now."""

    run: str
    changed: bool
    """False where the same content was there already."""
    saes: int
    features: int
    edges: int
    communities: int


def load(connection: Connection, run: RunDirectory, report: Report = silent) -> LoadResult:
    """Return what the graph holds of a run after its tables were loaded.

    Raises:
        RunError: the run is not complete, or a table is missing or damaged.
        GraphError: another process is loading the run, or the server fails.
    """
    if run.record.status != "complete":
        raise RunError(f"run {run.record.id} is not complete ({run.path}); run the command that computes it again")
    prepare(connection)
    if _is_there(connection, run):
        connection.write("MATCH (r:Run {id: $run}) SET r.path = $path", run=run.record.id, path=str(run.path.resolve()))
        return _result(connection, run, changed=False)
    start = time.monotonic()
    with claimed(connection, run.record.id, "loading") as claim:
        remove_contents(claim, report)
        claim.write("SET claimed += $properties RETURN count(*) AS n", expected=1, properties=_run_properties(run))
        _load_saes(claim, run)
        features = _load_features(claim, run, report)
        edges = _load_edges(claim, run, report)
        communities = load_communities(claim, run, report)
        _index_edges(claim, report)
        _check_counts(claim, features, edges)
        claim.finish(content=run.content_hash, features=features, edges=edges, **communities)
    _log.info("loaded run %s: %d edges in %.1f s", run.record.id, edges, time.monotonic() - start)
    return _result(connection, run, changed=True)


def prepare(connection: Connection) -> None:
    """Make the constraints and the indexes on nodes, where they are not there yet."""
    for statement in (*schema.constraints(), *schema.node_indexes()):
        connection.run(statement)
    await_indexes(connection)


def await_indexes(connection: Connection, report: Report = silent, beat: Callable[[], None] | None = None) -> None:
    """Return when every index of the graph can be used; `beat` is called meanwhile.

    Raises:
        GraphError: an index could not be built.
    """
    while True:
        rows = connection.read(
            _INDEXES, ours=[item.label for item in schema.NODES] + [item.type for item in schema.RELATIONSHIPS]
        )
        failed = [row["name"] for row in rows if row["state"] == "FAILED"]
        if failed:
            raise GraphError(f"index {failed[0]} cannot be built; see the server's log, then: DROP INDEX {failed[0]}")
        if all(row["state"] == "ONLINE" for row in rows):
            return
        report("building indexes", int(sum(row["percent"] for row in rows)), 100 * len(rows))
        if beat is not None:
            beat()
        time.sleep(_POLL_SECONDS)


def _is_there(connection: Connection, run: RunDirectory) -> bool:
    cypher = "MATCH (r:Run {id: $run, status: 'ready', content: $content}) RETURN r.id AS id"
    return bool(connection.read(cypher, run=run.record.id, content=run.content_hash))


def _result(connection: Connection, run: RunDirectory, *, changed: bool) -> LoadResult:
    cypher = (
        "MATCH (r:Run {id: $run}) RETURN count { (r)-[:HAS_SAE]->() } AS saes, r.features AS features, "
        "r.edges AS edges, coalesce(r.communities, 0) AS communities"
    )
    return LoadResult(run=run.record.id, changed=changed, **connection.read(cypher, run=run.record.id)[0])


def _run_properties(run: RunDirectory) -> dict[str, Any]:
    record = run.record
    return {
        "kind": record.kind,
        "model": record.model,
        "dataset": record.dataset,
        "tokens": record.tokens.counted if record.tokens else None,
        "created": record.created,
        "config": json.dumps(record.config),
        "path": str(run.path.resolve()),
        **dict.fromkeys(("content", "features", "edges", "communities", "modularity")),
    }


def _load_saes(claim: Claim, run: RunDirectory) -> None:
    names = {p.name for p in schema.SAE.properties}
    saes = [{k: v for k, v in asdict(sae).items() if k in names} for sae in run.record.saes]
    claim.write(_SAES, rows=saes, expected=len(saes))
    pairs = [
        {"source": source, "target": target, "edges": run.record.files[name].rows}
        for (source, target), name in zip(run.record.pairs, run.edge_files, strict=True)
    ]
    claim.write(_PAIRS, rows=pairs, expected=len(pairs))


def _load_features(claim: Claim, run: RunDirectory, report: Report) -> int:
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE)
    last = max(sae.layer for sae in run.record.saes)
    done = 0
    for layer in sorted({sae.layer for sae in run.record.saes}):
        statement = _feature_statement(schema.layer_label(layer, last))
        for batch in batches(features.filter(pc.field("layer") == layer)):
            claim.write(statement, rows=_known(batch).to_pylist(), expected=batch.num_rows)
            done += batch.num_rows
            report("loading features", done, features.num_rows)
    return done


def _feature_statement(label: str) -> str:
    return f"UNWIND $rows AS row CREATE (f:Feature:{label}) SET f = row, f.run = $run RETURN count(*) AS n"


def _load_edges(claim: Claim, run: RunDirectory, report: Report) -> int:
    total = sum(run.record.files[name].rows for name in run.edge_files)
    done = 0
    for name in run.edge_files:
        for batch in batches(run.read(tables.EDGES, name)):
            known = _known(batch)
            # Columns, because the server takes twice as long for as many maps or lists of one edge each.
            columns = {column: known[column].to_pylist() for column in known.column_names}
            measures = [column for column in columns if column not in ("source", "target")]
            claim.write(_edge_statement(measures), expected=batch.num_rows, **columns)
            done += batch.num_rows
            report("loading edges", done, total)
    return done


def _edge_statement(measures: Sequence[str]) -> str:
    values = "".join(f", {name}: ${name}[i]" for name in measures)
    return (
        "UNWIND range(0, size($source) - 1) AS i\n"
        f"MATCH (s:Feature {{run: $run, id: $source[i]}}) {schema.BY_ID.format('s')}\n"
        f"MATCH (t:Feature {{run: $run, id: $target[i]}}) {schema.BY_ID.format('t')}\n"
        f"CREATE (s)-[:EVOLVES_TO {{run: $run{values}}}]->(t)\n"
        "RETURN count(*) AS n"
    )


def _known(batch: pa.Table) -> pa.Table:
    """Return the columns that hold a value."""
    return batch.select([name for name in batch.column_names if batch[name].null_count < batch.num_rows])


def _index_edges(claim: Claim, report: Report) -> None:
    for statement in schema.edge_indexes():
        claim.connection.run(statement)
    await_indexes(claim.connection, report, claim.beat)


def _check_counts(claim: Claim, features: int, edges: int) -> None:
    cypher = "MATCH (f:Feature {run: $run}) RETURN count(*) AS features, sum(count { (f)-[:EVOLVES_TO]->() }) AS edges"
    found = claim.connection.read(cypher, run=claim.run)[0]
    if (found["features"], found["edges"]) != (features, edges):
        raise GraphError(
            f"run {claim.run} should have {features} features and {edges} edges, the graph has {found['features']} "
            f"and {found['edges']}; load it again: saedb load"
        )
