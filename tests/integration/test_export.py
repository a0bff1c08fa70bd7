"""A run, and what a query finds in it, leave the real graph as files that other programs read."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from exported import contents
from known_graph import BARE, EDGES, FEATURES, GATES, KNOWN, LOADING, MODEL, ids, loaded, whole

from saedb.cli.main import main
from saedb.cypher.export import memory
from saedb.cypher.export.selection import KEYS, Selection
from saedb.cypher.graph import Graph
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError, InputError

AGAIN = "imported-again"


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.fixture
def saedb(graph: Graph, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Command()


class Command:
    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), catch_exceptions=False)

    def export(self, *arguments: str) -> Result:
        result = self("export", *arguments)
        assert result.exit_code == 0, result.stderr
        return result

    def refused(self, *arguments: str) -> str:
        """Return the line that an export is refused with, after which no file is there."""
        before = sorted(Path.cwd().iterdir())
        result = self("export", *arguments)
        assert (result.exit_code, sorted(Path.cwd().iterdir())) == (1, before), result.output
        return result.stderr.splitlines()[-1].removeprefix("Error: ")


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row of a pandas table knows, as Python's own values."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
    return {name: value for name, value in plain.items() if isinstance(value, list) or not pd.isna(value)}


def test_node_link_json_is_what_the_graph_holds(saedb: Command, graph: Graph) -> None:
    result = saedb.export("run.json")
    assert result.stdout == "run.json\n"
    assert f"{len(FEATURES)} features and {len(EDGES)} edges of run {KNOWN}; similarity is pearson." in result.stderr
    found = json.loads(Path("run.json").read_text())
    assert found["graph"] == {"run": KNOWN, "model": MODEL, "measure_name": "pearson"}
    read = nx.node_link_graph(found, edges="links")
    features = {row["id"]: _known(row) for row in graph.features().to_dict("records")}
    paper = {id_: {"feature": row["index"], "explanation": row.get("label", "")} for id_, row in features.items()}
    assert {id_: {"id": id_, **values} for id_, values in read.nodes(data=True)} == {
        id_: row | paper[id_] for id_, row in features.items()
    }
    edges = {(row["source"], row["target"]): _known(row) for row in graph.edges().to_dict("records")}
    assert {
        (u, d): {"source": u, "target": d, **values} for u, d, values in read.edges(data=True)
    } == {ends: row | {"similarity": row["pearson"]} for ends, row in edges.items()}  # fmt: skip
    assert len(edges) == len(EDGES)


def test_a_graph_in_memory_is_the_one_in_the_file(saedb: Command, graph: Graph) -> None:
    graph.export("run.json", measure="necessity", min_similarity=0.9)
    read = nx.node_link_graph(json.loads(Path("run.json").read_text()), edges="links")
    for values in read.nodes.values():
        del values["feature"], values["explanation"]
    found = graph.networkx(measure="necessity", min_similarity=0.9)
    assert contents(read) == contents(found)
    assert {(u, d) for u, d in found.edges} == {
        (whole(u), whole(d)) for (u, d), values in EDGES.items() if values[1] >= 0.9
    }
    assert all(values["similarity"] == values["necessity"] for *_, values in found.edges(data=True))


@pytest.mark.parametrize(("format_", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_a_large_graph_is_streamed_and_read_as_the_same(
    saedb: Command, monkeypatch: pytest.MonkeyPatch, format_: str, read: Any
) -> None:
    saedb.export(f"small.{format_}")
    monkeypatch.setattr(memory, "LARGEST", len(FEATURES) + len(EDGES) - 1)
    monkeypatch.setattr(nx, f"write_{format_}", None)
    saedb.export(f"large.{format_}")
    small, large = (contents(read(f"{name}.{format_}")) for name in ("small", "large"))
    assert small == large
    assert set(large["edges"]) == {(whole(u), whole(d)) for u, d in EDGES}
    assert set(large["nodes"]) == {whole(f) for f in FEATURES}


def test_parquet_is_the_table_of_edges_or_features(saedb: Command, graph: Graph) -> None:
    saedb.export("edges.parquet")
    order = ["source", "target"]
    read = pd.read_parquet("edges.parquet").sort_values(order, ignore_index=True)
    expected = graph.edges().sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(read.drop(columns=list(KEYS)), expected, check_dtype=False)
    assert list(read["target_layer"]) == [int(id_.split("/")[1].split("-")[0]) for id_ in read["target"]]
    saedb.export("features.parquet", "--rows", "features")
    features = pd.read_parquet("features.parquet")
    assert list(features["id"]) == list(graph.features()["id"])
    assert features["density"].tolist() == graph.features()["density"].tolist()


def test_edges_in_csv_can_be_imported_as_a_run_of_equal_values(saedb: Command, graph: Graph) -> None:
    saedb.export("edges.csv")
    try:
        imported = saedb("import-edges", "edges.csv", "--model", MODEL, "--set", "s", "--run", AGAIN)
        assert imported.exit_code == 0, imported.stderr
        order = ["source", "target"]
        again, first = (graph.edges(run).sort_values(order, ignore_index=True) for run in (AGAIN, KNOWN))
        effects = [name for name in first.columns if name.startswith("effect")]  # are found with the model of a run
        pd.testing.assert_frame_equal(again.drop(columns=effects), first.drop(columns=effects))
    finally:
        drop(graph.connection, AGAIN)


def test_an_export_of_one_run_holds_nothing_of_another(saedb: Command, graph: Graph) -> None:
    saedb.export("bare.csv", "--run", BARE)
    read = pd.read_csv("bare.csv").set_index(["source", "target"])
    assert read["necessity"].isna().all()
    assert read["pearson"].to_dict() == {(whole(u), whole(d)): v[0] / 2 + 0.5 for (u, d), v in EDGES.items()}


def test_layers_leave_out_the_features_of_others_and_their_edges(saedb: Command) -> None:
    saedb.export("run.json", "--layers", "1-2", "--min-similarity", "0.5")
    found = json.loads(Path("run.json").read_text())
    assert {node["layer"] for node in found["nodes"]} == {1, 2}
    expected = {(whole(u), whole(d)) for (u, d), v in EDGES.items() if u[0] == "1" and d[0] == "2" and v[0] >= 0.5}
    assert {(link["source"], link["target"]) for link in found["links"]} == expected
    assert found["graph"]["clamping_threshold"] == 0.5


def test_a_query_gives_the_features_that_it_names_and_the_edges_among_them(saedb: Command) -> None:
    saedb.export("gates.json", "--query", "gates", "--param", "kind=AND", "--param", "min-f1=0.9")
    found = json.loads(Path("gates.json").read_text())
    gates = [g for g in GATES if g.kind == "AND" and g.verdict == "gate" and (g.f1 or 0) >= 0.9]
    named = {feature for gate in gates for feature in (gate.output, *gate.inputs)}
    assert {node["id"] for node in found["nodes"]} == set(ids(*named))
    among = {(whole(u), whole(d)) for u, d in EDGES if {u, d} <= named}
    assert {(link["source"], link["target"]) for link in found["links"]} == among
    assert among


def test_a_query_gives_its_rows_as_a_table(saedb: Command, graph: Graph) -> None:
    result = saedb.export("top.parquet", "--query", "top-edges", "--param", "layer=1", "--run", BARE)
    assert "limit" not in result.stderr
    assert f"rows of run {BARE}." in result.stderr
    expected = graph.query("top-edges", layer=1, run=BARE)
    read = pd.read_parquet("top.parquet")
    assert [_known(row) for row in read.to_dict("records")] == [_known(row) for row in expected.to_dict("records")]
    assert len(read) > 3
    saedb.export("gates.csv", "--query", "and-gates")
    shown = saedb("query", "and-gates", "--output", "csv").stdout
    Path("shown.csv").write_text(shown)
    pd.testing.assert_frame_equal(pd.read_csv("gates.csv"), pd.read_csv("shown.csv"))


def test_a_result_that_may_be_cut_says_so(saedb: Command) -> None:
    for output in ("top.csv", "top.json"):
        result = saedb.export(output, "--query", "top-edges", "--param", "limit=2")
        assert "top-edges gave as many rows as its limit allows; more with --param limit=NUMBER." in result.stderr
    assert len(pd.read_csv("top.csv")) == 2


def test_stdout_has_the_file_and_nothing_else(saedb: Command) -> None:
    for format_ in ("json", "csv"):
        saedb.export(f"run.{format_}")
        result = saedb.export("-", "--format", format_)
        assert result.stdout_bytes == Path(f"run.{format_}").read_bytes()


def test_the_same_graph_gives_the_same_bytes(saedb: Command) -> None:
    for name in ("a.json", "b.json"):
        saedb.export(name)
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run.xml"], "the name 'run.xml' tells no format; end it in .json, .graphml, .gexf, .csv, .parquet, or add"),
        (["run.json", "--format", "gml"], "there is no format 'gml'; there is json, graphml, gexf, csv, parquet"),
        (["none/run.json"], "there is no folder none; make it, or name another file"),
        (["."], "the name '.' tells no format"),
        (["run.json", "--run", "know-graph"], "no run 'know-graph'; did you mean known-graph"),
        (["run.json", "--run", LOADING], f"run {LOADING} is loading, not ready; see: saedb runs"),
        (["run.json", "--measure", "pearsn"], "there is no measure 'pearsn'; did you mean pearson?"),
        (["run.json", "--run", BARE, "--measure", "necessity"], f"run {BARE} has no necessity; it has pearson"),
        (["run.json", "--layers", "7-9"], f"run {KNOWN} has no layers 7-9; it has 0, 1, 2, 3"),
        (["run.json", "--layers", "two"], "cannot read layers 'two'; write them like 4-8 or 0,2,4-6"),
        (["run.json", "--min-similarity", "nan"], "the lowest similarity is nan; it must be a number"),
        (["edges.csv", "--min-similarity", "1.5"], "has pearson >= 1.5, so nothing is written; lower --min-similarity"),
        (["run.json", "--query", "gate"], "no query 'gate'; did you mean gates"),
        (
            ["run.json", "--query", "gates", "--param", "min_f2=1"],
            "gates has no parameter 'min_f2'; did you mean min_f1",
        ),
        (["run.json", "--query", "gates", "--param", "min_f1=high"], "--param min_f1: 'high' is not a valid float"),
        (
            ["run.json", "--query", "gates", "--param", "min_f1=7"],
            "--param min_f1: 7.0 is not in the range 0.0<=x<=1.0",
        ),
        (["run.json", "--query", "gates", "--param", "kind"], "--param 'kind' has no value; write kind=VALUE"),
        (["run.json", "--param", "kind=AND"], "--param kind=AND belongs to a query; name it with --query"),
        (["run.json", "--query", "trace"], "trace needs a value for feature"),
        (["run.json", "--query", "trace", "--param", "feature=1/99"], "no feature '1/99' in run"),
        (["run.json", "--query", "layer-profile"], "names no features; a table can be made of it: --format csv"),
        (["run.json", "--query", "search", "--param", "text=nowhere"], "search finds nothing, so nothing is written"),
        (
            ["run.json", "--query", "gates", "--run", BARE],
            "gates finds nothing, so nothing is written; gates are looked",
        ),
        (
            ["t.csv", "--query", "gates", "--layers", "1"],
            "--layers filters the edges of a graph; the rows of gates are",
        ),
        (["run.json", "--rows", "features"], "--rows chooses among the tables of a whole run"),
        (["-"], "add --format json or csv"),
        (["run.json", "--uri", "bolt://127.0.0.1:1"], "no password for bolt://127.0.0.1:1"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_file(
    saedb: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    assert message in saedb.refused(*arguments)


def test_without_a_server_an_export_says_how_to_start_one(
    saedb: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAEDB_HOME", str(tmp_path / "nowhere"))
    assert "saedb up" in saedb.refused("run.json")


def test_a_file_that_is_there_is_kept(saedb: Command) -> None:
    Path("run.json").write_text("mine")
    assert "run.json is there already; replace it with --force" in saedb.refused("run.json")
    assert Path("run.json").read_text() == "mine"
    saedb.export("run.json", "--force")
    assert json.loads(Path("run.json").read_text())["directed"]


def test_a_graph_without_edges_is_written_and_says_so(saedb: Command) -> None:
    result = saedb.export("run.json", "--min-similarity", "1.5")
    assert "27 features of run known-graph; no edge among them is left (see --min-similarity" in result.stderr
    assert json.loads(Path("run.json").read_text())["links"] == []


def test_an_export_that_is_stopped_leaves_nothing(saedb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Selection) -> Any:
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(Selection, "edges", stopped)
    assert saedb("export", "run.json").exit_code == 130
    assert [*Path.cwd().iterdir()] == []


def test_a_run_that_is_loaded_again_meanwhile_is_not_exported(graph: Graph) -> None:
    chosen = Selection(graph.connection, BARE)
    chosen.check_unchanged()
    (before,) = graph.connection.read("MATCH (r:Run {id: $run}) RETURN r.loaded AS loaded", run=BARE)
    graph.connection.write("MATCH (r:Run {id: $run}) SET r.loaded = 'later'", run=BARE)
    with pytest.raises(GraphError, match=f"run {BARE} was loaded again while it was read; run the same command again"):
        chosen.check_unchanged()
    graph.connection.write("MATCH (r:Run {id: $run}) SET r.loaded = $loaded", run=BARE, **before)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@pytest.mark.parametrize("output", ["run.json", "run.gexf", "edges.csv", "edges.parquet"])
def test_a_full_disk_is_one_line_and_leaves_nothing(saedb: Command, output: str) -> None:
    result = subprocess.run(
        [sys.executable, "-B", "-c", "from saedb.cli.main import main; main()", "export", output],
        check=False, capture_output=True, text=True, preexec_fn=_limited,
    )  # fmt: skip
    assert result.returncode == 1
    assert "no space left on the disk" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert [*Path.cwd().iterdir()] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux's")
def test_a_full_disk_behind_stdout_is_one_line(saedb: Command) -> None:
    command = [sys.executable, "-c", "from saedb.cli.main import main; main()", "export", "-", "--format", "csv"]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert "no space left on the disk" in result.stderr
    assert "Traceback" not in result.stderr


def test_from_python_a_mistake_is_an_error_of_ours(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="parameters belong to a query"):
        graph.export(tmp_path / "run.json", values={"kind": "AND"})
    written = graph.export(tmp_path / "gates.csv", query="gates", values={"kind": "AND"})
    assert (written.rows, written.run) == (2, KNOWN)
