"""Prompts are saved and forgotten as if the run had been loaded afresh, and both ways of showing one agree."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from killed import run as run_in_process
from known_graph import ACTIVE, EDGES, FEATURES, KNOWN, ids, known_prompt, known_run, loaded, whole
from rebuilding import fingerprint_of, set_batch
from toygraph import made_up_prompt, make_run

from saedb.cypher import batches, fingerprint, removal
from saedb.cypher.claim import claimed
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.library import library
from saedb.cypher.load import load
from saedb.cypher.prompts import edges_among, forget, graph_statement, name_of, save
from saedb.cypher.promptview import view
from saedb.cypher.removal import drop
from saedb.cypher.runs import run_rows
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError, InputError, RunError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.prompts import strongest
from saedb.ingest.rundir import RunDirectory

NEW = made_up_prompt(seed=5, number=7)


@pytest.fixture
def run(connection: Connection, tmp_path: Path) -> Iterator[RunDirectory]:
    """A run with three prompts, loaded."""
    run = make_run(tmp_path, "prompted")
    load(connection, run)
    yield run
    drop(connection, "prompted")


def check_fresh(connection: Connection, run: RunDirectory) -> None:
    """Check that the graph is what a load of the run directory makes, and is known as that."""
    assert fingerprint.of_graph(connection, run=run.record.id) == fingerprint_of(RunDirectory.open(run.path))
    assert not load(connection, RunDirectory.open(run.path)).changed


def prompts_of(connection: Connection) -> set[str]:
    return {row["id"] for row in connection.read("MATCH (p:Prompt {run: 'prompted'}) RETURN p.id AS id")}


@pytest.mark.parametrize("rows", [batches.BATCH, 3])
def test_a_saved_prompt_is_in_the_graph_as_after_a_load_and_a_forgotten_one_is_not(
    connection: Connection, run: RunDirectory, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    for module in (batches, removal):
        monkeypatch.setattr(module, "BATCH", rows)
    assert save(connection, run, NEW)
    check_fresh(connection, run)
    assert prompts_of(connection) == {"prompt-0", "prompt-1", "prompt-2", "prompt-7"}
    forget(connection, run, "prompt-1")
    check_fresh(connection, run)
    for name in ("prompt-0", "prompt-2", "prompt-7"):
        forget(connection, run, name)
    check_fresh(connection, run)
    assert prompts_of(connection) == set()


def test_a_text_is_stored_once_and_saving_it_again_changes_nothing(connection: Connection, run: RunDirectory) -> None:
    assert save(connection, run, NEW)
    before = run.content_hash
    assert not save(connection, run, replace(NEW, created="2026-05-05T00:00:00+00:00"))
    assert run.content_hash == before
    assert save(connection, run, replace(NEW, threshold=0.5, activations=(9.0,) * len(NEW.features)))
    assert save(connection, run, replace(NEW, id="another"))
    assert prompts_of(connection) == {"prompt-0", "prompt-1", "prompt-2", "another"}
    check_fresh(connection, run)


def test_a_name_is_kept_and_that_of_another_text_is_refused(run: RunDirectory) -> None:
    assert name_of(run, "the text 1") == "prompt-1"
    assert name_of(run, "the text 1", "mine") == "mine"
    assert name_of(run, "new text").startswith("new-text-")
    with pytest.raises(InputError, match=r"the prompt prompt-2 of run prompted is another text, 'the text 2'; choose"):
        name_of(run, "the text 1", "prompt-2")


def test_notes_on_other_prompts_stay_and_those_on_the_same_are_not_lost_unasked(
    connection: Connection, run: RunDirectory
) -> None:
    connection.write("MATCH (p:Prompt {run: 'prompted', id: 'prompt-1'}) SET p.note = 'mine'")
    assert save(connection, run, NEW)
    forget(connection, run, "prompt-0")
    with pytest.raises(GraphError, match="1 Prompt of run prompted have labels, properties or relationships of yours"):
        forget(connection, run, "prompt-1")
    with pytest.raises(GraphError, match="of yours"):
        save(connection, run, replace(made_up_prompt(0, 1), threshold=0.9))
    assert not save(connection, run, made_up_prompt(0, 1))
    assert connection.read("MATCH (p:Prompt {note: 'mine'}) RETURN p.id AS id") == [{"id": "prompt-1"}]
    connection.write("MATCH (p:Prompt {note: 'mine'}) REMOVE p.note")


def test_two_at_once_and_runs_that_are_not_loaded_are_refused(
    connection: Connection, server: LocalServer, run: RunDirectory, tmp_path: Path
) -> None:
    with RunDirectory.open(run.path).writing(), pytest.raises(RunError, match="another process is writing"):
        save(connection, run, NEW)
    with Connection(server.address()) as other, claimed(other, "prompted", None) as claim:
        with pytest.raises(GraphError, match="another process is changing run prompted"):
            save(connection, run, NEW)
        claim.abandon()
    with pytest.raises(GraphError, match=r"does not hold run prompted as it is on disk; first: saedb load"):
        save(connection, RunDirectory.open(run.path), NEW)  # it came as far as the run directory
    load(connection, RunDirectory.open(run.path))
    assert not save(connection, RunDirectory.open(run.path), NEW)
    with pytest.raises(GraphError, match="does not hold run apart as it is on disk"):
        save(connection, make_run(tmp_path, "apart"), NEW)


def saved(home: Path, path: Path) -> None:
    set_batch(3)
    with Connection(LocalServer(home).address()) as connection:
        save(connection, RunDirectory.open(path), replace(NEW, text="the text 1"))


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("table synced", "ready"),
        ("record renamed", "ready"),
        ("table renamed", "ready"),
        ("record renamed:2", "ready"),
        ("removal committed", "loading"),
        ("batch committed", "loading"),
        ("batch committed:4", "loading"),
    ],
)
def test_a_save_killed_anywhere_is_mended_by_a_load(
    connection: Connection, server: LocalServer, run: RunDirectory, moment: str, status: str
) -> None:
    arguments = server.layout.home, run.path
    assert run_in_process(saved, *arguments, environment={VARIABLE: moment}) == -signal.SIGKILL
    assert {row["status"] for row in run_rows(connection) if row["run"] == "prompted"} == {status}
    found = RunDirectory.open(run.path)
    with found.writing():
        pass  # adopts what was not recorded
    load(connection, found)
    check_fresh(connection, found)
    assert "prompt-0" in prompts_of(connection), "no other prompt is lost"
    save(connection, found, replace(NEW, text="the text 1"))
    check_fresh(connection, found)
    assert prompts_of(connection) == {"prompt-0", "prompt-2", "prompt-7"}


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.mark.parametrize("measure", ["pearson", "necessity", "jaccard"])
def test_edges_of_the_graph_are_those_of_the_tables(graph: Graph, tmp_path: Path, measure: str) -> None:
    run = known_run(tmp_path)
    some = ids(*FEATURES)[::2] + ids(*FEATURES)[:9]
    for floor in (0.1, 0.95):
        found = edges_among(graph.connection, KNOWN, some, measure, floor)
        assert sorted(found) == sorted(strongest.edges_among(run, some, measure, floor))
        assert len(set(found)) == len(found)
    whole_ids = {(whole(u), whole(d)) for u, d in EDGES}
    assert {(u, d) for u, d, _ in edges_among(graph.connection, KNOWN, some, "pearson", -1.0)} == {
        (u, d) for u, d in whole_ids if {u, d} <= set(some)
    }


@pytest.mark.parametrize("position", [None, 0, 2, 3])
@pytest.mark.parametrize("top", [1, 2, 99])
@pytest.mark.parametrize("measure", ["pearson", "necessity"])
def test_the_query_shows_of_a_prompt_what_the_command_does(
    graph: Graph, tmp_path: Path, position: int | None, top: int, measure: str
) -> None:
    shown = view(known_run(tmp_path), known_prompt("law"), position=position, top=top, measure=measure)
    values = {"prompt": "law", "token": position, "top": top, "measure": measure, "run": KNOWN}
    rows = graph.rows(library()["prompt"], values)
    assert rows == shown.rows()
    assert bool(rows) == (position != 0)
    statement = graph_statement(KNOWN, "law", position=position, top=top, measure=measure, floor=0.1)
    found = graph.connection.read(statement)
    ends = {row["active"].end_node["id"] for row in found}
    edges = {(row["edge"].start_node["id"], row["edge"].end_node["id"]) for row in found if row["edge"]}
    assert ends == {feature.id for feature in shown.features}
    assert edges == {(source, target) for source, target, _ in shown.edges}


def test_a_prompt_is_shown_layer_by_layer_with_the_strongest_edge_into_each(graph: Graph) -> None:
    rows = graph.rows(library()["prompt"], {"prompt": "law", "token": 2, "top": 2})
    assert [(row["layer"], row["feature"], row["share"], row["source"], row["value"]) for row in rows] == [
        (0, whole("0/1"), 1.0, None, None),
        (0, whole("0/0"), 0.8, None, None),
        (1, whole("1/2"), 1.2, None, None),
        (1, whole("1/0"), 0.8, whole("0/0"), 0.99),
        (2, whole("2/0"), 0.6, whole("1/0"), 0.98),
        (2, whole("2/2"), 0.5, whole("1/2"), 1.0),
        (3, whole("3/0"), 0.4, whole("2/0"), 0.97),
    ]
    assert {row["token"] for row in rows} == {" courts"}
    assert rows[1]["community"] == 0
    everywhere = graph.rows(library()["prompt"], {"prompt": "law", "top": 9, "min_share": 0.85})
    assert [(row["feature"], row["position"]) for row in everywhere] == [
        (whole("0/1"), 2), (whole("0/0"), 3), (whole("1/2"), 2),
    ]  # fmt: skip


def test_prompts_are_listed_newest_first(graph: Graph) -> None:
    rows = graph.rows(library()["prompts"], {})
    assert [(row["prompt"], row["text"], row["tokens"], row["features"], row["created"]) for row in rows] == [
        ("law", "the courts of", 4, len({feature for feature, *_ in ACTIVE["law"]}), "2999-02-04T00:00"),
        ("rivers", "rivers", 2, 1, "2999-02-02T00:00"),
    ]
