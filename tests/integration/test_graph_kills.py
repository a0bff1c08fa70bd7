"""Loads and drops killed as by ``kill -9``, and their servers: the same command ends with the same graph."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from killed import run as run_in_process
from rebuilding import (
    BATCH,
    check_graph,
    check_home,
    dropped,
    exchanged,
    fingerprint_of,
    load_until_it_is_done,
    loaded,
)
from relay import relayed
from toygraph import make_run

from saedb.cypher import batches, contents, fingerprint, names, online, removal
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.runs import run_rows
from saedb.cypher.schema import Node
from saedb.cypher.server.local import LocalServer
from saedb.cypher.server.swap import Journal
from saedb.ingest.errors import InputError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.rundir import RunDirectory

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, RunDirectory]:
    """The run that a graph holds, and the one that is loaded and dropped."""
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder, "held", seed=1), make_run(folder, "new", seed=2)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, runs: tuple[RunDirectory, RunDirectory]) -> Iterator[LocalServer]:
    server = LocalServer(tmp_path_factory.mktemp("kills"))
    with Connection(server.up().address) as connection:
        load(connection, runs[0])
    yield server
    server.down()


@pytest.fixture
def own(started: LocalServer, runs: tuple[RunDirectory, RunDirectory]) -> Iterator[LocalServer]:
    """A server that holds one of the runs, whatever is done to it."""
    yield started
    started.up()
    with Connection(started.address()) as connection:
        for row in run_rows(connection):
            if row["run"] != "held":
                removal.drop(connection, row["run"])
    check_home(started)
    check_graph(started, runs[0])


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batches, removal):
        monkeypatch.setattr(module, "BATCH", BATCH)


def batches_of(run: RunDirectory) -> int:
    """Return in how many batches a run is written."""
    total = 0
    for part in contents.parts(run):
        is_node = isinstance(part.item, Node)
        size = -(-part.rows.num_rows // online.LANES) if is_node else part.rows.num_rows
        starts = range(0, part.rows.num_rows, size) if size else []
        total += sum(-(-min(size, part.rows.num_rows - start) // BATCH) for start in starts)
    return total


def done(server: LocalServer) -> int:
    with Connection(server.address()) as connection:
        return connection.read("MATCH (lane:Lane {run: 'new'}) RETURN sum(lane.done) AS n")[0]["n"]


def check_it_is_hidden(server: LocalServer, held: RunDirectory) -> None:
    """Check that no query of the library sees the run that is not all there, and that the other one is untouched."""
    with Connection(server.address()) as connection:
        assert names.run_id(connection, None) == "held"
        with pytest.raises(InputError, match=r"run new is (loading|dropping), not ready"):
            names.run_id(connection, "new")
        assert fingerprint.of_graph(connection, run="held") == fingerprint_of(held)


def test_an_interrupted_load_goes_on_with_the_next_batch(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory], small_batches: None
) -> None:
    held, new = runs
    total = batches_of(new)
    arguments = (own.layout.home, new.path, "online")
    there = 0
    for steps in (1, 4, 9):  # killed again and again
        assert run_in_process(loaded, *arguments, environment={VARIABLE: f"batch committed:{steps}"}) == KILLED
        check_it_is_hidden(own, held)
        assert there + steps <= done(own) <= there + steps + online.LANES - 1
        there = done(own)
    beyond = f"batch committed:{total - there + 1}"  # a load that began again would reach it
    assert run_in_process(loaded, *arguments, environment={VARIABLE: beyond}) == 0
    check_graph(own, held, new)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_load_in_batches_killed_at_any_batch_ends_with_the_same_graph(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory], small_batches: None, seed: int
) -> None:
    held, new = runs
    arguments = (own.layout.home, new.path, "online")
    moment = f"batch committed:{random.Random(seed).randint(1, batches_of(new))}"
    assert run_in_process(loaded, *arguments, environment={VARIABLE: moment}) == KILLED
    check_it_is_hidden(own, held)
    assert run_in_process(loaded, *arguments) == 0
    check_graph(own, held, new)


@pytest.mark.parametrize("count", [1, 5, 12])
@pytest.mark.parametrize("goes_on_by", ["drop", "load"])
def test_a_killed_drop_is_finished_by_another_or_by_a_load(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory], count: int, goes_on_by: str
) -> None:
    held, new = runs
    with Connection(own.address()) as connection:
        load(connection, new)
    moment = f"removal committed:{count}"
    assert run_in_process(dropped, own.layout.home, "new", environment={VARIABLE: moment}) == KILLED
    check_it_is_hidden(own, held)
    if goes_on_by == "drop":
        assert run_in_process(dropped, own.layout.home, "new") == 0
        check_graph(own, held)
    else:
        assert run_in_process(loaded, own.layout.home, new.path, "online") == 0
        check_graph(own, held, new)


def test_a_half_loaded_run_can_be_dropped_and_a_half_dropped_one_loaded(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory], small_batches: None
) -> None:
    held, new = runs
    home = own.layout.home
    assert run_in_process(loaded, home, new.path, "online", environment={VARIABLE: "batch committed:12"}) == KILLED
    assert run_in_process(dropped, home, "new", environment={VARIABLE: "removal committed:2"}) == KILLED
    assert run_in_process(loaded, home, new.path, "online", environment={VARIABLE: "batch committed:3"}) == KILLED
    assert run_in_process(loaded, home, new.path, "online") == 0
    check_graph(own, held, new)


def test_a_load_goes_on_by_itself_when_connections_break(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory], small_batches: None
) -> None:
    held, new = runs
    address = own.address()
    port = int(address.uri.rpartition(":")[2])
    cuts = 0
    with relayed(port) as relay:

        def cut(stage: str, done: int, total: int | None) -> None:
            nonlocal cuts
            if stage == "loading edges" and cuts < 3:
                cuts += 1
                relay.cut()

        through = replace(address, uri=f"bolt://127.0.0.1:{relay.port}", home=None)
        with Connection(through) as connection:
            load(connection, new, cut)
    assert cuts == 3
    check_graph(own, held, new)


@pytest.mark.parametrize("stage", ["loading edges", pytest.param("removing edges", marks=pytest.mark.soak)])
def test_a_server_that_is_killed_and_started_has_the_same_graph_in_the_end(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory], small_batches: None, stage: str
) -> None:
    """By itself where it is back within the time for which the driver tries again, else by the same command."""
    held, new = runs
    told: list[int] = []

    def kill(name: str, done: int, total: int | None) -> None:
        if name == stage and not told:
            told.append(kill_server(own))
            own.up()

    with Connection(own.address()) as connection:
        if stage == "removing edges":
            load(connection, new)
            removal.drop(connection, "new", kill)
        else:
            load(connection, new, kill)
    assert told
    load_until_it_is_done(own, new, "online")
    check_graph(own, held, new)


def kill_server(server: LocalServer) -> int:
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while server.status().pid is not None:
        os.sched_yield()
    return pid


@pytest.fixture(scope="module")
def stopped(
    started: LocalServer, runs: tuple[RunDirectory, RunDirectory], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home whose new store is ready and whose server has just been stopped; what kills before left is checked."""
    held, new = runs
    arguments = (started.layout.home, new.path, "bulk")
    for moment in ("staging begun", "staging imported", "staging ready"):
        assert run_in_process(loaded, *arguments, environment={VARIABLE: moment}) == KILLED
        check_it_is_hidden(started, held)
    assert run_in_process(loaded, *arguments, environment={VARIABLE: "server stopped"}) == KILLED
    assert started.status().pid is None
    home = tmp_path_factory.mktemp("stopped")
    shutil.copytree(started.layout.root, home / "neo4j", symlinks=True)
    return home


def test_a_rebuild_killed_before_the_exchange_leaves_the_graph_and_nothing_else(
    own: LocalServer, stopped: Path, runs: tuple[RunDirectory, RunDirectory]
) -> None:
    own.up()
    check_home(own)
    check_it_is_hidden(own, runs[0])


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("swap begun", marks=pytest.mark.soak),
        pytest.param("store aside", marks=pytest.mark.soak),
        "store in place",
        pytest.param("logs aside", marks=pytest.mark.soak),
        pytest.param("swap done", marks=pytest.mark.soak),
        "server checked",
        pytest.param("old store removed", marks=pytest.mark.soak),
    ],
)
def test_an_exchange_killed_at_a_moment_is_finished_by_the_next_start(
    stopped: Path, runs: tuple[RunDirectory, RunDirectory], tmp_path: Path, moment: str
) -> None:
    shutil.copytree(stopped / "neo4j", tmp_path / "neo4j", symlinks=True)
    server = LocalServer(tmp_path)
    paths = [run.path for run in runs]
    try:
        assert run_in_process(exchanged, tmp_path, *paths, environment={VARIABLE: moment}) == KILLED
        server.up()
        check_home(server)
        check_graph(server, *runs)
    finally:
        server.down()


def test_what_is_written_to_a_new_store_before_the_exchange_is_over_is_never_given_up(
    stopped: Path, runs: tuple[RunDirectory, RunDirectory], tmp_path: Path
) -> None:
    """Its loader died after the start: the server runs, and people use it, without saedb up."""
    shutil.copytree(stopped / "neo4j", tmp_path / "neo4j", symlinks=True)
    server = LocalServer(tmp_path)
    held, new = runs
    try:
        moment = {VARIABLE: "server checked"}
        assert run_in_process(exchanged, tmp_path, held.path, new.path, environment=moment) == KILLED
        with Connection(server.address()) as connection:
            removal.drop(connection, "held")
            connection.write("CREATE (:Note {text: 'mine'})")
        journal = Journal.read(server.layout)
        assert journal is not None
        Journal(step="checking", runs=journal.runs, pid=journal.pid).write(server.layout)  # as a moment before
        server.up()
        check_home(server)
        with Connection(server.address()) as connection:
            assert connection.read("MATCH (n:Note) RETURN n.text AS text") == [{"text": "mine"}]
            assert [row["run"] for row in run_rows(connection)] == ["new"]
    finally:
        server.down()


def test_a_rebuild_killed_at_any_moment_ends_with_the_same_graph_by_the_same_command(
    own: LocalServer, runs: tuple[RunDirectory, RunDirectory]
) -> None:
    held, new = runs
    own.up()
    arguments = (own.layout.home, new.path, "bulk")
    run_in_process(loaded, *arguments, seconds=random.Random(0).uniform(1.0, 40.0))
    load_until_it_is_done(own, new, "bulk")
    check_home(own)
    check_graph(own, held, new)
