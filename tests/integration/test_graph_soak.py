"""Loads, drops and servers killed at random moments: `make soak`. ROUNDS in the environment is how often."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator

import killed
import psutil
import pytest
from rebuilding import check_graph, check_home, dropped, load_until_it_is_done, loaded, processes_of
from toygraph import make_run

from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.runs import run_rows
from saedb.cypher.server.local import LocalServer
from saedb.cypher.server.swap import Journal
from saedb.cypher.ways import Way
from saedb.ingest.errors import GraphError
from saedb.ingest.rundir import RunDirectory

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SEED = 0
KILLED = -signal.SIGKILL

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]

Tell = Callable[[str], None]


@pytest.fixture
def tell(pytestconfig: pytest.Config, capfd: pytest.CaptureFixture[str]) -> Tell:
    def line(text: str) -> None:
        with capfd.disabled():
            pytestconfig.get_terminal_writer().line(text)

    return line


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, RunDirectory]:
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder, "held", seed=1), make_run(folder, "new", seed=2)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, runs: tuple[RunDirectory, RunDirectory]) -> Iterator[LocalServer]:
    """A server that holds one of the runs."""
    server = LocalServer(tmp_path_factory.mktemp("soak"))
    with Connection(server.up().address) as connection:
        load(connection, runs[0])
    yield server
    server.down()


def described(server: LocalServer) -> str:
    """Return what a killed process has left."""
    journal = Journal.read(server.layout)
    left = [path.name for path in (server.layout.staging, server.layout.old) if path.exists()]
    exchange = f"exchange: {journal.step}, {' and '.join(left) or 'no folders'}; " if journal else ""
    state = server.status().state
    if state != "running":
        return f"{exchange}the server is {state}, {len(processes_of(server))} processes"
    try:
        return f"{exchange}{held_of_new(server)}"
    except GraphError as error:  # it is being stopped, or started
        return f"{exchange}{error}"


def held_of_new(server: LocalServer) -> str:
    with Connection(server.address()) as connection:
        status = {row["run"]: row["status"] for row in run_rows(connection)}.get("new", "not there")
        nodes = connection.read("MATCH (n {run: 'new'}) WHERE NOT n:Lane RETURN count(n) AS n")[0]["n"]
        edges = connection.read("MATCH ()-[e {run: 'new'}]->() RETURN count(e) AS n")[0]["n"]
    return f"run {status}, {nodes} nodes, {edges} edges"


def seconds_of(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    assert work() == 0
    return time.perf_counter() - start


@pytest.mark.parametrize("way", ["online", "bulk"])
def test_loads_killed_again_and_again_end_with_the_graph_of_the_tables(
    server: LocalServer, runs: tuple[RunDirectory, RunDirectory], tell: Tell, way: Way
) -> None:
    held, new = runs
    arguments = (loaded, server.layout.home, new.path, way)
    killed.run(*arguments, seconds=20.0)  # the first process imports everything
    remove(server)
    seconds = seconds_of(lambda: killed.run(*arguments))
    tell(f"\n{way}, undisturbed: {seconds:.1f} s")
    moments, kills = random.Random(SEED), 0
    while kills < ROUNDS:
        remove(server)
        while True:  # the same load, until it is let through
            moment = moments.uniform(0.0, 1.2 * seconds)
            status = killed.run(*arguments, seconds=moment)
            if status == 0:
                break
            assert status == KILLED
            kills += 1
            tell(f"kill {kills} after {moment:.1f} s: {described(server)}")
            server.up()
            if way == "bulk" and is_ready(server):
                break  # which the start has finished
        check_home(server)
        check_graph(server, held, new)
        tell("complete: the graph of the tables, nothing left behind")
    remove(server)


def test_drops_killed_again_and_again_leave_the_other_run_as_it_was(
    server: LocalServer, runs: tuple[RunDirectory, RunDirectory], tell: Tell
) -> None:
    held, new = runs
    arguments = (dropped, server.layout.home, "new")
    load_until_it_is_done(server, new, "online")
    seconds = seconds_of(lambda: killed.run(*arguments))
    tell(f"\ndrop, undisturbed: {seconds:.1f} s")
    moments, kills = random.Random(SEED), 0
    while kills < ROUNDS:
        load_until_it_is_done(server, new, "online")
        check_graph(server, held, new)
        while killed.run(*arguments, seconds=(moment := moments.uniform(0.0, 1.2 * seconds))) == KILLED:
            kills += 1
            tell(f"kill {kills} after {moment:.2f} s: {described(server)}")
        check_graph(server, held)
        tell("complete: the other run alone is there")


@pytest.mark.parametrize("way", ["online", "bulk"])
def test_servers_killed_again_and_again_end_with_the_graph_of_the_tables(
    server: LocalServer, runs: tuple[RunDirectory, RunDirectory], tell: Tell, way: Way
) -> None:
    """Of a rebuild one of the home's Java processes is killed, whichever: that which serves, imports or builds."""
    held, new = runs
    arguments = (loaded, server.layout.home, new.path, way)
    killed.run(*arguments, seconds=20.0)  # the first process imports everything
    remove(server)
    seconds = seconds_of(lambda: killed.run(*arguments))
    moments = random.Random(SEED)
    for number in range(1, ROUNDS + 1):
        remove(server)
        moment, chosen = moments.uniform(0.0, seconds), moments.random()
        timer = threading.Timer(moment, kill_one, (server, chosen))
        timer.start()
        status = killed.run(*arguments)
        timer.join()
        tell(f"server killed {number}, after {moment:.1f} s: the load ended with {status}")
        load_until_it_is_done(server, new, way)
        check_home(server)
        check_graph(server, held, new)
    remove(server)


def kill_one(server: LocalServer, chosen: float) -> None:
    found = sorted(processes_of(server))
    if found:
        psutil.Process(found[int(chosen * len(found))]).kill()


def is_ready(server: LocalServer) -> bool:
    with Connection(server.address()) as connection:
        return any(row["run"] == "new" and row["status"] == "ready" for row in run_rows(connection))


def remove(server: LocalServer) -> None:
    with Connection(server.up().address) as connection:
        if any(row["run"] == "new" for row in run_rows(connection)):
            drop(connection, "new")
