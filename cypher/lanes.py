"""One session of a load: batches in order, each counted on the lane's node in the transaction that writes it.

The transaction locks the node, asks it whether the load still holds the claim and whether the batch is there already,
and counts the batch. So a load that was interrupted goes on with the next batch, one whose claim was taken writes
nothing more, and a commit whose answer was lost is not made twice.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any, Final, LiteralString, cast

import pyarrow as pa
from neo4j import ManagedTransaction
from neo4j.exceptions import IncompleteCommit

from saedb.cypher.batches import batches
from saedb.cypher.claim import Claim
from saedb.cypher.contents import Part
from saedb.cypher.schema import Node, Relationship
from saedb.ingest.errors import GraphError
from saedb.ingest.failpoints import passed

_OPEN: Final = """
UNWIND range(0, $lanes - 1) AS id
MERGE (lane:Lane {run: $run, id: id})
ON CREATE SET lane.done = 0
SET lane.claim = $claim
WITH claimed, lane ORDER BY lane.id
SET claimed.loading = $plan
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

Elements = Mapping[str, Mapping[Any, str]]
"""The database's own id of each node of a run, by label and by id: found a third faster than by key."""


def open_lanes(claim: Claim, plan: str, lanes: int) -> list[int]:
    """Return how many batches each lane has written already, after the lanes have become this claim's.

    Waits for the batch that another loader may have under way, so that the numbers are final.
    """
    return claim.list(_OPEN, lanes=lanes, plan=plan)


class Lane:
    """Writes the same batches at every try, from the first one on that is missing."""

    def __init__(
        self,
        claim: Claim,
        number: int,
        done: int,
        written: Callable[[Node | Relationship, int], None],
        stopped: Event,
    ) -> None:
        """Take up a lane.

        Args:
            claim: the claim on the run.
            number: of the lane.
            done: batches that are there, from `open_lanes`.
            written: is told what each batch holds, those that were there too, and how many rows.
            stopped: ends the lane before its next batch.
        """
        self.number = number
        self._claim = claim
        self._done = done
        self._written = written
        self._stopped = stopped
        self._next = 0

    def write(self, part: Part, rows: pa.Table, elements: Elements) -> None:
        """Write rows of a part; those of relationships find their ends in `elements`.

        Raises:
            GraphError: the claim is lost, an end of a relationship is missing, or the server fails.
        """
        if isinstance(part.item, Node):
            statement = _node_statement(part)
        else:
            statement = _edge_statement(part.item, rows.column_names)
        for batch in batches(rows):
            if self._stopped.is_set():
                return
            number, self._next = self._next, self._next + 1
            if number >= self._done:
                columns = {name: batch[name].to_pylist() for name in batch.column_names}
                if isinstance(part.item, Relationship):
                    columns |= self._ends(part.item, columns, elements)
                self._commit(part, number, statement, columns)
                passed("batch committed")
            self._written(part.item, batch.num_rows)

    def _ends(
        self, edge: Relationship, columns: Mapping[str, Sequence[Any]], elements: Elements
    ) -> dict[str, list[str]]:
        try:
            return {
                end: [elements[label][id_] for id_ in columns[end]]
                for end, label in (("source", edge.source), ("target", edge.target))
            }
        except KeyError as error:
            raise self._lacking(edge) from error

    def _commit(self, part: Part, number: int, statement: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write a batch and count it, unless that was done already."""
        rows = len(next(iter(columns.values())))

        def work(transaction: ManagedTransaction) -> None:
            lane = transaction.run(_LOCK, run=self._claim.run, claim=self._claim.token, lane=self.number).single()
            if lane is None or not lane["is_ours"]:
                raise self._claim.lost()
            if lane["done"] > number:
                return
            found = transaction.run(cast("LiteralString", statement), {"run": self._claim.run, **columns}).single()
            if found is None or found["n"] != rows:
                raise self._lacking(part.item)
            transaction.run(_COUNT, run=self._claim.run, lane=self.number, number=number)

        try:
            self._claim.connection.transaction(work)
        except GraphError as error:
            if not isinstance(error.__cause__, IncompleteCommit):
                raise
            self._claim.connection.transaction(work)  # which finds out whether the batch is there

    def _lacking(self, item: Node | Relationship) -> GraphError:
        name, run = item.label if isinstance(item, Node) else item.type, self._claim.run
        return GraphError(
            f"some {name} of run {run} cannot be made: the graph lacks nodes that they join; saedb drop {run}, then "
            "load it again, and where that does not help, compute or import it again"
        )


def _node_statement(part: Part) -> str:
    return (
        "UNWIND range(0, size($id) - 1) AS i\n"
        f"CREATE (n:{':'.join(part.labels)} {_map(part.rows.column_names)})\n"
        "RETURN count(*) AS n"
    )


def _edge_statement(edge: Relationship, columns: Sequence[str]) -> str:
    """Return the statement that makes relationships; an end that became a node of another run is none."""
    names = [name for name in columns if name not in ("source", "target")]
    has_run = any(p.name == "run" for p in edge.properties)
    return (
        "UNWIND range(0, size($source) - 1) AS i\n"
        "MATCH (s) WHERE elementId(s) = $source[i] AND coalesce(s.run, s.id) = $run\n"
        "MATCH (t) WHERE elementId(t) = $target[i] AND t.run = $run\n"
        f"CREATE (s)-[:{edge.type} {_map(names, has_run=has_run)}]->(t)\n"
        "RETURN count(*) AS n"
    )


def _map(names: Sequence[str], *, has_run: bool = True) -> str:
    # Columns, because the server takes twice as long for as many maps or lists of one row each.
    values = [f"`{name}`: ${name}[i]" for name in names]
    return "{" + ", ".join(["run: $run", *values] if has_run else values) + "}"
