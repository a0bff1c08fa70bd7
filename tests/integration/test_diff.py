"""Two runs compared on the real server: one pair made by hand, one by chance with a second computation beside it."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from known_graph import BARE, KNOWN, loaded
from toygraph import make_run

from saedb.cli.diff import diff as command
from saedb.cypher.connection import Connection
from saedb.cypher.difference import Difference
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.record import RunRecord, SaeRecord, TokenCounts
from saedb.ingest.rundir import RunDirectory

Edges = dict[tuple[str, str], dict[str, float | None]]

BEFORE: Edges = {
    ("0/0", "1/0"): {"pearson": 0.9, "jaccard": 0.8, "lift": 3.0},
    ("0/1", "1/1"): {"pearson": 0.8},
    ("0/2", "1/2"): {"pearson": 0.7},
    ("0/3", "1/3"): {"pearson": 0.2},
    ("0/4", "1/4"): {"pearson": 0.5},
    ("0/5", "1/5"): {"pearson": 0.1},
    ("1/0", "2/0"): {"pearson": 0.9},
}
AFTER: Edges = {
    ("0/0", "1/0"): {"pearson": 0.95, "jaccard": 0.5},
    ("0/2", "1/2"): {"pearson": 0.2},
    ("0/3", "1/3"): {"pearson": 0.6},
    ("0/4", "1/4"): {"pearson": None, "jaccard": 0.4},
    ("0/5", "1/5"): {"pearson": 0.1},
    ("0/6", "1/6"): {"pearson": 0.4},
}
STATES_BEFORE = {"0/0": "passed_through", "0/1": "passed_through", "0/2": "passed_through", "0/7": "dead", "2/0": None}
STATES_AFTER = {"0/0": "passed_through", "0/1": "disappearing", "0/2": "disappearing", "0/3": "transformed"}


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("pairs")
    with Connection(server.address()) as connection:
        runs = [
            hand_made(folder, "before", BEFORE, STATES_BEFORE, {"min_support": 10, "min_similarity": 0.1}, tokens=2000),
            hand_made(folder, "after", AFTER, STATES_AFTER, {"min_support": 0, "min_similarity": 0.1}, tokens=1000),
            make_run(folder, "random-a", seed=0),
            make_run(folder, "random-b", seed=1),
        ]
        for run in runs:
            load(connection, run)
        yield Graph(connection)
        for run in runs:
            drop(connection, run.record.id)


def hand_made(
    folder: Path, name: str, edges: Edges, states: Mapping[str, Any], config: dict[str, Any], *, tokens: int
) -> RunDirectory:
    """Return a run over three SAEs; `after` compares the first two only."""
    shorts = sorted({*states, *(end for ends in edges for end in ends)})
    pairs = sorted({(f"{u[0]}-s", f"{d[0]}-s") for u, d in edges})
    record = RunRecord(
        id=name,
        kind="ingest",
        model="tiny",
        created="2000-01-01T00:00:00+00:00",
        config=config,
        saes=tuple(SaeRecord(id=f"{n}-s", layer=n, set="s", depth=n, d_sae=8) for n in range(3)),
        pairs=tuple(pairs),
        tokens=TokenCounts(read=tokens, counted=tokens, left_out={}, documents=10, context_size=10, prepend_bos=False),
    )
    run = RunDirectory.create(folder / "runs" / name, record)
    layers = [int(short[0]) for short in shorts]
    columns = {
        "id": [whole(short) for short in shorts],
        "sae": [f"{layer}-s" for layer in layers],
        "layer": layers,
        "depth": layers,
        "index": [int(short[2:]) for short in shorts],
        "state_out": [states.get(short) for short in shorts],
        "label": [f"{name} {short}" if short != "1/6" else None for short in shorts],
    }
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [tables.rows(tables.FEATURES, columns)])
    for source, target in pairs:
        own = {ends: m for ends, m in edges.items() if (f"{ends[0][0]}-s", f"{ends[1][0]}-s") == (source, target)}
        values = {name: [m.get(name) for m in own.values()] for name in ("pearson", "jaccard", "lift")}
        rows = {"source": [whole(u) for u, _ in own], "target": [whole(d) for _, d in own], **values}
        run.write(tables.EDGES, rundir.edges_file(source, target), [tables.rows(tables.EDGES, rows)])
    run.update(status="complete")
    return run


def whole(short: str) -> str:
    layer, index = short.split("/")
    return f"tiny/{layer}-s/{index}"


def rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(table.astype(object).where(table.notna(), None).itertuples(index=False, name=None))


def test_every_edge_is_kept_lost_gained_or_not_compared(graph: Graph) -> None:
    found = graph.diff("before", "after")
    assert rows(found.edges) == [
        ("kept", "above", 1),
        ("lost", "below", 1),
        ("lost", "unknown", 1),
        ("lost", "absent", 1),
        ("gained", "below", 1),
        ("gained", "absent", 1),
        ("only_a", "absent", 1),
    ]
    assert rows(found.kept) == [(whole("0/0"), "after 0/0", whole("1/0"), "after 1/0", 0.9, 0.95)]
    assert [(row[0], *row[-3:]) for row in rows(found.lost)] == [
        (whole("0/1"), 0.8, None, "absent"),
        (whole("0/2"), 0.7, 0.2, "below"),
        (whole("0/4"), 0.5, None, "unknown"),
    ]
    assert rows(found.lost)[0][1:4] == ("after 0/1", whole("1/1"), "before 1/1")
    assert [(row[0], *row[-4:]) for row in rows(found.gained)] == [
        (whole("0/3"), "after 1/3", 0.2, 0.6, "below"),
        (whole("0/6"), None, None, 0.4, "absent"),
    ]


def test_an_edge_at_the_threshold_counts(graph: Graph) -> None:
    assert rows(graph.diff("before", "after", threshold=0.9).kept)[0][-2:] == (0.9, 0.95)
    assert rows(graph.diff("before", "after", threshold=math.nextafter(0.9, 1)).gained)[0][-1] == "below"


def test_moves_are_those_of_edges_that_both_have_and_one_counts(graph: Graph) -> None:
    found = graph.diff("before", "after")
    pearson, jaccard = rows(found.measures)
    assert pearson == ("pearson", "correlation", 3, *map(pytest.approx, (-0.05 / 3, 0.95 / 3, 0.5)), 2)
    assert jaccard == ("jaccard", "share", 1, *map(pytest.approx, (-0.3, 0.3, 0.3)), 1)
    assert [row[0] for row in rows(found.moved)] == [whole("0/2"), whole("0/3"), whole("0/0")]


def test_features_and_their_states_are_compared_where_both_have_one(graph: Graph) -> None:
    found = graph.diff("before", "after")
    assert rows(found.features) == [("0-s", 1, 1, 6), ("1-s", 1, 1, 5), ("2-s", 1, 0, 0)]
    assert rows(found.states) == [("state_out", "passed_through", "disappearing", 2)]
    assert rows(found.changed) == [
        (whole(short), f"after {short}", "state_out", "passed_through", "disappearing") for short in ("0/1", "0/2")
    ]


def test_what_was_defined_differently_is_said_with_its_meaning(graph: Graph) -> None:
    tokens, support, pairs, lift = graph.diff("before", "after").warnings
    assert tokens.startswith("tokens: 2,000 counted in before, 1,000 in after; with fewer, rare features have no edges")
    assert support.startswith("min_support: 10 in before, 0 in after; other pairs become edges")
    assert pairs == "before alone compared 1-s and 2-s: their edges are neither lost nor gained"
    assert lift == "after has no lift: not compared"


def test_a_run_does_not_differ_from_itself(graph: Graph) -> None:
    found = graph.diff("random-a", "random-a", threshold=0.1)
    assert found.warnings == ()
    assert set(found.edges["change"]) == {"kept"}
    assert not found.features["only_a"].any()
    assert not found.features["only_b"].any()
    for table in (found.lost, found.gained, found.moved, found.states, found.changed):
        assert table.empty
    assert found.measures["largest_move"].eq(0).all()


@pytest.mark.parametrize(("measure", "threshold"), [("pearson", 0.3), ("jaccard", 0.6), ("pearson", 0.1)])
def test_the_graph_is_compared_as_its_tables_are(graph: Graph, measure: str, threshold: float) -> None:
    found = graph.diff("random-a", "random-b", measure=measure, threshold=threshold, limit=5)
    a, b = ({ends: m[measure] for ends, m in edges_of(graph, run).items()} for run in ("random-a", "random-b"))
    in_a, in_b = ({ends for ends, value in edges.items() if value >= threshold} for edges in (a, b))
    expected = Counter({("kept", "above"): len(in_a & in_b)})
    expected.update(("lost", elsewhere(b, ends)) for ends in in_a - in_b)
    expected.update(("gained", elsewhere(a, ends)) for ends in in_b - in_a)
    assert {(change, where): n for change, where, n in rows(found.edges)} == expected
    strongest = sorted(in_a - in_b, key=lambda ends: -a[ends])[:5]
    assert list(zip(found.lost["source"], found.lost["target"], strict=True)) == strongest
    moves = {ends: b[ends] - a[ends] for ends in (in_a | in_b) & a.keys() & b.keys()}
    known = {ends: move for ends, move in moves.items() if not math.isnan(move)}
    measured = found.measures.set_index("measure").loc[measure]
    assert measured["edges"] == len(known)
    assert measured["mean_shift"] == pytest.approx(sum(known.values()) / len(known))
    assert measured["mean_move"] == pytest.approx(sum(map(abs, known.values())) / len(known))
    assert measured["over_tenth"] == sum(abs(move) > 0.1 for move in known.values())
    furthest = sorted(known, key=lambda ends: -abs(known[ends]))[:5]
    assert list(zip(found.moved["source"], found.moved["target"], strict=True)) == furthest
    states = {run: states_of(graph, run) for run in ("random-a", "random-b")}
    changes = Counter(
        (direction, before, states["random-b"][feature, direction])
        for (feature, direction), before in states["random-a"].items()
        if states["random-b"].get((feature, direction), before) != before
    )
    assert {tuple(row[:3]): row[3] for row in rows(found.states)} == changes


def edges_of(graph: Graph, run: str) -> dict[tuple[str, str], dict[str, float]]:
    directory = run_directory(graph, run)
    found = [row for name in directory.edge_files for row in directory.read(tables.EDGES, name).to_pylist()]
    return {
        (row["source"], row["target"]): {m: math.nan if row[m] is None else row[m] for m in ("pearson", "jaccard")}
        for row in found
    }


def states_of(graph: Graph, run: str) -> dict[tuple[str, str], str]:
    found = run_directory(graph, run).read(tables.FEATURES, rundir.FEATURES_FILE).to_pylist()
    both = ((row["id"], direction, row[direction]) for row in found for direction in ("state_in", "state_out"))
    return {(feature, direction): state for feature, direction, state in both if state is not None}


def run_directory(graph: Graph, run: str) -> RunDirectory:
    return RunDirectory.open(Path(graph.runs().set_index("id").loc[run, "path"]))


def elsewhere(other: Mapping[tuple[str, str], float], ends: tuple[str, str]) -> str:
    if ends not in other:
        return "absent"
    return "unknown" if math.isnan(other[ends]) else "below"


def test_runs_and_measures_that_cannot_be_compared_are_refused(graph: Graph) -> None:
    refused = {
        "no run 'befor'; did you mean before": {"a": "befor", "b": "after"},
        r"no feature is in both run before \(model tiny\) and run random-a \(model toy\)": {
            "a": "before",
            "b": "random-a",
        },
        "run random-a has no lift; it has pearson, jaccard: choose with --measure pearson": {
            "a": "random-a",
            "b": "random-b",
            "measure": "lift",
        },
        "there is no measure 'pearsn'; did you mean pearson": {"a": "before", "b": "after", "measure": "pearsn"},
        "the threshold is nan": {"a": "before", "b": "after", "threshold": math.nan},
        "the limit is 0": {"a": "before", "b": "after", "limit": 0},
    }
    for message, arguments in refused.items():
        with pytest.raises(InputError, match=message):
            graph.diff(**arguments)


def test_an_import_lacks_what_it_never_had(server: LocalServer, tmp_path: Path) -> None:
    with loaded(server, tmp_path) as graph:
        found: Difference = graph.diff(KNOWN, BARE)
    assert f"{BARE} is an import: which pairs became its edges, and on which text, is not known" in found.warnings
    lacking = "necessity, sufficiency, decoder_cosine, lift, support"
    assert f"{BARE} has no {lacking}: not compared" in found.warnings
    assert f"{BARE} has no state_in: not compared" in found.warnings
    assert list(found.measures["measure"]) == ["pearson"]
    assert found.states.empty


def test_the_command_prints_tables_or_one_object(graph: Graph, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = CliRunner().invoke(command, ["before", "after"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "Edges with pearson >= 0.3" in shown.stdout
    assert "Warning: min_support: 10 in before, 0 in after" in shown.stderr
    assert max(map(len, shown.stdout.splitlines())) <= 100
    printed = CliRunner().invoke(command, ["before", "after", "--output", "json"], catch_exceptions=False)
    found = json.loads(printed.stdout)
    assert (found["a"], found["b"], found["threshold"]) == ("before", "after", 0.3)
    assert found["lost"][0]["elsewhere"] == "absent"
    assert found["lost"][0]["b"] is None
    assert found["states"] == [{"direction": "state_out", "a": "passed_through", "b": "disappearing", "features": 2}]
