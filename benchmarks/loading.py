"""How fast a run becomes a graph, by either way, and how much of the disk it takes."""

import statistics
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Goal, Kind
from benchmarks.heard import Heard
from benchmarks.plainload import plain_load
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.server.local import LocalServer
from saedb.ingest.rundir import RunDirectory

IMPORT: Final = Kind(
    name="import step",
    unit="edges a second",
    meaning="Edges of a run of made-up features, all measures filled, over the seconds of `neo4j-admin database import`"
    " alone.",
)
BULK: Final = Kind(
    name="bulk load",
    unit="edges a second",
    meaning="The same edges over the seconds of the whole `saedb load`, into an empty local server that runs already:"
    " until it answers again with all constraints and indexes online.",
)
ONLINE: Final = Kind(
    name="online load against MERGE",
    unit="times as fast",
    meaning="Seconds in which the edges are written by `saedb load` in batches, against one session that sends maps of"
    " 10,000 edges, finds both ends by their key and MERGEs the edge. Each side starts on an empty server of its own,"
    " with its features there and no index on edges.",
)
DISK: Final = Kind(
    name="disk",
    unit="bytes an edge",
    meaning="Bytes on the disk of the whole run over its edges: the store with features, communities and every index;"
    " and the run directory.",
)


@contextmanager
def empty_server(own_settings: str = "") -> Generator[LocalServer]:
    """Yield a local server of a new home, which is gone afterwards; lines of settings may be the user's own."""
    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer(Path(folder))
        server.layout.root.mkdir(mode=0o700)
        server.layout.own.write_text(own_settings)
        server.up()
        try:
            yield server
        finally:
            server.down()


def bulk(case: str, server: LocalServer, run: RunDirectory) -> Iterator[Figure]:
    """Load a run into an empty server; yield how fast that was, and what it takes of the disk."""
    edges, heard = edge_count(run), Heard()
    start = time.perf_counter()
    with Connection(server.address()) as connection:
        load(connection, run, heard, way="bulk")
    whole = time.perf_counter() - start
    step = heard.after("importing edges") - heard.begin("importing edges")
    yield IMPORT.figure(case, edges / step, Goal.at_least(100_000), measured=f"{edges:,} edges in {step:.1f} s")
    yield BULK.figure(case, edges / whole, Goal.at_least(20_000), measured=f"{edges:,} edges in {whole:.1f} s")
    for name, folder in (("store", server.layout.data / "databases" / "neo4j"), ("run directory", run.path)):
        size = _on_disk(folder)
        yield DISK.figure(f"{name}, {case}", size / edges, measured=f"{size / 1e6:,.0f} MB")


def online(case: str, run: RunDirectory, rounds: int) -> Figure:
    """Return how much faster the edges of a run are written in batches than by the plain way, in alternating rounds."""
    ours: list[float] = []
    plain: list[float] = []
    for _ in range(rounds):
        with empty_server() as server:
            plain.append(plain_load(server.address(), run))
        with empty_server() as server:
            ours.append(_online(server, run))
    slow, fast = statistics.median(plain), statistics.median(ours)
    edges = edge_count(run)
    measured = f"MERGE {edges / slow:,.0f} edges/s, online {edges / fast:,.0f} edges/s ({rounds} runs each)"
    return ONLINE.figure(case, slow / fast, Goal.at_least(2), measured=measured)


def edge_count(run: RunDirectory) -> int:
    """Return the number of a run's edges."""
    return sum(run.record.files[name].rows for name in run.edge_files)


def _online(server: LocalServer, run: RunDirectory) -> float:
    heard = Heard()
    with Connection(server.address()) as connection:
        load(connection, run, heard, way="online")
    return heard.last("loading edges") - heard.begin("loading edges")


def _on_disk(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
