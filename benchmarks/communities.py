"""The communities of a run as large as GPT-2 small's: found on the server and beside leidenalg, and put into the graph.

1. A made-up run with planted communities is loaded into a server of its own.
2. `saedb communities` runs once, in a fresh process on a server that has just started, as after a load: it takes the
   planted ones away. The seconds of its steps follow from what it reported, and from when its table was written.
3. Projection and Leiden on the server, and leidenalg here, divide the same graph in turns.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Goal, Kind
from benchmarks.graphs import Shape, made_up_run
from benchmarks.heard import Heard
from benchmarks.loading import empty_server
from benchmarks.processes import fresh
from benchmarks.resident import resident, watched
from benchmarks.rounds import Side, alternating
from saedb.cypher.address import Address
from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.local import LocalFinder
from saedb.cypher.communities.numbering import by_size
from saedb.cypher.communities.quality import modularity
from saedb.cypher.communities.server import projected
from saedb.cypher.communities.settings import CommunitySettings
from saedb.cypher.communities.stage import detect
from saedb.cypher.communities.weighted import Labels, Weighted, weighted
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.server.local import LocalServer
from saedb.cypher.server.own import HEAP
from saedb.ingest.rundir import COMMUNITIES_FILE, RunDirectory

_GRAPH: Final = "the edges of a made-up run with a Pearson of at least 0.1, weighted by it"
SERVER: Final = Kind(
    name="communities on the server",
    unit="s",
    meaning=f"Projection of {_GRAPH}, Leiden on it by Graph Data Science with 4 GB of heap on one thread, and its"
    " further passes here, until the communities of all features are here. The edges have been read here before. CPU is"
    " time of this process alone.",
)
LOCAL: Final = Kind(
    name="communities by leidenalg",
    unit="s",
    meaning=f"Leiden by leidenalg in this process on {_GRAPH}, which are in memory as arrays; to the same tolerance.",
)
AGAINST: Final = Kind(
    name="the server against leidenalg",
    unit="times as fast",
    meaning="Seconds of the one over seconds of the other, in alternating rounds on the same edges.",
)
MODULARITY: Final = Kind(
    name="modularity of the server and of leidenalg",
    unit="apart",
    meaning="Absolute difference of the modularities of their partitions of the same graph, both computed here. Leiden"
    " of Graph Data Science makes one pass over all levels, and leidenalg makes more until one adds less than 1e-4.",
)
AGREEMENT: Final = Kind(
    name="agreement of the server with leidenalg",
    unit="lower",
    meaning="Normalised mutual information of two partitions by leidenalg with different seeds, less that of the"
    " server's and one of them.",
)
STAGE: Final = Kind(
    name="finding communities anew",
    unit="s",
    meaning="Wall time of `saedb communities` in a fresh process, on a server that has just started, where planted"
    " communities of as many features give way. Reading: edges, features and their words, from the run directory."
    " Finding: projection and Leiden on the server. Describing: numbers, labels and measures of all communities, until"
    " the run directory has them. Writing: the rest, until the run is ready with the new ones.",
)
MEMORY: Final = Kind(
    name="memory of finding communities anew",
    unit="MB",
    meaning="Peak of the resident memory of that process, over what it was just before.",
)

OWN_SETTINGS: Final = f"{HEAP}=4g\n"
"""Of the server."""
SETTINGS: Final = CommunitySettings(measure="pearson", min_similarity=0.1)
STEPS: Final = ("reading", "finding", "describing", "writing")

_FINDING: Final = "finding communities"
_LOADING: Final = "loading Community nodes"
_NUMBERING: Final = "numbering features"

_MINUTE: Final = Goal.at_most(60)
_MB: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How much is divided, and how often."""

    shape: Shape
    rounds: int


FULL: Final = Search(shape=Shape(layers=12, width=24_576, edges=2_000_000), rounds=3)
QUICK: Final = Search(shape=Shape(layers=4, width=600, edges=8_000), rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renewed:
    seconds: Mapping[str, float]
    """By step, in their order."""
    writing: str
    """What the seconds of writing were for."""
    found: str
    memory: int
    """Bytes at the peak, over what was taken before."""


def communities(sizes: Search) -> Iterator[Figure]:
    """Yield every figure as soon as it is there."""
    with empty_server(OWN_SETTINGS) as server:
        yield from on_server(server, sizes)


def on_server(server: LocalServer, sizes: Search) -> Iterator[Figure]:
    """Yield every figure, measured on an empty server."""
    case = f"{sizes.shape.edges:,} edges"
    with tempfile.TemporaryDirectory() as folder:
        run = made_up_run(Path(folder) / "made-up", sizes.shape)
        with Connection(server.address()) as connection:
            load(connection, run, way="bulk")
        yield from _stages(case, fresh(_renewed, server.address(), run.path))
        with Connection(server.address()) as connection:
            yield from _beside(case, connection, RunDirectory.open(run.path), sizes.rounds)


def _stages(case: str, renewed: _Renewed) -> Iterator[Figure]:
    for step, seconds in renewed.seconds.items():
        is_writing = step == "writing"
        measured = renewed.writing if is_writing else renewed.found
        yield STAGE.figure(f"{step}, {case}", seconds, _MINUTE if is_writing else None, measured=measured)
    yield STAGE.figure(f"whole, {case}", sum(renewed.seconds.values()), measured=renewed.found)
    yield MEMORY.figure(case, renewed.memory / _MB, measured="edges, features with their words, and the table")


def _renewed(address: Address, path: Path) -> _Renewed:
    heard, run = Heard(), RunDirectory.open(path)
    with Connection(address) as connection, watched(resident) as seen:
        clock, start = time.time(), time.perf_counter()
        (partition,) = detect(connection, run, SETTINGS, report=heard)
        end = time.perf_counter()
    table = start + (path / COMMUNITIES_FILE).stat().st_mtime - clock
    bounds = [start, heard.begin(_FINDING), heard.last(_FINDING), table, end]
    first = min(when for stage, _, when in heard.calls if stage == _LOADING)
    loaded, numbered = heard.last(_LOADING), heard.last(_NUMBERING)
    return _Renewed(
        seconds={step: after - before for step, (before, after) in zip(STEPS, pairwise(bounds), strict=True)},
        writing=f"{first - table:.1f} s until the earlier ones are gone, {loaded - first:.1f} s until the new ones are"
        f" there, {numbered - loaded:.1f} s numbering features, {end - numbered:.1f} s closing",
        found=f"{partition.communities:,} communities of {partition.features:,} features",
        memory=max(seen) - seen[0],
    )


def _beside(case: str, connection: Connection, run: RunDirectory, rounds: int) -> Iterator[Figure]:
    graph = weighted(run, SETTINGS.measure, SETTINGS.min_similarity)
    found: dict[str, Labels] = {}

    def there() -> None:
        found["server"] = _there(connection, run, graph)

    def here() -> None:
        found["leidenalg"] = _here(graph, SETTINGS.seed)

    server, local = alternating(Side(name="server", run=there), Side(name="leidenalg", run=here), rounds=rounds)
    size = f"{len(graph.weight):,} edges above the floor"
    yield SERVER.figure(case, server.wall, _MINUTE, measured=f"{server}; {size}")
    yield LOCAL.figure(case, local.wall, measured=f"{local}; {size}")
    yield AGAINST.figure(case, local.wall / server.wall, measured=f"{server}; {local}")
    yield from alike(case, graph, found["server"], found["leidenalg"])


def _there(connection: Connection, run: RunDirectory, graph: Weighted) -> Labels:
    with projected(
        connection, run.record.id, graph, SETTINGS.measure, SETTINGS.min_similarity, SETTINGS.algorithm, fast=False
    ) as finder:
        return finder.find(SETTINGS.resolution, SETTINGS.seed)[0]


def _here(graph: Weighted, seed: int) -> Labels:
    return LocalFinder(graph, SETTINGS.algorithm).find(SETTINGS.resolution, seed)[0]


def alike(case: str, graph: Weighted, server: Labels, local: Labels) -> Iterator[Figure]:
    """Yield how alike the partitions of the server and of leidenalg are."""
    theirs, ours = modularity(graph, local), modularity(graph, server)
    measured = f"server {ours:.5f}, leidenalg {theirs:.5f}"
    yield MODULARITY.figure(case, abs(ours - theirs), Goal.at_most(0.002), measured=measured)
    between, among = _nmi(server, local), _nmi(_here(graph, SETTINGS.seed + 1), local)
    measured = f"server and leidenalg {between:.4f}, leidenalg with two seeds {among:.4f}"
    yield AGREEMENT.figure(case, among - between, Goal.at_most(0.02), measured=measured)


def _nmi(one: Labels, other: Labels) -> float:
    found = agreement(by_size(one), by_size(other))
    assert found is not None
    return found.nmi
