"""One feature with everything that a run may know of it, on a graph of three layers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from divided import divided, write

from saedb.cli.main import main
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.record import GatesRecord, RunRecord, SaeRecord, SplitsRecord
from saedb.ingest.rundir import RunDirectory

RUN = "feature-graph"
EDGES: dict[tuple[str, str], tuple[float, float | None]] = {
    # Pearson, necessity; 1/0 is the best match of 0/0 and has it as its own; so is 2/0 of 1/0
    ("0/0", "1/0"): (0.99, 0.98),
    ("0/1", "1/0"): (0.96, 0.99),
    ("0/2", "1/0"): (0.3, None),
    ("1/0", "2/0"): (0.97, 0.95),
    ("1/0", "2/1"): (0.96, 0.5),
    # the best match of 2/2 is 1/1, which has a better one
    ("1/1", "2/1"): (0.98, 0.9),
    ("1/1", "2/2"): (0.97, 0.9),
}
LABELS = {
    "0/0": "court, judge, trial",
    "0/1": "every, each",
    "0/2": "one, each, none",
    "1/0": "court \x1b[31m, judge",
    "1/1": "each",
    "2/0": "court",
    "2/1": "supreme court, justice of the peace",
    "2/2": "district court",
}
TABLE = {"tokens": [90_000, 299, 192, 77], "active": [3, 0, 15, 77]}


def whole(short: str) -> str:
    layer, index = short.split("/")
    return f"toy/{layer}-s/{index}"


def gate(output: str, kind: str, inputs: tuple[str, ...], **other: Any) -> dict[str, Any]:
    values = {
        "id": f"{output}:{kind}:{','.join(inputs)}",
        "kind": kind,
        "output": whole(output),
        "inputs": [whole(i) for i in inputs],
        "verdict": "gate",
        "rank": 0,
        "precision": 1.0,
        "recall": 0.84,
        "f1": 0.91,
        "gain": 0.3,
        "f1_chosen": 0.9,
        "gain_chosen": 0.25,
        "support": 150,
        "tokens": [*TABLE["tokens"], *[0] * (2 ** len(inputs) - 4)],
        "active": [*TABLE["active"], *[0] * (2 ** len(inputs) - 4)],
        "tokens_chosen": [1] * 2 ** len(inputs),
        "active_chosen": [0] * 2 ** len(inputs),
    }
    found = values | other
    return found | {"score": found["gain"] and min(found["gain"], found["gain_chosen"])}


GATES = [
    gate("1/1", "AND", ("0/1", "0/2")),
    gate("1/1", "OR", ("0/0", "0/1", "0/2"), f1=0.7, gain=0.1),
    gate("1/1", "AND_NOT", ("0/1", "0/0"), f1=0.95),
    gate("1/1", "AND", ("0/0", "0/1"), verdict="no_gain", f1=0.99, gain=0.0, rank=None),
    gate("1/0", "AND", ("0/1", "0/0"), verdict="undecided", rank=None, f1=None, gain=None, precision=None, recall=None),
]
SPLIT = {
    "id": "1-s/0:2-s",
    "parent": whole("1/0"),
    "children": [whole("2/1"), whole("2/2")],
    "shares": [0.6, 0.35],
    "purities": [0.97, 0.92],
    "coverage": 0.93,
    "overlap": 0.02,
    "score": 0.91,
    "coverage_chosen": 0.9,
    "overlap_chosen": 0.03,
    "support": 700,
}


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def a_run(folder: Path) -> RunDirectory:
    saes = tuple(SaeRecord(id=f"{layer}-s", layer=layer, set="s", depth=layer, d_sae=3) for layer in range(3))
    pairs = (("0-s", "1-s"), ("1-s", "2-s"))
    created = "2020-01-01T00:00:00+00:00"
    record = RunRecord(id=RUN, kind="ingest", model="toy", created=created, config={}, saes=saes, pairs=pairs)
    run = RunDirectory.create(folder / RUN, record)
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [tables.rows(tables.FEATURES, _features())])
    for source, target in pairs:
        found = [_edge(u, d) for u, d in EDGES if (f"{u[0]}-s", f"{d[0]}-s") == (source, target)]
        run.write(tables.EDGES, rundir.edges_file(source, target), [tables.rows(tables.EDGES, columns_of(found))])
    run.write(tables.GATES, rundir.GATES_FILE, [tables.rows(tables.GATES, columns_of(GATES))])
    run.write(tables.SPLITS, rundir.SPLITS_FILE, [tables.rows(tables.SPLITS, columns_of([SPLIT]))])
    other = divided("other", [[whole("0/0"), whole("2/0")]], is_default=False)
    write(run, other, divided("main", [[whole("0/0"), whole("1/0")]]))
    run.update(
        status="complete",
        gates=GatesRecord(settings={}, tested={}, kept={}, chance={}),
        splits=SplitsRecord(settings={}, count=1),
    )
    return run


def _features() -> dict[str, list[Any]]:
    count = len(LABELS)
    layers = [int(short[0]) for short in LABELS]
    return {
        "id": [whole(short) for short in LABELS],
        "sae": [f"{layer}-s" for layer in layers],
        "layer": layers,
        "depth": layers,
        "index": [int(short[2]) for short in LABELS],
        "n_active": [1000] * count,
        "density": [0.01] * count,
        "max": [12.5] * count,
        "histogram": [None, [1, *[0] * 18, 100], *[[7] * 20] * (count - 2)],
        "positional": [short == "0/2" for short in LABELS],
        "state_in": [None, None, None, "passed_through", "appearing", *["passed_through"] * 3],
        "state_out": [*["passed_through"] * 2, "disappearing", *["passed_through"] * 2, *[None] * 3],
        "best_in": [None, None, None, 0.99, None, 0.97, 0.98, 0.97],
        "best_out": [0.99, 0.96, 0.3, 0.97, 0.98, None, None, None],
        "label": list(LABELS.values()),
        "examples": [[f"{'of old times and more ' * 4}the [[court]] of the land ruled", "[[courts]]"]] * count,
        "top_tokens": [[" court", " \n"]] * count,
    }


def _edge(u: str, d: str) -> dict[str, Any]:
    pearson, necessity = EDGES[u, d]
    return {
        "source": whole(u),
        "target": whole(d),
        "pearson": pearson,
        "necessity": necessity,
        "sufficiency": 0.4,
        "lift": 12.5,
        "support": 70,
        "necessity_low": None if necessity is None else necessity - 0.05,
        "necessity_high": None if necessity is None else necessity + 0.01,
        "pearson_moved": 0.02,
    }


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with Connection(server.address()) as connection:
        load(connection, a_run(tmp_path_factory.mktemp("runs")))
        yield Graph(connection)
        drop(connection, RUN)


@pytest.fixture
def page(server: LocalServer, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> Any:
    del graph
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)

    def run(*arguments: str, columns: int = 100) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        asked = ["feature", *arguments, "--run", RUN]
        return CliRunner().invoke(main, asked, catch_exceptions=False).stdout

    return run


def test_a_chain_goes_as_far_as_features_are_one_anothers_best_match(graph: Graph) -> None:
    for short in ("0/0", "1/0", "2/0"):
        chain = graph.feature(short, RUN).chain
        assert chain is not None
        assert [feature.id for feature in chain.features] == [whole("0/0"), whole("1/0"), whole("2/0")]
        assert (chain.pearson, chain.weakest) == ((0.99, 0.97), 0.97)


@pytest.mark.parametrize("alone", ["0/1", "0/2", "2/2"])
def test_a_feature_whose_best_match_has_a_better_one_is_in_no_chain(graph: Graph, alone: str) -> None:
    assert graph.feature(alone, RUN).chain is None


def test_gates_of_a_feature_are_those_that_hold_first_then_the_best(graph: Graph) -> None:
    output = graph.feature("1/1", RUN)
    found = [(gate.kind, gate.verdict, gate.f1) for gate in output.output_of]
    assert found == [("AND_NOT", "gate", 0.95), ("AND", "gate", 0.91), ("OR", "gate", 0.7), ("AND", "no_gain", 0.99)]
    forbidding, both = output.output_of[:2]
    assert [(i.id, i.negated) for i in forbidding.inputs] == [(whole("0/1"), False), (whole("0/0"), True)]
    assert (both.tokens, both.active, both.output.label) == (TABLE["tokens"], TABLE["active"], "each")
    assert (output.input_of, output.parent_of) == ((), ())


def test_gates_with_a_feature_name_every_input_and_their_output(graph: Graph) -> None:
    found = graph.feature("0/2", RUN).input_of
    assert [[i.id for i in gate.inputs] for gate in found] == [
        [whole("0/1"), whole("0/2")],
        [whole("0/0"), whole("0/1"), whole("0/2")],
    ]
    assert {gate.output.id for gate in found} == {whole("1/1")}


def test_a_split_is_seen_from_its_parent_and_from_its_children(graph: Graph) -> None:
    (split,) = graph.feature("1/0", RUN).parent_of
    assert [(child.id, child.share, child.purity) for child in split.children] == [
        (whole("2/1"), 0.6, 0.97),
        (whole("2/2"), 0.35, 0.92),
    ]
    for child in ("2/1", "2/2"):
        assert graph.feature(child, RUN).child_of == (split,)


def test_neighbours_carry_the_evidence_of_their_edge(graph: Graph) -> None:
    first, *_, last = graph.feature("1/0", RUN).inputs
    assert first.evidence == pytest.approx({"necessity_low": 0.93, "necessity_high": 0.99, "pearson_moved": 0.02})
    assert last.evidence == {"pearson_moved": 0.02}


def test_neighbours_are_ordered_by_any_measure_those_without_a_value_last(graph: Graph) -> None:
    record = graph.feature("1/0", RUN)
    assert [n.id for n in record.inputs] == [whole("0/0"), whole("0/1"), whole("0/2")]
    assert [n.id for n in record.by_measure("necessity").inputs] == [whole("0/1"), whole("0/0"), whole("0/2")]
    with pytest.raises(InputError, match="no measure 'necesity'; did you mean necessity"):
        record.by_measure("necesity")


def test_the_page_shows_every_motif(page: Any) -> None:
    text = page("1/0")
    for part in (
        "toy/1-s/0  court \\x1b[31m, judge",
        "back        passed through: best Pearson from the layer before 0.990",
        "forward     passed through: best Pearson to the next layer 0.970",
        "chain       0/0 > 1/0 > 2/0, weakest link 0.970",
        "community   0 (2 features, layers 0 to 1)",
        "0.98 (.93-.99)",
        "2 parts, coverage 0.93 (0.90), overlap 0.02",
        "no gates, though the paper's rule may say so: 1 undecided",
    ):
        assert part in text, part
    assert "F1" not in text  # of a gate that failed
    assert "appearing: no edge from the layer before" in page("1/1")


def test_the_page_shows_gates_with_labels_ids_and_table(page: Any) -> None:
    lines = [line.strip() for line in page("1/1").splitlines()]
    place = lines.index("{every, each} AND {one, each, none} -> {each}   F1 0.91 (0.90), gain 0.30")
    assert lines[place + 1] == "0-s/1 AND 0-s/2 -> 1-s/1"
    assert lines[place + 2] == "only first 192/15, only second 299/0, both 77/77"
    assert "{every, each} AND NOT {court, judge, trial} -> {each}   F1 0.95 (0.90), gain 0.30" in lines
    assert "no gates, though the paper's rule may say so: 1 no gain" in lines


def test_the_page_of_a_part_shows_the_split_and_the_other_parts(page: Any) -> None:
    lines = [line.split() for line in page("2/1").splitlines()]
    place = lines.index(["Splits", "that", "it", "is", "a", "part", "of"])
    assert lines[place + 1][0] == "1-s/0"
    assert [line[:2] for line in lines[place + 2 : place + 4]] == [["0.60", "2-s/1"], ["0.35", "2-s/2"]]


def test_a_positional_feature_is_marked(page: Any) -> None:
    mark = "over half of its activation is on one position"
    assert mark in page("0/2")
    assert mark not in page("0/1")


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("short", ["0/1", "1/0", "1/1", "2/1"])
def test_the_page_fits_the_terminal_and_keeps_the_active_token(page: Any, short: str, columns: int) -> None:
    text = page(short, columns=columns)
    assert max(map(len, text.splitlines())) <= columns
    assert "[[court]]" in text
    assert any(line.split()[:2] == ["feature", "label"] for line in text.splitlines())  # a table, not blocks of lines


def test_more_measures_are_shown_where_the_labels_keep_their_room(page: Any) -> None:
    def heads(columns: int) -> list[str]:
        return next(line.split() for line in page("1/1", columns=columns).splitlines() if line.startswith("feature "))

    least = ["feature", "label", "pearson", "necessity"]
    assert heads(60) == [*least, "(tokens)"]
    assert heads(75) == [*least, "sufficiency", "(tokens)"]
    assert heads(100) == [*least, "sufficiency", "lift", "(tokens)"]


def test_the_measure_asked_for_comes_first(page: Any) -> None:
    lines = page("1/0", "--measure", "necessity").splitlines()
    rows = lines[lines.index("Inputs (3)") + 1 :]
    assert rows[1].split()[:3] == ["feature", "label", "necessity"]
    assert rows[3].startswith("0-s/1 ")


def test_a_histogram_is_shown_where_there_is_one(page: Any) -> None:
    assert f"  histogram   0 ▂{' ' * 18}█ 12.5  tokens by activation, log scale" in page("0/1").splitlines()
    assert "histogram" not in page("0/0")
    assert json.loads(page("0/1", "--output", "json"))["histogram"] == [1, *[0] * 18, 100]
    assert json.loads(page("0/0", "--output", "json"))["histogram"] == []


def test_json_has_edges_evidence_and_motifs(page: Any) -> None:
    record = json.loads(page("1/1", "--output", "json", "--measure", "necessity"))
    assert record["output_of"][1]["inputs"][1] == {"id": whole("0/2"), "label": "one, each, none", "negated": False}
    assert record["outputs"][0]["evidence"]["necessity_low"] == pytest.approx(0.85)
    assert (record["chain"]["pearson"], record["best_out"]) == ([0.98], 0.98)


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_trace_has_a_row_for_each_layer(page: Any, columns: int) -> None:
    text = page("1/0", "--trace", columns=columns)
    rows = [line.split() for line in text[text.index("Layer by layer") :].splitlines()]
    assert [row[:2] for row in rows if len(row) > 2 and row[0] in ("-1", "0", "1")] == [
        ["-1", "0-s/0"],
        ["0", "1-s/0"],
        ["1", "2-s/0"],
    ]
    assert "Inputs" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= columns


def test_a_trace_as_json_is_beside_the_feature(page: Any) -> None:
    record = json.loads(page("1/0", "--trace", "--measure", "necessity", "--output", "json"))
    assert record["id"] == whole("1/0")
    assert [(step["step"], step["feature"]) for step in record["trace"]] == [
        (-1, whole("0/1")),
        (0, whole("1/0")),
        (1, whole("2/0")),
    ]
