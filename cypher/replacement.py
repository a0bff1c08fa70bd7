"""What a stage finds again takes the place of what it had found: in the run directory first, and then in the graph.

1. The graph has to hold the run as it is on disk, and nothing of the user's on the nodes that are to go.
2. The stage writes its table and its record into the run directory.
3. Under a claim the old nodes go in bounded transactions, and the rows that a load would write (`contents`) come: the
   graph is then the one that a load of the run directory makes. Of communities only some partitions need go, and of
   prompts only one.

A process that is stopped in 3 leaves a run that is not ready, and whoever replaces something next loads it first; one
that is killed between 2 and 3, a graph of another content than the run directory, which ``saedb load`` mends.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, TypeVar

import pandas as pd
import pyarrow as pa

from saedb.cypher import batches, contents, schema
from saedb.cypher.claim import Claim, claimed, is_dead
from saedb.cypher.connection import Connection
from saedb.cypher.contents import Part
from saedb.cypher.lanes import Elements, Lane, open_lanes
from saedb.cypher.load import load
from saedb.cypher.schema import RELATIONSHIPS, Node, Relationship
from saedb.ingest import rundir, tables
from saedb.ingest.errors import GraphError
from saedb.ingest.failpoints import passed
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a stage finds: the nodes that go, and what comes in their place."""

    nodes: tuple[Node, ...]
    parts: Callable[[RunDirectory], Iterator[Part]]
    """Yields nodes of these kinds and their relationships, from the run directory."""
    going: Callable[[RunDirectory], list[str]] | None = None
    """Names the partitions whose nodes go, or the ids of these; None: all nodes of the kinds."""
    changes_default: bool = False
    """Whether features may then carry the numbers of another partition."""


GATES: Final = Found(nodes=(schema.GATE,), parts=contents.gates)
SPLITS: Final = Found(nodes=(schema.SPLIT,), parts=contents.splits)


def communities(going: Callable[[RunDirectory], list[str]], coming: str | None) -> Found:
    """Return what changes where partitions go, and one comes with its levels and its consensus."""

    def parts(run: RunDirectory) -> Iterator[Part]:
        if coming is not None:
            yield from contents.communities(run, coming)
            yield from contents.resolutions(run, coming)

    nodes = (schema.COMMUNITY, schema.RESOLUTION, schema.PARTITION)
    return Found(nodes=nodes, parts=parts, going=going, changes_default=True)


def prompts(going: Callable[[RunDirectory], list[str]], coming: str | None) -> Found:
    """Return what changes where prompts go, and one comes."""
    names = [] if coming is None else [coming]
    return Found(nodes=(schema.PROMPT,), parts=lambda run: contents.prompts(run, names), going=going)


_CHOSEN: Final = "($going IS NULL OR coalesce(n.partition, n.id) IN $going)"
_STATE: Final = "MATCH (r:Run {id: $run}) RETURN r.status = 'ready' AND r.content = $content AS is_there"
_LEFT: Final = """
MATCH (r:Run {id: $run})
RETURN r.status AS status, r.owner AS owner, (timestamp() - r.heartbeat) / 1000.0 AS silent
"""
_OWN: Final = f"""
MATCH (n:{{label}} {{{{run: $run}}}})
WHERE {_CHOSEN} AND (
  size(labels(n)) > 1 OR any(name IN keys(n) WHERE NOT name IN $names)
  OR EXISTS {{{{ (n)-[r]-() WHERE NOT type(r) IN $types }}}}
)
RETURN count(*) AS n
"""
_PART: Final = f"""
MATCH (n:{{label}} {{{{run: $run}}}})-[e:{{types}}]-()
WHERE {_CHOSEN}
WITH DISTINCT e LIMIT $batch
DELETE e
RETURN count(*) AS n
"""
# Not DETACH: what somebody has attached since it was looked at stops this.
_DELETE: Final = f"""
MATCH (n:{{label}} {{{{run: $run}}}})
WHERE {_CHOSEN}
WITH n LIMIT $batch DELETE n RETURN count(*) AS n
"""
_DEFAULT: Final = """
MATCH (p:Partition {run: $run})
SET p.is_default = p.id = $default
RETURN count(*) AS n
"""
# A number of null takes the property away.
_NUMBER: Final = """
UNWIND range(0, size($features) - 1) AS i
MATCH (f:Feature {run: $run, id: $features[i]}) USING INDEX SEEK f:Feature(run, id)
SET f.community = $numbers[i]
RETURN count(*) AS n
"""
_ELEMENTS: Final = """
UNWIND $ids AS id
MATCH (n:{label} {{run: $run, id: id}}) USING INDEX SEEK n:{label}(run, id)
RETURN collect(id) AS ids, collect(elementId(n)) AS elements
"""


def renew(connection: Connection, run: RunDirectory, found: Found, find: Callable[[], T], report: Report = silent) -> T:
    """Return what `find` returns, after what it wrote into the run directory took the place of what the graph has.

    Args:
        connection: a server that holds the run.
        run: the run directory, which nobody else writes meanwhile.
        found: what goes and comes.
        find: computes it, and writes its table and record into the run directory.
        report: progress.

    Raises:
        GraphError: the graph does not hold this content of the run, or holds additions of the user's to the nodes.
        RunError: another process is writing the run.
    """
    with run.writing():
        mend(connection, run, report)
        content, before = run.content_hash, _numbers(run)
        going = found.going(run) if found.going else None
        _check(connection, run, content, found.nodes, going)
        result = find()
        _check(connection, run, content, found.nodes, going)  # for it may have taken hours
        with claimed(connection, run.record.id, "loading") as claim:
            for node in found.nodes:
                _remove(claim, node, going)
            _write(claim, run, found, report)
            if found.changes_default:
                _make_default(claim, run, before, report)
            claim.finish(**contents.run_properties(run))
    _log.info("replaced the %s of run %s", found.nodes[0].label, run.record.id)
    return result


def mend(connection: Connection, run: RunDirectory, report: Report) -> None:
    """Load a run again whose nodes a process that is gone had begun to replace."""
    state = connection.read(_LEFT, run=run.record.id)
    if state and state[0]["status"] == "loading" and is_dead(state[0]["owner"], state[0]["silent"]):
        _log.info("run %s was left half replaced", run.record.id)
        load(connection, run, report)


def check_content(connection: Connection, run: RunDirectory, content: str) -> None:
    """Check that the graph holds a content of a run.

    Raises:
        GraphError: it does not.
    """
    state = connection.read(_STATE, run=run.record.id, content=content)
    if not state or not state[0]["is_there"]:
        raise GraphError(f"the graph does not hold run {run.record.id} as it is on disk; first: saedb load {run.path}")


def _check(
    connection: Connection, run: RunDirectory, content: str, nodes: Collection[Node], going: list[str] | None
) -> None:
    """Check that the graph holds a content of a run, and nothing of the user's on the nodes."""
    name = run.record.id
    check_content(connection, run, content)
    for node in nodes:
        known = {"names": [p.name for p in node.properties], "types": _types(node)}
        rows = connection.read(_OWN.format(label=node.label), run=name, going=going, **known)
        if own := rows[0]["n"]:
            raise GraphError(
                f"{own} {node.label} of run {name} have labels, properties or relationships of yours, which would go "
                f"with them; take these away, or let everything go: saedb drop {name}, then saedb load {run.path}"
            )


def _remove(claim: Claim, node: Node, going: list[str] | None) -> None:
    statements = [_DELETE.format(label=node.label)]
    if types := _types(node):
        statements.insert(0, _PART.format(label=node.label, types="|".join(types)))
    for statement in statements:
        while claim.write(statement, batch=batches.BATCH, going=going):
            passed("removal committed")


def _write(claim: Claim, run: RunDirectory, found: Found, report: Report) -> None:
    """Write the nodes and their relationships."""
    label = found.nodes[0].label
    (done,) = open_lanes(claim, f"{run.content_hash}, {label} in place of others", 1)
    parts = list(found.parts(run))
    written, total = 0, sum(part.rows.num_rows for part in parts)

    def advance(item: Node | Relationship, rows: int) -> None:
        nonlocal written
        del item
        written += rows
        report(f"loading {label} nodes", written, total)
        claim.beat()

    lane = Lane(claim, 0, done, advance, Event())
    for part in parts:
        if isinstance(part.item, Node):
            lane.write(part, part.rows, {})
            continue
        for rows in batches.batches(part.rows):
            lane.write(part, rows, _ends(claim, part.item, rows))


def _ends(claim: Claim, edge: Relationship, rows: pa.Table) -> Elements:
    """Return the database's own ids of the nodes that some relationships join."""
    found: dict[str, dict[Any, str]] = {}
    for column, label in (("source", edge.source), ("target", edge.target)):
        ids = rows[column].unique().to_pylist()
        row = claim.connection.read(_ELEMENTS.format(label=label), run=claim.run, ids=ids)[0]
        found.setdefault(label, {}).update(zip(row["ids"], row["elements"], strict=True))
    return found


def _make_default(claim: Claim, run: RunDirectory, before: pd.Series, report: Report) -> None:
    """Mark the partition that is the default now, and give features the numbers of their communities in it."""
    default = contents.default_partition(run)
    claim.write(_DEFAULT, default=default["partition"] if default else None)
    after = _numbers(run)
    is_changed = (after != before).fillna(after.notna() | before.notna())  # a comparison with nothing is nothing
    changed: pd.Series = after.loc[is_changed]
    for start in range(0, len(changed), batches.BATCH):
        part = changed.iloc[start : start + batches.BATCH]
        numbers = [None if number is pd.NA else int(number) for number in part]
        claim.write(_NUMBER, expected=len(part), features=part.index.to_list(), numbers=numbers)
        passed("batch committed")
        report("numbering features", start + len(part), len(changed))


def _numbers(run: RunDirectory) -> pd.Series:
    """Return the number of each feature's community in the default partition, by the feature's id."""
    ids = run.read(tables.FEATURES, rundir.FEATURES_FILE)["id"]
    numbers = contents.numbers(run, ids).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return numbers.set_axis(ids.to_pandas())


def _types(node: Node) -> list[str]:
    return [edge.type for edge in RELATIONSHIPS if node.label in (edge.source, edge.target)]
