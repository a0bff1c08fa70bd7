"""What a stage finds again takes the place of the old in the graph, as if the run had been loaded afresh."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from killed import run as run_in_process
from rebuilding import fingerprint_of, set_batch
from toygraph import find_gates, find_splits, make_run

from saedb.cypher import batches, fingerprint, removal
from saedb.cypher.claim import claimed
from saedb.cypher.communities.settings import CommunitySettings
from saedb.cypher.communities.stage import detect
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.replacement import GATES, SPLITS, Found, renew
from saedb.cypher.runs import run_rows
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError, RunError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.rundir import RunDirectory

FIND: Final[dict[str, tuple[Found, Callable[..., Any]]]] = {
    "gates": (GATES, lambda run: find_gates(run, seed=7, each=9)),
    "no gates": (GATES, lambda run: find_gates(run, each=0)),
    "splits": (SPLITS, lambda run: find_splits(run, seed=7, count=8)),
    "no splits": (SPLITS, lambda run: find_splits(run, count=0)),
}
OWN: Final = {
    "a property": "MATCH (g:Gate {run: $run}) WITH g LIMIT 1 SET g.note = 'look'",
    "a label": "MATCH (g:Gate {run: $run}) WITH g LIMIT 1 SET g:Look",
    "a relationship": "MATCH (g:Gate {run: $run}) WITH g LIMIT 1 CREATE (:Note {run: $run})-[:ABOUT]->(g)",
}


@pytest.fixture
def run(connection: Connection, tmp_path: Path) -> Iterator[RunDirectory]:
    """A run with gates, splits and communities, loaded."""
    run = make_run(tmp_path, "renewed")
    load(connection, run)
    detect(connection, run, CommunitySettings(engine="local"))
    yield run
    drop(connection, "renewed")


def check_fresh(connection: Connection, run: RunDirectory) -> None:
    """Check that the graph is what a load of the run directory makes, and is known as that."""
    assert fingerprint.of_graph(connection, run=run.record.id) == fingerprint_of(RunDirectory.open(run.path))
    assert not load(connection, RunDirectory.open(run.path)).changed


@pytest.mark.parametrize("name", FIND)
@pytest.mark.parametrize("rows", [batches.BATCH, 3])
def test_what_was_found_again_is_in_the_graph_as_after_a_load(
    connection: Connection, run: RunDirectory, monkeypatch: pytest.MonkeyPatch, name: str, rows: int
) -> None:
    for module in (batches, removal):
        monkeypatch.setattr(module, "BATCH", rows)
    node, find = FIND[name]
    before = fingerprint_of(run)
    assert renew(connection, run, node, lambda: find(run)) in (run.record.gates, run.record.splits)
    assert fingerprint_of(run) != before
    check_fresh(connection, run)


def test_communities_that_were_found_again_are_in_the_graph_as_after_a_load(
    connection: Connection, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 7)
    detect(connection, run, CommunitySettings(engine="local", measure="pearson", min_similarity=0.8))
    check_fresh(connection, run)


def test_a_run_that_had_no_gates_gets_them(connection: Connection, run: RunDirectory) -> None:
    run.update(gates=None)
    load(connection, run)
    connection.write("MATCH (g:Gate {run: $run}) DETACH DELETE g", run=run.record.id)
    renew(connection, run, GATES, lambda: find_gates(run, seed=3))
    check_fresh(connection, run)


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_what_people_added_to_the_old_nodes_is_never_lost_unasked(
    connection: Connection, run: RunDirectory, own: str
) -> None:
    name = run.record.id
    connection.write(own, run=name)
    before, content = fingerprint.of_graph(connection, run=name), run.content_hash
    with pytest.raises(GraphError, match=f"1 Gate of run {name} have labels, properties or relationships of yours.*"):
        renew(connection, run, GATES, lambda: find_gates(run, seed=3))
    assert (fingerprint.of_graph(connection, run=name), run.content_hash) == (before, content)
    renew(connection, run, SPLITS, lambda: find_splits(run, seed=3))
    connection.write("MATCH (n) WHERE n.run = $run AND n:Note DETACH DELETE n", run=name)


def test_what_people_added_while_a_stage_was_at_work_stays(connection: Connection, run: RunDirectory) -> None:
    name = run.record.id

    def find() -> None:
        connection.write(OWN["a property"], run=name)
        find_gates(run, seed=3)

    with pytest.raises(GraphError, match="of yours"):
        renew(connection, run, GATES, find)
    with pytest.raises(GraphError, match="additions of yours"):
        load(connection, run)
    assert connection.read("MATCH (g:Gate {run: $run, note: 'look'}) RETURN count(*) AS n", run=name) == [{"n": 1}]


def test_notes_on_features_stay_where_they_are(connection: Connection, run: RunDirectory) -> None:
    name = run.record.id
    connection.write("MATCH (f:Feature {run: $run}) SET f.note = 'mine'", run=name)
    renew(connection, run, GATES, lambda: find_gates(run, seed=3))
    detect(connection, run, CommunitySettings(engine="local", measure="pearson"))
    found = connection.read("MATCH (f:Feature {run: $run, note: 'mine'}) RETURN count(*) AS n", run=name)
    assert found == connection.read("MATCH (f:Feature {run: $run}) RETURN count(*) AS n", run=name)


def test_what_stops_a_stage_leaves_run_and_graph_alone(connection: Connection, run: RunDirectory) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        renew(connection, run, GATES, stopped)
    check_fresh(connection, run)


def test_a_run_that_is_not_loaded_as_it_is_says_what_to_do(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "not-loaded")
    with pytest.raises(GraphError, match="does not hold run not-loaded as it is on disk; first: saedb load"):
        renew(connection, run, GATES, lambda: find_gates(run))


def test_two_at_once_are_refused(connection: Connection, server: LocalServer, run: RunDirectory) -> None:
    name = run.record.id

    def again() -> None:
        renew(connection, RunDirectory.open(run.path), SPLITS, lambda: find_splits(run))

    with pytest.raises(RunError, match="another process is writing"):
        renew(connection, run, GATES, again)
    check_fresh(connection, run)
    with Connection(server.address()) as other, claimed(other, name, None) as claim:
        with pytest.raises(GraphError, match=f"another process is changing run {name}"):
            renew(connection, run, GATES, lambda: find_gates(run, seed=3))
        claim.abandon()
    assert load(connection, run).changed
    check_fresh(connection, run)


def renewed(home: Path, path: Path) -> None:
    set_batch(3)
    with Connection(LocalServer(home).address()) as connection:
        run = RunDirectory.open(path)
        renew(connection, run, GATES, lambda: find_gates(run, seed=3))


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("record written", "ready"),
        ("record renamed", "ready"),
        ("table synced", "ready"),
        ("table renamed", "ready"),
        ("record renamed:2", "ready"),
        ("removal committed", "loading"),
        ("removal committed:6", "loading"),
        ("batch committed", "loading"),
        ("batch committed:9", "loading"),
    ],
)
def test_a_stage_killed_anywhere_is_mended_by_a_load(
    connection: Connection, server: LocalServer, run: RunDirectory, moment: str, status: str
) -> None:
    name, arguments = run.record.id, (server.layout.home, run.path)
    assert run_in_process(renewed, *arguments, environment={VARIABLE: moment}) == -signal.SIGKILL
    assert {row["status"] for row in run_rows(connection) if row["run"] == name} == {status}
    found = RunDirectory.open(run.path)
    assert (found.content_hash != run.content_hash) == (moment != "record written")
    load(connection, found)
    check_fresh(connection, found)
    renew(connection, found, GATES, lambda: find_gates(found, seed=3))
    check_fresh(connection, found)
