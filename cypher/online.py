"""Rows into any server, through the driver: in batches that are counted in their own transactions, in several lanes.

A lane is one session that writes its batches in order. The transaction of a batch locks the lane's node in the graph,
asks it whether this load still holds the claim and whether the batch is there already, and counts the batch on it. So
a load that was interrupted goes on with the next batch, one whose claim was taken writes nothing more, and a commit
whose answer was lost is not made twice.

A new relationship locks both its ends. So that lanes never wait for each other, the ends are dealt into as many blocks
as there are lanes, and the relationships go in rounds: in round r lane i has those from block i to block i + r.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, LiteralString, cast

import numpy as np
import pyarrow as pa
from neo4j import ManagedTransaction
from neo4j.exceptions import IncompleteCommit
from numpy.typing import NDArray

from saedb.cypher.batches import BATCH, batches
from saedb.cypher.claim import Claim
from saedb.cypher.contents import Part
from saedb.cypher.schema import BY_LABEL, EVOLVES_TO, FEATURE, IN_COMMUNITY, Node, Relationship
from saedb.ingest.errors import GraphError
from saedb.ingest.failpoints import passed
from saedb.ingest.progress import Report

LANES: Final = 2
"""Sessions at once; more than the server has processors do not help."""

_STAGES: Final = {FEATURE: "loading features", EVOLVES_TO: "loading edges", IN_COMMUNITY: "loading communities"}

_OPEN: Final = """
UNWIND range(0, $lanes - 1) AS id
MERGE (lane:Lane {run: $run, id: id})
ON CREATE SET lane.done = 0
SET lane.claim = $claim
WITH claimed, lane ORDER BY lane.id
SET claimed.loading = $content
RETURN collect(lane.done) AS n
"""
# The SET takes the lane's lock, so what is read after it is what was committed last.
_LOCK: Final = """
MATCH (lane:Lane {run: $run, id: $lane})
SET lane.beat = timestamp()
WITH lane
RETURN lane.claim = $claim AS is_ours, lane.done AS done
"""
_COUNT: Final = "MATCH (lane:Lane {run: $run, id: $lane}) SET lane.done = $number + 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows for one transaction."""

    item: Node | Relationship
    lane: int
    number: int
    """In the lane, from 0, over the whole load."""
    statement: str
    rows: pa.Table


def open_lanes(claim: Claim, content: str) -> list[int]:
    """Return how many batches each lane has written already, after the lanes have become this claim's.

    Waits for the batch that another loader may have under way, so that the numbers are final.
    """
    return claim.list(_OPEN, lanes=LANES, content=content)


def write(
    claim: Claim,
    parts: Iterable[Part],
    written: Sequence[int],
    totals: Mapping[Node | Relationship, int],
    report: Report,
) -> None:
    """Write the batches that are not in the graph yet.

    Args:
        claim: the claim on the run.
        parts: everything but the Run node, in order; the same at every try.
        written: batches of each lane that are there, from `open_lanes`.
        totals: rows to report of, by what they are.
        report: progress.

    Raises:
        GraphError: the claim is lost, an end of a relationship is missing, or the server fails.
    """
    done = dict.fromkeys(totals, 0)

    def tell(batch: Batch) -> None:
        if batch.item in done:
            done[batch.item] += batch.rows.num_rows
            report(_STAGES[batch.item], done[batch.item], totals[batch.item])

    with ExitStack() as stack:
        lanes = [ThreadPoolExecutor(1) for _ in range(LANES)]
        for lane in lanes:
            stack.callback(lane.shutdown, cancel_futures=True)
        for together in _rounds(parts):
            there = [batch for batch in together if batch.number < written[batch.lane]]
            missing = [batch for batch in together if batch.number >= written[batch.lane]]
            waiting = {lanes[batch.lane].submit(_commit, claim, batch): batch for batch in missing}
            for batch in there:
                tell(batch)
            for future in as_completed(waiting):
                future.result()
                tell(waiting[future])
                claim.beat()


def _rounds(parts: Iterable[Part]) -> Iterator[list[Batch]]:
    """Yield batches that may be written at the same time, each lane's in order."""
    numbers = [0] * LANES
    for part in parts:
        statement = _node_statement(part) if isinstance(part.item, Node) else _edge_statement(part.item, part.rows)
        for shares in _dealt(part):
            together: list[Batch] = []
            for lane, share in enumerate(shares):
                for rows in batches(share):
                    together.append(
                        Batch(item=part.item, lane=lane, number=numbers[lane], statement=statement, rows=rows)
                    )
                    numbers[lane] += 1
            yield together


def _dealt(part: Part) -> Iterator[list[pa.Table]]:
    """Yield the rows of each lane, round by round; few rows, or ends that may be source and target, have one lane."""
    rows = part.rows
    if rows.num_rows <= BATCH:
        yield [rows]
    elif isinstance(part.item, Node):
        size = -(-rows.num_rows // LANES)
        yield [rows.slice(start, size) for start in range(0, rows.num_rows, size)]
    elif _any_common(rows["source"], rows["target"]):
        yield [rows]
    else:
        source, target = (_block(rows[end]) for end in ("source", "target"))
        for turn in range(LANES):
            in_turn = target == (source + turn) % LANES
            yield [rows.filter(pa.array(in_turn & (source == lane))) for lane in range(LANES)]


def _any_common(source: pa.ChunkedArray, target: pa.ChunkedArray) -> bool:
    return not set(source.unique().to_pylist()).isdisjoint(target.unique().to_pylist())


def _block(ends: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the block of each relationship's end: equal ends are in the same one."""
    codes = ends.combine_chunks().dictionary_encode().indices.to_numpy()
    return codes.astype(np.int64) % LANES


def _commit(claim: Claim, batch: Batch) -> None:
    """Write a batch and count it, unless that was done already."""
    columns = {name: batch.rows[name].to_pylist() for name in batch.rows.column_names}

    def work(transaction: ManagedTransaction) -> bool:
        lane = transaction.run(_LOCK, run=claim.run, claim=claim.token, lane=batch.lane).single()
        if lane is None or not lane["is_ours"]:
            raise claim.lost()
        if lane["done"] > batch.number:
            return False
        found = transaction.run(cast("LiteralString", batch.statement), run=claim.run, **columns).single()
        if found is None or found["n"] != batch.rows.num_rows:
            raise _lacking(claim, batch)
        transaction.run(_COUNT, run=claim.run, lane=batch.lane, number=batch.number)
        return True

    try:
        claim.connection.transaction(work)
    except GraphError as error:
        if not isinstance(error.__cause__, IncompleteCommit):
            raise
        claim.connection.transaction(work)  # which finds out whether the batch is there
    passed("batch committed")


def _lacking(claim: Claim, batch: Batch) -> GraphError:
    name = batch.item.label if isinstance(batch.item, Node) else batch.item.type
    return GraphError(
        f"some {name} of run {claim.run} cannot be made: the graph lacks nodes that they join; saedb drop {claim.run}, "
        "then load it again, and where that does not help, compute or import it again"
    )


def _node_statement(part: Part) -> str:
    return (
        "UNWIND range(0, size($id) - 1) AS i\n"
        f"CREATE (n:{':'.join(part.labels)} {_map(part.rows.column_names)})\n"
        "RETURN count(*) AS n"
    )


def _edge_statement(edge: Relationship, rows: pa.Table) -> str:
    names = [name for name in rows.column_names if name not in ("source", "target")]
    has_run = any(p.name == "run" for p in edge.properties)
    return (
        "UNWIND range(0, size($source) - 1) AS i\n"
        f"{_end('s', edge.source, 'source')}\n"
        f"{_end('t', edge.target, 'target')}\n"
        f"CREATE (s)-[:{edge.type} {_map(names, has_run=has_run)}]->(t)\n"
        "RETURN count(*) AS n"
    )


def _end(variable: str, label: str, column: str) -> str:
    """Return a lookup by key.

    Without the hint the planner, which remembers an empty or dropped graph, may take the index on the run alone and
    walk through all features for each one.
    """
    key = BY_LABEL[label].key
    own = f"{key[-1]}: ${column}[i]"
    values = f"run: $run, {own}" if "run" in key else own
    return f"MATCH ({variable}:{label} {{{values}}}) USING INDEX SEEK {variable}:{label}({', '.join(key)})"


def _map(names: Sequence[str], *, has_run: bool = True) -> str:
    # Columns, because the server takes twice as long for as many maps or lists of one row each.
    values = [f"`{name}`: ${name}[i]" for name in names]
    return "{" + ", ".join(["run: $run", *values] if has_run else values) + "}"
