"""Labels of a run in its directory and in the graph, by the command line and by a load."""

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from handmade import handmade
from killed import run as run_in_process
from labelfiles import explanation, export
from labelled import labels_of
from rebuilding import fingerprint_of, set_batch
from toygraph import LAYERS, WIDTH, make_run

from saedb.cli.main import main
from saedb.cypher import batches, fingerprint
from saedb.cypher.communities.settings import CommunitySettings
from saedb.cypher.communities.stage import detect
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.relabelling import relabel, relabel_directory
from saedb.cypher.removal import drop
from saedb.cypher.runs import run_rows
from saedb.cypher.server.local import LocalServer
from saedb.ingest.archive import pack, unpack
from saedb.ingest.errors import GraphError, RunError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.labelling.importing import gather
from saedb.ingest.labelling.table import Labels
from saedb.ingest.labelling.targets import Targets
from saedb.ingest.progress import Report
from saedb.ingest.rundir import RunDirectory

NAME = "labelled"
LATER = "2999-01-01T00:00:00+00:00"
"""Than the run and the labels that it was made with."""


@pytest.fixture
def run(connection: Connection, tmp_path: Path) -> Iterator[RunDirectory]:
    """A run with labels of a table, loaded."""
    run = make_run(tmp_path, NAME)
    load(connection, run)
    yield run
    drop(connection, NAME)


@pytest.fixture
def command(server: LocalServer, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.setenv("SAEDB_RUNS", str(run.path.parent))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "140")

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["labels", *arguments, "--run", NAME])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return invoke


def explained(folder: Path, *, text: str = "explained", author: str = "gpt-4o-mini", width: int = WIDTH) -> Path:
    rows = [
        explanation(f"{layer}-res", n, f"{text} {layer} {n}", explanationModelName=author)
        for layer in LAYERS
        for n in range(width)
    ]
    return export(folder / "explanations", *rows)


def importing(run: RunDirectory, labels: Labels, report: Report, files: list[Path]) -> Labels:
    found = gather(files, Targets.of(run), labels.features, imported=LATER, report=report)
    return labels.merged(found.labels)


def check_fresh(connection: Connection, run: RunDirectory) -> RunDirectory:
    """Check that the graph is what a load of the run directory makes, and is known as that."""
    there = RunDirectory.open(run.path)
    assert fingerprint.of_graph(connection, run=run.record.id) == fingerprint_of(there)
    assert not load(connection, there).changed
    rows = connection.read(
        "MATCH (f:Feature {run: $run}) RETURN f.id AS id, f {.label, .label_source, .labels, .label_sources} AS own",
        run=run.record.id,
    )
    nothing = dict.fromkeys(("label", "label_source", "labels", "label_sources"))
    expected = labels_of(there)
    assert {row["id"]: row["own"] for row in rows} == {row["id"]: expected.get(row["id"], nothing) for row in rows}
    return there


def json_of(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("rows", [batches.BATCH, 7])
def test_imported_labels_are_in_the_graph_as_after_a_load(
    connection: Connection, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(batches, "BATCH", rows)
    before = run.content_hash
    files = [explained(tmp_path, width=40)]
    assert relabel(connection, run, lambda *given: importing(*given, files))
    there = check_fresh(connection, run)
    assert there.content_hash != before
    assert not relabel(connection, there, lambda *given: importing(*given, files))
    assert RunDirectory.open(run.path).content_hash == there.content_hash
    assert relabel(connection, there, lambda run, labels, report: labels.without("neuronpedia"))
    assert relabel(connection, there, lambda run, labels, report: labels.without(f"{NAME}-labels"))
    check_fresh(connection, run)
    assert connection.read("MATCH (f:Feature {run: $run}) RETURN count(f.labels) AS n", run=NAME) == [{"n": 0}]


def test_notes_and_communities_stay(connection: Connection, run: RunDirectory, tmp_path: Path) -> None:
    detect(connection, run, CommunitySettings(engine="local"))
    connection.write("MATCH (f:Feature {run: $run}) SET f.note = 'mine'", run=NAME)
    names = "MATCH (c:Community {run: $run}) RETURN c.id AS id, c.label AS label ORDER BY id"
    before = connection.read(names, run=NAME)
    relabel(connection, run, lambda *given: importing(*given, [explained(tmp_path)]))
    assert connection.read(names, run=NAME) == before
    found = connection.read("MATCH (f:Feature {run: $run, note: 'mine'}) RETURN count(*) AS n", run=NAME)
    assert found == connection.read("MATCH (f:Feature {run: $run}) RETURN count(*) AS n", run=NAME)
    assert load(connection, RunDirectory.open(run.path)).changed is False
    detect(connection, RunDirectory.open(run.path), CommunitySettings(engine="local"))
    assert connection.read(names, run=NAME) != before


@pytest.mark.parametrize("way", ["online", "bulk"])
def test_every_way_of_loading_gives_the_same_labels(connection: Connection, tmp_path: Path, way: Any) -> None:
    run = handmade(tmp_path, "handmade")
    load(connection, run, way=way)
    check_fresh(connection, run)
    drop(connection, "handmade")


def test_a_packed_run_has_its_labels(connection: Connection, run: RunDirectory, tmp_path: Path) -> None:
    relabel(connection, run, lambda *given: importing(*given, [explained(tmp_path)]))
    packed = pack(RunDirectory.open(run.path), tmp_path / "packed.saedb.zip")
    there = unpack(packed, tmp_path / "elsewhere")
    assert Labels.of(there).rows.equals(Labels.of(RunDirectory.open(run.path)).rows)
    assert not load(connection, there).changed


def imported(home: Path, path: Path, files: list[Path]) -> None:
    set_batch(20)
    with Connection(LocalServer(home).address()) as connection:
        relabel(connection, RunDirectory.open(path), lambda *given: importing(*given, files))


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("table written", "ready"),
        ("table synced", "ready"),
        ("record renamed", "ready"),
        ("table renamed", "ready"),
        ("record renamed:2", "ready"),
        ("batch committed", "loading"),
        ("batch committed:3", "loading"),
    ],
)
def test_an_import_killed_anywhere_is_mended_by_a_load_and_by_the_same_import(
    connection: Connection,
    server: LocalServer,
    run: RunDirectory,
    tmp_path: Path,
    moment: str,
    status: str,
) -> None:
    files, before = [explained(tmp_path)], run.content_hash
    arguments = (server.layout.home, run.path, files)
    assert run_in_process(imported, *arguments, environment={VARIABLE: moment}) == -signal.SIGKILL
    assert {row["status"] for row in run_rows(connection) if row["run"] == NAME} == {status}
    found = RunDirectory.open(run.path)
    assert found.content_hash != before, "the table that is there is forgotten before another takes its place"
    if status == "ready":
        with found.writing():  # adopts what was not recorded
            pass
        load(connection, found)
    relabel(connection, found, lambda *given: importing(*given, files))
    there = check_fresh(connection, run)
    assert {row["source"] for row in Labels.of(there).by_source()} == {f"{NAME}-labels", "neuronpedia"}


def test_two_at_once_are_refused(connection: Connection, run: RunDirectory) -> None:
    def again(*given: Any) -> Labels:
        relabel_directory(RunDirectory.open(run.path), lambda run, labels, report: labels)
        raise AssertionError

    with pytest.raises(RunError, match="another process is writing"):
        relabel(connection, run, again)
    check_fresh(connection, run)


def test_a_run_that_is_not_loaded_as_it_is_says_what_to_do(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "not-loaded")
    with pytest.raises(GraphError, match="does not hold run not-loaded as it is on disk; first: saedb load"):
        relabel(connection, run, lambda run, labels, report: labels)


def test_the_command_tells_what_became_of_a_file(command: Any, tmp_path: Path, connection: Connection) -> None:
    folder = explained(tmp_path, width=WIDTH + 2).parent
    preferred = ("--prefer", "neuronpedia")
    result = command("import", str(folder), *preferred, "--misses", str(tmp_path / "misses.csv"), "--output", "json")
    rows = {row["source"]: row for row in json_of(result)}
    assert (rows["neuronpedia"]["author"], rows["neuronpedia"]["method"]) == ("gpt-4o-mini", "oai_token-act-pair")
    assert rows["neuronpedia"]["preferred"] == rows["neuronpedia"]["features"] == rows["neuronpedia"]["labels"]
    assert "labels in the file are of features of run labelled." in result.stderr
    assert f"(all: {tmp_path / 'misses.csv'})\n  toy/0-res/" in result.stderr
    assert "saedb feature toy/0-res/0 --run labelled" in result.stderr
    again = command("import", str(folder), *preferred)
    assert "Run labelled has these labels already; nothing changed." in again.stderr


def test_what_is_preferred_is_chosen_and_chosen_back(
    command: Any, tmp_path: Path, connection: Connection, run: RunDirectory
) -> None:
    def label() -> str:
        return connection.read("MATCH (f:Feature {run: $run, id: 'toy/0-res/0'}) RETURN f.label AS l", run=NAME)[0]["l"]

    assert label() == "about topic0"
    command("import", str(explained(tmp_path)), "--prefer", f"{NAME}-labels")
    assert label() == "about topic0"
    command("import", str(explained(tmp_path / "o", text="other", author="o3")), "--prefer", "neuronpedia:o3")
    assert label() == "other 0 0"
    assert [row["preferred"] for row in json_of(command("list", "--output", "json"))][:1] == [0]
    command("prefer", "neuronpedia:gpt-4o-mini", f"{NAME}-labels")
    assert label() == "explained 0 0"
    assert f"Preferred to all others: neuronpedia:gpt-4o-mini, {NAME}-labels." in command("list").stderr
    assert "Preferred to all others" not in command("prefer").stderr
    assert "no labels of 'nobody'" in command("prefer", "nobody").stderr
    command("forget", "neuronpedia")
    assert label() == "about topic0"
    check_fresh(connection, run)
    refused = command("forget", "neuronpedia")
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        1,
        f"Error: run {NAME} has no labels of 'neuronpedia'; it has those of {NAME}-labels",
    )
    assert "was imported without texts" in command("auto").stderr


def test_labels_change_without_a_server(command: Any, tmp_path: Path, run: RunDirectory) -> None:
    result = command("import", str(explained(tmp_path)), "--no-load")
    assert result.exit_code == 0
    assert f"saedb load {run.path}" in result.stderr
    assert {row["source"] for row in Labels.of(RunDirectory.open(run.path)).by_source()} == {
        f"{NAME}-labels",
        "neuronpedia",
    }
    assert CliRunner().invoke(main, ["labels", "list", "--no-load"]).exit_code == 2


def test_automatic_labels_come_back(connection: Connection, tmp_path: Path) -> None:
    run = handmade(tmp_path, "handmade", found=False)
    load(connection, run)
    automatic = labels_of(run)
    table = tmp_path / "ours.csv"
    table.write_text("feature,label\n0-a/3,mine\n0-a/0,mine too\n")
    relabel(connection, run, lambda *given: importing(*given, [table]))
    there = check_fresh(connection, run)
    assert labels_of(there)["m/0-a/3"]["labels"] == ["mine", automatic["m/0-a/3"]["label"]]
    relabel(connection, there, lambda run, labels, report: labels.preferring(["auto"]))
    assert labels_of(check_fresh(connection, run))["m/0-a/3"]["label_sources"] == ["auto", "ours"]
    relabel(connection, there, lambda run, labels, report: labels.without("ours"))
    assert labels_of(check_fresh(connection, run)) == automatic
    drop(connection, "handmade")


def test_the_library_and_the_page_show_all_labels(
    command: Any, tmp_path: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("import", str(explained(tmp_path)), "--prefer", "neuronpedia")
    graph = Graph(connection)
    connection.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
    found = graph.search("about topic3", NAME)
    assert set(found["label"].str.split().str[0]) == {"explained"}
    assert set(graph.query("labels", run=NAME)["source"]) == {
        f"{NAME}-labels",
        "neuronpedia gpt-4o-mini (oai_token-act-pair)",
    }
    record = graph.feature("0/3", NAME)
    assert (record.label, record.label_source) == ("explained 0 3", "neuronpedia gpt-4o-mini (oai_token-act-pair)")
    assert (record.labels[1:], record.label_sources[1:]) == (["about topic3"], [f"{NAME}-labels"])
    page = CliRunner().invoke(main, ["feature", "0/3", "--run", NAME]).stdout
    assert "label from  neuronpedia gpt-4o-mini (oai_token-act-pair)" in page
    assert f"Other labels\n  about topic3  ({NAME}-labels)" in page


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "is a web page"),
        (b"6,7,a\n", "its first line should name the columns"),
        (b"feature,label\ntoy/99-res/1,a\n", "such as toy/99-res/1, the run has such as toy/0-res/0 and toy/1-res/0"),
    ],
)
def test_a_wrong_file_is_one_line_and_changes_nothing(
    command: Any, run: RunDirectory, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "wrong.gz").write_bytes(content)
    result = command("import", str(tmp_path / "wrong.gz"))
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 2)
    assert message in result.stderr
    assert RunDirectory.open(run.path).content_hash == run.content_hash
    missing = command("import", str(tmp_path / "nowhere"))
    assert (missing.exit_code, "nowhere cannot be read: No such file" in missing.stderr) == (1, True)


def imported_with_little_room(path: Path, files: list[Path]) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        relabel_directory(RunDirectory.open(path), lambda *given: importing(*given, files))
    except OSError as error:
        os._exit(error.errno or 1)


def test_a_full_disk_leaves_the_run_as_it_was(run: RunDirectory, tmp_path: Path) -> None:
    files = [explained(tmp_path)]
    assert run_in_process(imported_with_little_room, run.path, files) != 0
    assert RunDirectory.open(run.path).content_hash == run.content_hash
    with RunDirectory.open(run.path).writing():
        assert [row["source"] for row in Labels.of(RunDirectory.open(run.path)).by_source()] == [f"{NAME}-labels"]


def test_an_index_of_an_earlier_saedb_is_made_anew(connection: Connection, run: RunDirectory) -> None:
    connection.run("DROP INDEX feature_text")
    connection.run("CREATE FULLTEXT INDEX feature_text FOR (n:Feature) ON EACH [n.label, n.top_tokens]")
    connection.write("MATCH (r:Run {id: $run}) SET r.content = 'other'", run=NAME)
    load(connection, run)
    found = connection.read("SHOW FULLTEXT INDEXES YIELD name, properties, state RETURN properties, state")
    assert found == [{"properties": ["label", "labels", "top_tokens"], "state": "ONLINE"}]
