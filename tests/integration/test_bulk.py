"""The local server's store built anew: the same graph as in batches, and nothing of anybody's is lost."""

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from handmade import handmade
from killed import run as run_in_process
from rebuilding import check_graph, check_home, drop_all, fingerprint_of, loaded
from toygraph import graph as toygraph
from toygraph import make_run

from saedb.cypher import bulk, fingerprint
from saedb.cypher.bulk import ForeignContentError
from saedb.cypher.communities.stage import detect
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.runs import run_rows
from saedb.cypher.server import java, launch
from saedb.cypher.server.local import LocalServer
from saedb.cypher.server.swap import Journal
from saedb.cypher.ways import choose
from saedb.ingest import rundir
from saedb.ingest.errors import RunError, SaedbError, ServerError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A server that is stopped and started, and two runs of which it holds one."""

    server: LocalServer
    held: RunDirectory
    """With communities, loaded in batches."""
    new: RunDirectory

    def connection(self) -> Connection:
        return Connection(self.server.address())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("bulk hömé")
    server = LocalServer(folder)
    server.up()
    held = make_run(folder, "held", seed=1)
    with Connection(server.address()) as connection:
        load(connection, held)
        detect(connection, held)
    yield Graph(server=server, held=RunDirectory.open(held.path), new=handmade(folder / "runs", "new"))
    server.down()


@pytest.fixture
def graph(made: Graph) -> Iterator[Graph]:
    yield made
    made.server.up()
    try:
        check_graph(made.server, made.held)
    except AssertionError:
        drop_all(made.server)
        with made.connection() as connection:
            load(connection, made.held)


def indexes(connection: Connection) -> set[tuple[str, str]]:
    rows = connection.read("SHOW INDEXES YIELD name, state, type WHERE type <> 'LOOKUP' RETURN name, state")
    return {(row["name"], row["state"]) for row in rows}


def loaded_at(connection: Connection, run: str) -> str:
    return next(row["loaded"] for row in run_rows(connection) if row["run"] == run)


def test_both_ways_give_the_graph_of_the_tables_and_keep_the_other_runs(graph: Graph) -> None:
    with graph.connection() as connection:
        assert load(connection, graph.new, way="online").way == "online"
        in_batches, names = fingerprint.of_graph(connection), indexes(connection)
        assert in_batches == fingerprint_of(graph.held, graph.new)
        drop_all(graph.server)
        load(connection, graph.held)
        connection.write("MATCH (r:Run {id: 'held'}) SET r.loaded = 'long ago'")
        assert load(connection, graph.new, way="bulk").way == "bulk"
        assert fingerprint.of_graph(connection) == in_batches
        assert indexes(connection) == names
        assert {state for _, state in names} == {"ONLINE"}
        assert loaded_at(connection, "held") == "long ago"
        last = connection.last_transaction()
        assert not load(connection, graph.new, way="bulk").changed
        assert connection.last_transaction() == last
    check_graph(graph.server, graph.held, graph.new)
    check_home(graph.server)


OWN = {
    "a node": ("CREATE (n:Note)", "MATCH (n:Note) DELETE n", "1 nodes of yours"),
    "a node of no run": ("CREATE (:Feature {note: 1})", "MATCH (n:Feature {note: 1}) DELETE n", "Feature"),
    "a node of no run of ours": (
        "CREATE (:Feature {run: 'mine', id: 'a'})",
        "MATCH (n:Feature {run: 'mine'}) DELETE n",
        "the Feature of run mine",
    ),
    "a node whose run is no text": (
        "CREATE (:Feature {run: ['a', 'b'], note: 1})",
        "MATCH (n:Feature {note: 1}) DELETE n",
        "Feature",
    ),
    "a run": ("CREATE (:Run {id: 'mine', status: 'ready'})", "MATCH (n:Run {id: 'mine'}) DELETE n", "run mine"),
    "a run without an id": ("CREATE (:Run {status: 'ready'})", "MATCH (n:Run) WHERE n.id IS NULL DELETE n", "run None"),
    "a label": ("MATCH (f:Feature {index: 1}) SET f:Mine", "MATCH (f:Mine) REMOVE f:Mine", "the Feature of run held"),
    "a property": (
        "MATCH (f:Feature {index: 1}) SET f.mine = 1",
        "MATCH (f:Feature) REMOVE f.mine",
        "the Feature of run held",
    ),
    "a property of a run": ("MATCH (r:Run) SET r.mine = 1", "MATCH (r:Run) REMOVE r.mine", "the Run of run held"),
    "a property that runs have": (
        "MATCH (s:Sae) SET s.claim = 1",
        "MATCH (s:Sae) REMOVE s.claim",
        "the Sae of run held",
    ),
    "a property of an edge": (
        "MATCH ()-[e:EVOLVES_TO]->() WITH e LIMIT 1 SET e.mine = 1",
        "MATCH ()-[e:EVOLVES_TO]->() REMOVE e.mine",
        "the EVOLVES_TO of run held",
    ),
    "a value": (
        "MATCH ()-[e:EVOLVES_TO]->() WITH e LIMIT 1 SET e.old = e.pearson, e.pearson = 0.5, e.mutual_information = 1",
        "MATCH ()-[e:EVOLVES_TO]->() WHERE e.old IS NOT NULL SET e.pearson = e.old REMOVE e.old, e.mutual_information",
        "the EVOLVES_TO of run held",
    ),
    "a relationship": (
        "MATCH (f:Feature {index: 1}) CREATE (f)-[:LIKES]->(f)",
        "MATCH ()-[e:LIKES]->() DELETE e",
        "4 relationships of yours",
    ),
    "a relationship of our type": (
        "MATCH (f:Feature {index: 1}), (s:Sae {layer: 1}) CREATE (f)-[:HAS_SAE]->(s)",
        "MATCH (:Feature)-[e:HAS_SAE]->() DELETE e",
        "the HAS_SAE of run ",
    ),
    "an index": ("CREATE INDEX mine FOR (n:Mine) ON (n.mine)", "DROP INDEX mine", "the graph has index mine of yours"),
    "a constraint": (
        "CREATE CONSTRAINT mine FOR (n:Mine) REQUIRE n.mine IS UNIQUE",
        "DROP CONSTRAINT mine",
        "the graph has index mine of yours",
    ),
    "a note on the run to come": (
        "CREATE (:Run {id: 'new', status: 'dropping', note: 'mine'})",
        "MATCH (r:Run {id: 'new'}) DELETE r",
        "the node of run new has additions of yours",
    ),
}


@pytest.mark.parametrize(("cypher", "undo", "reason"), OWN.values(), ids=OWN)
def test_a_graph_with_anything_of_somebodys_own_is_not_rebuilt(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, cypher: str, undo: str, reason: str
) -> None:
    monkeypatch.setattr(bulk, "_build", _refused)
    with graph.connection() as connection:
        connection.run(cypher)
        try:
            choice = choose(connection, graph.new, "bulk")
            if choice.way == "bulk":
                with pytest.raises(ForeignContentError) as error:
                    bulk.rebuild(graph.server, graph.new, choice.held, silent)
                assert reason in str(error.value)
            else:
                assert reason in (choice.reason or "")
        finally:
            connection.run(undo)
            connection.run("MATCH (r:Run {id: 'new'}) DELETE r")
    check_home(graph.server)


def test_what_people_have_added_stays_when_a_run_is_written_in_batches_for_it(graph: Graph) -> None:
    with graph.connection() as connection:
        connection.run(
            "MATCH (f:Feature {run: 'held', index: 1}) SET f:Mine, f.note = 'mine' CREATE (f)-[:HAS]->(:Note)"
        )
        before = toygraph(connection, "held")
        result = load(connection, graph.new, way="bulk")
        assert (result.way, result.reason) == ("online", "the graph has 4 nodes of yours")
        assert toygraph(connection, "held") == before
        assert connection.read("MATCH (:Mine)-[:HAS]->(n:Note) RETURN count(n) AS n") == [{"n": 4}]


def _refused(*_: object) -> None:
    raise AssertionError("the store is rebuilt")


def test_a_run_whose_folder_is_gone_or_changed_is_not_rebuilt(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_build", _refused)
    other = make_run(tmp_path, "other", seed=3)
    with graph.connection() as connection:
        load(connection, other)
        content = (other.path / "run.json").read_text()
        features = (other.path / rundir.FEATURES_FILE).read_bytes()
        for damage, reason in {
            "changed": "the folder of run other has changed",
            "garbage": "the folder of run other has changed: .*features.parquet is damaged",
            "no path": "the folder of run other is not here",
            "gone": "the folder of run other is not here",
        }.items():
            match damage:
                case "changed":
                    record = json.loads(content)
                    record["files"][rundir.FEATURES_FILE]["sha256"] = "0" * 64
                    (other.path / "run.json").write_text(json.dumps(record))
                case "garbage":
                    (other.path / "run.json").write_text(content)
                    (other.path / rundir.FEATURES_FILE).write_bytes(features[:100] + b"garbage" + features[107:-9])
                case "no path":
                    connection.write("MATCH (r:Run {id: 'other'}) SET r.path = 7")
                case _:
                    connection.write("MATCH (r:Run {id: 'other'}) SET r.path = $path", path=str(other.path))
                    shutil.rmtree(other.path)
            result = load(connection, graph.new, way="bulk")
            assert result.way == "online"
            assert re.search(reason, result.reason or "")
            drop(connection, "new")


def test_beside_an_unfinished_run_or_over_a_part_of_its_own_a_run_is_written_in_batches(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_build", _refused)
    other = make_run(tmp_path, "other", seed=3)

    def stop(stage: str, done: int, total: int | None) -> None:
        if stage == "loading edges":
            raise KeyboardInterrupt

    with graph.connection() as connection:
        with pytest.raises(KeyboardInterrupt):
            load(connection, other, stop)
        assert load(connection, graph.new, way="bulk").reason == "run other is loading"
        assert load(connection, other, way="bulk").reason == "the graph has a part of run other"
        assert fingerprint.of_graph(connection) == fingerprint_of(graph.held, graph.new, other)


def test_a_damaged_table_stops_a_load_with_one_line_and_the_graph_stays(graph: Graph, tmp_path: Path) -> None:
    old = make_run(tmp_path / "old", "twice", seed=3)
    with graph.connection() as connection:
        load(connection, old)
        before = fingerprint.of_graph(connection)
        damaged = make_run(tmp_path / "new", "twice", seed=4)
        (damaged.path / damaged.edge_files[-1]).write_bytes(b"garbage")
        for way in ("bulk", "online"):
            with pytest.raises(RunError, match=r"edges\.parquet is damaged .*compute or import the run again$"):
                load(connection, damaged, way=way)
            assert fingerprint.of_graph(connection) == before


def test_an_edge_of_a_feature_that_the_run_has_not_is_named(graph: Graph, tmp_path: Path) -> None:
    wrong = handmade(tmp_path, "wrong", source=["m/0-a/0"], target=["m/1-a/77"], pearson=[0.5])
    with graph.connection() as connection:
        with pytest.raises(RunError, match=r"run wrong names m/1-a/77, which is none of its nodes .*; compute or"):
            load(connection, wrong, way="bulk")
        with pytest.raises(SaedbError, match="some EVOLVES_TO of run wrong cannot be made: the graph lacks nodes"):
            load(connection, wrong, way="online")
        drop(connection, "wrong")
    check_graph(graph.server, graph.held)
    check_home(graph.server)


def writes_at(graph: Graph, wanted: str, *, kills: bool = False) -> Report:
    """Return a callback that writes to the graph as somebody else, once, at a stage of a load."""
    told: list[str] = []

    def report(stage: str, done: int, total: int | None) -> None:
        if stage == wanted and not told:
            told.append(stage)
            with graph.connection() as other:
                other.write("CREATE (:Note {text: 'mine'})")
            if kills:
                os.kill(graph.server.status().pid or 0, signal.SIGKILL)
                while graph.server.status().pid is not None:
                    os.sched_yield()

    return report


@pytest.mark.parametrize(
    ("stage", "kills"),
    [
        pytest.param("importing edges", False, marks=pytest.mark.soak),
        pytest.param("exchanging the store", False, marks=pytest.mark.soak),
        ("exchanging the store", True),
    ],
)
def test_what_somebody_writes_while_the_store_is_built_is_not_lost(graph: Graph, stage: str, kills: bool) -> None:
    """A server that was killed has its last transactions in the logs only."""
    with graph.connection() as connection:
        result = load(connection, graph.new, writes_at(graph, stage, kills=kills), way="bulk")
        assert (result.way, result.reason) == ("online", "the graph was changed meanwhile")
        assert connection.read("MATCH (n:Note) RETURN n.text AS text") == [{"text": "mine"}]
        assert fingerprint.of_graph(connection) == fingerprint_of(graph.held, graph.new)
    check_home(graph.server)


def test_a_new_store_that_is_no_good_gives_way_to_the_one_of_before(graph: Graph, tmp_path: Path) -> None:
    arguments = (graph.server.layout.home, graph.new.path, "bulk")
    assert run_in_process(loaded, *arguments, environment={VARIABLE: "swap done"}) == -signal.SIGKILL
    lacking = LocalServer(tmp_path)
    shutil.copytree(graph.server.layout.root, lacking.layout.root, symlinks=True)
    for file in (graph.server.layout.data / "databases/neo4j").glob("neostore*"):
        file.write_bytes(os.urandom(100))
    with pytest.raises(
        ServerError, match=r"^the new store is no good, so the one of before is back; start it: saedb up\n  .*"
    ):
        graph.server.up()
    graph.server.up()
    graph_without_claims(graph)
    check_graph(graph.server, graph.held)
    check_home(graph.server)
    graph.server.down()
    journal = Journal.read(lacking.layout)
    assert journal is not None
    Journal(step="checking", runs={**journal.runs, "third": "hash"}, pid=1).write(lacking.layout)
    with pytest.raises(ServerError, match=r"is back; start it: saedb up \(it does not hold the runs that it should\)$"):
        lacking.up()
    try:
        lacking.up()
        with Connection(lacking.address()) as connection:
            assert {row["run"]: row["status"] for row in run_rows(connection)} == {"held": "ready", "new": "loading"}
        check_home(lacking)
    finally:
        lacking.down()


def graph_without_claims(graph: Graph) -> None:
    """Take away the node of the run that was being loaded."""
    with graph.connection() as connection:
        drop(connection, "new")


def test_of_two_loads_the_second_names_the_first(graph: Graph) -> None:
    found: list[str] = []

    def report(stage: str, done: int, total: int | None) -> None:
        if found or stage != "writing held":
            return
        with graph.connection() as connection:
            for way in ("bulk", "online"):
                with pytest.raises(SaedbError) as error:
                    load(connection, graph.new, way=way)
                found.append(str(error.value))
        raise KeyboardInterrupt

    with graph.connection() as connection:
        with pytest.raises(KeyboardInterrupt):
            load(connection, graph.new, report, way="bulk")
        drop(connection, "new")
    pid = os.getpid()
    assert all(f"process {pid} is rebuilding the store of" in message for message in found)
    check_home(graph.server)


def test_the_number_of_the_last_transaction_is_that_of_neo4j_admin(graph: Graph) -> None:
    with graph.connection() as connection:
        connection.run("UNWIND range(1, 40000) AS i CALL (i) { CREATE (:Note) } IN TRANSACTIONS OF 1 ROW")
        last = connection.last_transaction()
        assert last is not None
        assert last > 2**15
    graph.server.down()
    arguments = ("database", "info", "neo4j", "--format=json")
    printed = launch.run_admin(java.find(), graph.server.layout, bulk._IMPORT_MEMORY, arguments)
    assert int(json.loads(printed.splitlines()[-1])["lastCommittedTransaction"]) == last
