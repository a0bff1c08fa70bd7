"""A run's rows into any server, through the driver: in counted batches, in several lanes at once (`lanes`).

A new relationship locks both its ends, and the relationships that were theirs last with the other ends of these. So
each lane has pairs of SAEs that lie next to each other along the model, far from those of the others, and waits with a
pair while another lane writes one that shares an SAE with it, or that a third pair connects with it.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from threading import Condition, Event, Lock
from typing import Any, Final

from saedb.cypher import contents
from saedb.cypher.batches import BATCH
from saedb.cypher.claim import Claim
from saedb.cypher.lanes import Elements, Lane, open_lanes
from saedb.cypher.schema import EVOLVES_TO, FEATURE, NODES, RUN, Node, Relationship
from saedb.ingest.progress import Report
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory

LANES: Final = 2
"""Sessions at once; more than the server has processors do not help."""

_ELEMENTS: Final = "MATCH (n:{label} {{{key}}}) RETURN collect(n.id) AS ids, collect(elementId(n)) AS elements"

Pair = tuple[str, str]


def write(claim: Claim, run: RunDirectory, report: Report) -> None:
    """Write the batches of a run that are not in the graph yet: everything but the Run node.

    Raises:
        RunError: a table is missing or damaged.
        GraphError: the claim is lost, an end of a relationship is missing, or the server fails.
    """
    progress, stopped = _Progress(claim, run, report), Event()
    done = open_lanes(claim, plan(run), LANES)
    lanes = [Lane(claim, number, count, progress.written, stopped) for number, count in enumerate(done)]
    for part in contents.nodes(run):
        size = -(-part.rows.num_rows // LANES)
        shares = [part.rows.slice(lane.number * size, size) for lane in lanes]
        _at_once([partial(lane.write, part, rows, {}) for lane, rows in zip(lanes, shares, strict=True)], stopped)
    elements = _elements(claim, run)
    for part in contents.links(run):
        lanes[0].write(part, part.rows, elements)
    apart = Apart(run.record.pairs)
    shares = dealt(run.record.pairs)
    _at_once(
        [partial(_write_pairs, lane, run, pairs, apart, elements) for lane, pairs in zip(lanes, shares, strict=True)],
        stopped,
    )
    for part in contents.attached(run):
        lanes[0].write(part, part.rows, elements)


def plan(run: RunDirectory) -> str:
    """Return what decides the batches of each lane: a load that was begun by another plan cannot go on."""
    return f"{run.content_hash} in {LANES} lanes by {BATCH}"


def dealt(pairs: Sequence[Pair]) -> list[Sequence[Pair]]:
    """Return the pairs of each lane, in the order of the model."""
    bounds = [lane * len(pairs) // LANES for lane in range(LANES + 1)]
    return [pairs[first:last] for first, last in pairwise(bounds)]


class Apart:
    """Keeps lanes from writing pairs at once whose features may be ends of the same relationships."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs
        self._busy: list[Pair] = []
        self._changed = Condition()

    @contextmanager
    def alone(self, pair: Pair) -> Generator[None]:
        """Wait until no pair near this one is being written, and keep those away until the block ends."""
        with self._changed:
            self._changed.wait_for(lambda: not any(self.is_near(pair, other) for other in self._busy))
            self._busy.append(pair)
        try:
            yield
        finally:
            with self._changed:
                self._busy.remove(pair)
                self._changed.notify_all()

    def is_near(self, one: Pair, other: Pair) -> bool:
        """Return whether two pairs share an SAE, or a third has one of each."""
        if set(one) & set(other):
            return True
        return any(set(pair) & set(one) and set(pair) & set(other) for pair in self._pairs)


def _write_pairs(lane: Lane, run: RunDirectory, pairs: Sequence[Pair], apart: Apart, elements: Elements) -> None:
    for pair in pairs:
        with apart.alone(pair):
            part = contents.edges(run, *pair)
            lane.write(part, part.rows, elements)


def _at_once(works: Sequence[Callable[[], None]], stopped: Event) -> None:
    """Do some works at the same time; what stops one, or this, stops all before their next batch."""
    with ThreadPoolExecutor(len(works)) as pool:
        try:
            for future in as_completed([pool.submit(work) for work in works]):
                future.result()
        except BaseException:
            stopped.set()
            raise


def _elements(claim: Claim, run: RunDirectory) -> Elements:
    """Return the database's own id of each node of the run; the features layer by layer, which bounds the memory."""
    found: dict[str, dict[Any, str]] = {}
    layers = sorted({sae.layer for sae in run.record.saes})
    for node in NODES:
        key = "id: $run" if node is RUN else "run: $run"
        for layer in layers if node is FEATURE else [None]:
            statement = _ELEMENTS.format(label=node.label, key=key if layer is None else f"{key}, layer: $layer")
            row = claim.connection.read(statement, run=claim.run, layer=layer)[0]
            found.setdefault(node.label, {}).update(zip(row["ids"], row["elements"], strict=True))
    return found


class _Progress:
    """Reports what the lanes have written, and gives the claim's signs of life."""

    def __init__(self, claim: Claim, run: RunDirectory, report: Report) -> None:
        self._claim = claim
        self._report = report
        self._lock = Lock()
        self._totals: dict[Node | Relationship, int] = {
            FEATURE: run.record.files[FEATURES_FILE].rows,
            EVOLVES_TO: contents.edge_count(run),
        }
        self._done = dict.fromkeys(self._totals, 0)

    def written(self, item: Node | Relationship, rows: int) -> None:
        with self._lock:
            if item in self._done:
                self._done[item] += rows
                stage = "loading features" if item is FEATURE else "loading edges"
                self._report(stage, self._done[item], self._totals[item])
            self._claim.beat()
