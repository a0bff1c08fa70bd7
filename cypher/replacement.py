"""What a stage finds again takes the place of what it had found: in the run directory first, and then in the graph.

1. The graph has to hold the run as it is on disk, and nothing of the user's on the nodes that are to go.
2. The stage writes its table and its record into the run directory.
3. Under a claim the old nodes go in bounded transactions, and the rows that a load would write (`contents`) come: the
   graph is then the one that a load of the run directory makes.

A process that is killed after 2 leaves a graph of another content than the run directory, or a run that is not ready:
``saedb load`` mends both.
"""

import logging
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, Final, TypeVar

import pyarrow as pa

from saedb.cypher import batches, contents
from saedb.cypher.claim import Claim, claimed
from saedb.cypher.connection import Connection
from saedb.cypher.lanes import Elements, Lane, open_lanes
from saedb.cypher.schema import COMMUNITY, RELATIONSHIPS, Node, Relationship
from saedb.ingest.errors import GraphError
from saedb.ingest.failpoints import passed
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

T = TypeVar("T")

_REPEATED: Final[Mapping[str, str]] = {COMMUNITY.label: "community"}
"""The property of features that repeats the id of the node that they belong to, by its label."""

_STATE: Final = "MATCH (r:Run {id: $run}) RETURN r.status = 'ready' AND r.content = $content AS is_there"
_OWN: Final = """
MATCH (n:{label} {{run: $run}})
WHERE size(labels(n)) > 1 OR any(name IN keys(n) WHERE NOT name IN $names)
   OR EXISTS {{ (n)-[r]-() WHERE NOT type(r) IN $types }}
RETURN count(*) AS n
"""
_PART: Final = """
MATCH (:{label} {{run: $run}})-[e:{types}]-(f:Feature)
WITH e, f LIMIT $batch
DELETE e {forget}
RETURN count(*) AS n
"""
# Not DETACH: what somebody has attached since it was looked at stops this.
_DELETE: Final = "MATCH (n:{label} {{run: $run}}) WITH n LIMIT $batch DELETE n RETURN count(*) AS n"
_REPEAT: Final = """
UNWIND range(0, size($features) - 1) AS i
MATCH (f:Feature {{run: $run, id: $features[i]}}) USING INDEX SEEK f:Feature(run, id)
SET f.`{name}` = $nodes[i]
RETURN count(*) AS n
"""
_ELEMENTS: Final = """
UNWIND $ids AS id
MATCH (n:{label} {{run: $run, id: id}}) USING INDEX SEEK n:{label}(run, id)
RETURN collect(id) AS ids, collect(elementId(n)) AS elements
"""


def renew(connection: Connection, run: RunDirectory, node: Node, find: Callable[[], T], report: Report = silent) -> T:
    """Return what `find` returns, after what it wrote into the run directory took the place of the graph's `node`s.

    Args:
        connection: a server that holds the run.
        run: the run directory, which nobody else writes meanwhile.
        node: Community, Gate or Split.
        find: computes the nodes, and writes their table and record into the run directory.
        report: progress.

    Raises:
        GraphError: the graph does not hold this content of the run, or holds additions of the user's to the nodes.
        RunError: another process is writing the run.
    """
    with run.writing():
        content = run.content_hash
        _check(connection, run, content, node)
        found = find()
        _check(connection, run, content, node)  # for it may have taken hours
        with claimed(connection, run.record.id, "loading") as claim:
            _remove(claim, node)
            _write(claim, run, node, report)
            claim.finish(**contents.run_properties(run))
    _log.info("replaced the %s of run %s", node.label, run.record.id)
    return found


def _check(connection: Connection, run: RunDirectory, content: str, node: Node) -> None:
    """Check that the graph holds a content of a run, and nothing of the user's on the nodes."""
    name = run.record.id
    state = connection.read(_STATE, run=name, content=content)
    if not state or not state[0]["is_there"]:
        raise GraphError(f"the graph does not hold run {name} as it is on disk; first: saedb load {run.path}")
    known = {"names": [p.name for p in node.properties], "types": _types(node)}
    if own := connection.read(_OWN.format(label=node.label), run=name, **known)[0]["n"]:
        raise GraphError(
            f"{own} {node.label} of run {name} have labels, properties or relationships of yours, which would go with "
            f"them; take these away, or let everything go: saedb drop {name}, then saedb load {run.path}"
        )


def _remove(claim: Claim, node: Node) -> None:
    repeated = _REPEATED.get(node.label)
    forget = f"REMOVE f.`{repeated}`" if repeated else ""
    part = _PART.format(label=node.label, types="|".join(_types(node)), forget=forget)
    for statement in (part, _DELETE.format(label=node.label)):
        while claim.write(statement, batch=batches.BATCH):
            passed("removal committed")


def _write(claim: Claim, run: RunDirectory, node: Node, report: Report) -> None:
    """Write the nodes, their relationships, and what features repeat of them."""
    (done,) = open_lanes(claim, f"{run.content_hash}, {node.label} in place of others", 1)
    parts = list(contents.FOUND[node.label](run))
    written, total = 0, sum(part.rows.num_rows for part in parts)

    def advance(item: Node | Relationship, rows: int) -> None:
        nonlocal written
        del item
        written += rows
        report(f"loading {node.label} nodes", written, total)
        claim.beat()

    lane = Lane(claim, 0, done, advance, Event())
    for part in parts:
        if isinstance(part.item, Node):
            lane.write(part, part.rows, {})
            continue
        for rows in batches.batches(part.rows):
            lane.write(part, rows, _ends(claim, part.item, rows))
            if node.label in _REPEATED:
                _repeat(claim, _REPEATED[node.label], rows)


def _ends(claim: Claim, edge: Relationship, rows: pa.Table) -> Elements:
    """Return the database's own ids of the nodes that some relationships join."""
    found: dict[str, Mapping[Any, str]] = {}
    for column, label in (("source", edge.source), ("target", edge.target)):
        ids = rows[column].unique().to_pylist()
        row = claim.connection.read(_ELEMENTS.format(label=label), run=claim.run, ids=ids)[0]
        found[label] = dict(zip(row["ids"], row["elements"], strict=True))
    return found


def _repeat(claim: Claim, name: str, rows: pa.Table) -> None:
    ends = {"features": rows["source"].to_pylist(), "nodes": rows["target"].to_pylist()}
    claim.write(_REPEAT.format(name=name), expected=rows.num_rows, **ends)


def _types(node: Node) -> list[str]:
    return [edge.type for edge in RELATIONSHIPS if node.label in (edge.source, edge.target)]
