"""The chapters of a report on the known graph, their numbers computed a second time from what the graph is made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import handmade
from known_graph import ACTIVE, BARE, EDGES, FEATURES, GATES, KNOWN, SPLITS, loaded, whole

from saedb.cli.report import chapters as all_chapters
from saedb.cli.report import examples, paper
from saedb.cli.report.asked import Asked
from saedb.cli.report.page import Chapter, Section
from saedb.cypher.connection import Connection
from saedb.cypher.explore.halves import moved
from saedb.cypher.explore.levels import QUANTILES, levels
from saedb.cypher.explore.sampled import LEVELS, sampled
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME
from saedb.ingest.progress import silent
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.rundir import RunDirectory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module", autouse=True)
def graph(server: LocalServer, folder: Path) -> Iterator[Graph]:
    with loaded(server, folder) as graph:
        yield graph


@pytest.fixture(params=["here", "away"])
def place(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Have the run directories on this machine, and elsewhere: then the graph alone tells."""
    if request.param == "here":
        yield "here"
        return
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    yield "away"
    elsewhere.rename(folder)


_MADE: dict[tuple[Any, ...], dict[str, Chapter]] = {}


def asked(graph: Graph, run: str = KNOWN, **values: Any) -> Asked:
    chosen = {"partition": None, "prompt": None, "measure": None, "seed": 0, **values}
    return Asked.of(graph, run, report=silent, **chosen)


def chapters(graph: Graph, run: str = KNOWN, **values: Any) -> dict[str, Chapter]:
    """Return the chapters by anchor; each report is made once."""
    wanted = asked(graph, run, **values)
    key = (run, wanted.directory is None, *sorted(values.items()))
    if key not in _MADE:
        _MADE[key] = {chapter.anchor: chapter for chapter in all_chapters.chapters(wanted)}
    return _MADE[key]


def section(graph: Graph, anchor: str, run: str = KNOWN, **values: Any) -> Section:
    found = [s for c in chapters(graph, run, **values).values() for s in c.sections if s.anchor == anchor]
    assert len(found) == 1, anchor
    return found[0]


def numbers(graph: Graph, anchor: str, **values: Any) -> pd.DataFrame:
    data = section(graph, anchor, **values).data
    assert data is not None
    return data


def of_layer(layer: int) -> list[str]:
    return [feature for feature in FEATURES if feature.startswith(f"{layer}/")]


def test_every_anchor_is_there_once_and_every_picture_has_its_numbers(graph: Graph) -> None:
    found = chapters(graph).values()
    anchors = [chapter.anchor for chapter in found] + [s.anchor for chapter in found for s in chapter.sections]
    assert len(set(anchors)) == len(anchors)
    for part in (s for chapter in found for s in chapter.sections):
        if part.figure is not None or part.drawings:
            assert part.data is not None, part.anchor
            assert len(part.data), part.anchor
            assert part.text, part.anchor


@pytest.mark.parametrize("number", ["max", "density"])
def test_quantiles_are_of_the_features_that_fire(graph: Graph, place: str, number: Any) -> None:
    for found in levels(graph.connection, KNOWN, number):
        active = [FEATURES[feature][1] for feature in of_layer(found.layer)]
        values = [5.0 if number == "max" else n / 10_000 for n in active if n]
        assert found.features == len(values)
        assert found.values == pytest.approx(np.quantile(values, QUANTILES))


def test_a_run_that_knows_nothing_of_its_features_has_no_quantiles(graph: Graph, place: str) -> None:
    assert [(found.features, found.values) for found in levels(graph.connection, BARE, "max")] == [(0, ())] * 4
    assert "`saedb ingest`" in str(chapters(graph, BARE)["activations"].note)


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.5, 0.95])
def test_shares_without_a_counterpart_are_counted_from_the_edges(graph: Graph, place: str, threshold: float) -> None:
    rows = numbers(graph, "thresholds")
    rows = rows[rows["threshold"] == threshold]
    for direction, end, layers in (("disappearing", 0, (0, 1, 2)), ("appearing", 1, (1, 2, 3))):
        own = rows[rows["direction"] == direction].set_index("sae")
        assert list(own.index) == [f"{layer}-s" for layer in layers]
        for layer in layers:
            silent_ones = [f for f in of_layer(layer) if {"dead", "rare"} & set(FEATURES[f][2:])]
            counted = [f for f in of_layer(layer) if f not in silent_ones]
            best = {f: max((m[0] for ends, m in EDGES.items() if ends[end] == f), default=-1.0) for f in counted}
            expected = (sum(value < threshold for value in best.values()), len(counted), len(silent_ones))
            row = own.loc[f"{layer}-s"]
            assert (row["without counterpart"], row["compared"], row["dead or rare"]) == expected


def test_the_curve_shows_its_numbers_and_the_paper_stands_where_a_threshold_is_its(graph: Graph) -> None:
    part = section(graph, "thresholds")
    (table,) = part.tables
    listed = table.rows.set_index("threshold")
    column = f"disappearing, {paper.NAME} (paper)"
    assert list(listed[column].dropna().index) == ["0.4", "0.5", "0.95"]
    assert listed.loc["0.4", column] == "19.7% (layers 13.8 to 29.8%)"
    data = part.data
    assert data is not None
    own = data[(data["direction"] == "disappearing") & (data["sae"] == "0-s")]
    line = next(trace for trace in part.figure.data if trace.name == "0-s")  # type: ignore[union-attr]
    assert list(line.y) == pytest.approx((own["without counterpart"] / own["compared"]).tolist())


def test_states_are_those_of_the_features(graph: Graph) -> None:
    rows = numbers(graph, "states").set_index("sae")
    for layer in (0, 1, 2):
        states = [FEATURES[feature][3] for feature in of_layer(layer)]
        expected = [states.count(name) for name in ("passed_through", "transformed", "disappearing")]
        assert rows.loc[f"{layer}-s", ["passed_on", "transformed", "disappearing"]].tolist() == expected
    assert rows.loc["3-s", "disappearing"] is pd.NA
    assert rows[["dead", "rare"]].sum().tolist() == [1, 1]


def test_chains_are_drawn_with_the_correlation_of_each_link(graph: Graph) -> None:
    rows = numbers(graph, "chains")
    first = [("0/0", "1/0"), ("1/0", "2/0"), ("2/0", "3/0")]
    found = {(row.source, row.target): row.value for row in rows.itertuples()}
    assert {(whole(u), whole(d)): EDGES[u, d][0] for u, d in first}.items() <= found.items()


@pytest.mark.parametrize(("anchor", "kind", "column"), [("and-gates", "AND", 1), ("or-gates", "OR", 2)])
def test_gates_are_drawn_with_the_measure_that_tells_of_them(graph: Graph, anchor: str, kind: str, column: int) -> None:
    part = section(graph, anchor)
    best = [gate for gate in GATES if gate.kind == kind and gate.verdict == "gate" and gate.rank == 0]
    kept = [gate for gate in best if not any(f == "1/8" for f in (*gate.inputs, gate.output))]  # positional
    assert len(part.drawings) == len(kept)
    assert part.data is not None
    found = {(row.source, row.target): row.value for row in part.data.itertuples() if row.value == row.value}
    edges = [(u, gate.output) for gate in kept for u in gate.inputs]
    assert found == {(whole(u), whole(d)): EDGES[u, d][column] for u, d in edges}
    for gate, drawing in zip(sorted(kept, key=lambda gate: -(gate.gain or 0)), part.drawings, strict=True):
        names = [FEATURES[f][0] for f in (*gate.inputs, gate.output)]
        assert all(f">{name}</text>" in drawing.svg for name in names)


def test_a_feature_that_appears_is_drawn_with_what_is_nearest(graph: Graph) -> None:
    found = examples.appearing(asked(graph))
    assert [example.features[0] for example in found] == [whole("1/2"), whole("3/1"), whole("2/5")]
    assert [example.caption for example in found] == [
        "1-s/2 appears: no edge to the layer before; active on 700 tokens. Lines: Pearson.",
        "3-s/1 appears: its best Pearson with the layer before is 0.22; active on 650 tokens. Lines: Pearson.",
        "2-s/5 appears: its best Pearson with the layer before is 0.20; active on 450 tokens. Lines: Pearson.",
    ]
    assert set(found[1].features[1:]) == {whole("2/2"), whole("2/3")}
    rows = numbers(graph, "appearing")
    assert set(rows.loc[rows["example"] == 2, "value"]) == {0.2, 0.22}


def test_splits_and_specialisations_are_those_of_the_queries(graph: Graph) -> None:
    (split,) = examples.splits(asked(graph))
    assert split.features == (whole(SPLITS[0][0]), *map(whole, SPLITS[0][1]))
    special = {(u, d) for (u, d), m in EDGES.items() if m[1] >= 0.9 and m[2] <= 0.3 and m[5] >= 10 and u != "1/8"}
    found = [(example.features[0], other) for example in examples.specialisations(asked(graph))
             for other in example.features[1:]]  # fmt: skip
    assert set(found) <= {(whole(u), whole(d)) for u, d in special}
    assert len({general for general, _ in found}) == examples.SHOWN
    assert found[0][0] == found[1][0]  # those with several special features come first


def test_gates_are_listed_with_every_count_of_their_tables(graph: Graph) -> None:
    rows = numbers(graph, "gate-tables").set_index(["kind", "output"])
    for gate in GATES:
        if gate.verdict == "gate" and gate.rank == 0 and "1/8" not in gate.inputs:
            row = rows.loc[(gate.kind, whole(gate.output))]
            combinations = [f"{n:0{len(gate.inputs)}b}" for n in range(2 ** len(gate.inputs))]
            assert tuple(row[f"tokens_{on}"] for on in combinations) == gate.tokens
            assert tuple(row[f"active_{on}"] for on in combinations) == gate.active
    figure = section(graph, "gate-tables").figure
    assert figure is not None
    assert list(figure.data[0].z[0]) == [0, 0.1, 1 / 280, 0.9]  # the AND of two inputs
    assert figure.data[0].text[0][3] == "20/18"


def test_candidates_of_the_papers_rule_are_counted(graph: Graph) -> None:
    rows = numbers(graph, "gate-counts")
    by_table = rows[rows["rule"] == "truth table"].set_index("kind")["false per gate kept"]
    assert by_table.to_dict() == {"AND": 0.5 / 3, "OR": 0.5 / 2, "AND NOT": 0.5}
    candidates = rows[rows["rule"] == "paper"].set_index(["kind", "threshold"])["candidates"]
    for kind, column in (("AND", 1), ("OR", 2)):
        strong = pd.Series([d for (_, d), m in EDGES.items() if m[column] >= 0.999 and m[5] >= 10]).value_counts()
        assert candidates[kind, "0.999"] == (strong == 2).sum()


@pytest.mark.parametrize("anchor", ["quality", "maxima", "densities", "distributions", "sizes", "coherence"])
def test_the_numbers_of_a_figure_are_in_its_csv(graph: Graph, anchor: str) -> None:
    part = section(graph, anchor)
    assert part.figure is not None
    assert part.data is not None
    there = {float(value) for value in part.data.select_dtypes("number").to_numpy(float, na_value=np.nan).ravel()}
    names = ("y", "q1", "q3", "median", "lowerfence", "upperfence")
    for trace in part.figure.data:
        shown = [value for name in names if name in trace for value in (trace[name] if trace[name] is not None else ())]
        assert {float(value) for value in shown if value is not None and value == value} <= there, trace.name


def test_the_newest_prompt_is_drawn_and_another_where_it_is_named(graph: Graph) -> None:
    assert [row.feature for row in numbers(graph, "prompt-features").itertuples()] == [whole("0/1")]
    rows = numbers(graph, "prompt-features", prompt="law")
    assert set(rows["feature"]) == {whole(feature) for feature, *_ in ACTIVE["law"]}
    figure = section(graph, "prompt-features", prompt="law").figure
    assert figure is not None
    (dots,) = [trace for trace in figure.data if trace.mode == "markers+text"]
    assert sorted(dots.customdata) == sorted(rows["feature"])
    with pytest.raises(InputError, match="has no prompt 'lwa'"):
        chapters(graph, prompt="lwa")


def test_edges_are_counted_once_in_every_distribution(graph: Graph, place: str) -> None:
    rows = numbers(graph, "distributions")
    columns = {"pearson": 0, "necessity": 1, "sufficiency": 2, "decoder_cosine": 3, "lift": 4}
    assert set(rows["measure"]) == set(columns)
    for name, column in columns.items():
        own = rows[rows["measure"] == name]
        for layer in range(3):
            values = [m[column] for (u, _), m in EDGES.items() if u.startswith(f"{layer}/") and m[column] is not None]
            assert own.loc[own["sae"] == f"{layer}-s", "edges"].sum() == len(values)
        for row in own.itertuples():
            inside = [
                m for (u, _), m in EDGES.items()
                if f"{u[0]}-s" == row.sae and m[column] is not None and row._3 <= m[column]  # type: ignore[operator]
                and (m[column] < row.to or row.to == 1.0)  # type: ignore[operator]
            ]  # fmt: skip
            assert row.edges == len(inside)


@pytest.mark.parametrize("name", ["pearson", "necessity"])
def test_pairs_of_labels_are_drawn_by_the_seed_wherever_they_are_read(graph: Graph, folder: Path, name: str) -> None:
    def drawn(seed: int, count: int = 3) -> list[tuple[int, str, str, float]]:
        found = sampled(graph.connection, KNOWN, BY_NAME[name], count=count, seed=seed)
        return [(level, edge.source, edge.target, edge.value) for level, edge in found]

    by_seed = {seed: drawn(seed) for seed in range(8)}
    with _renamed(folder):
        assert {seed: drawn(seed) for seed in range(8)} == by_seed
    assert len({tuple(rows) for rows in by_seed.values()}) > 1
    everything = drawn(0, 1000)
    values = {(whole(u), whole(d)): m[0 if name == "pearson" else 1] for (u, d), m in EDGES.items()}
    assert {(u, d): value for _, u, d, value in everything} == values
    for level, *_, value in everything:
        assert level == min(int(value * LEVELS), LEVELS - 1)
    for rows in by_seed.values():
        assert set(rows) <= set(everything)
        for level in range(LEVELS):
            there = sum(found == level for found, *_ in everything)
            assert sum(found == level for found, *_ in rows) == min(there, 3)


@contextmanager
def _renamed(folder: Path) -> Iterator[None]:
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    yield
    elsewhere.rename(folder)


def test_a_larger_draw_holds_a_smaller_one(graph: Graph) -> None:
    few, more = (sampled(graph.connection, KNOWN, BY_NAME["pearson"], count=n, seed=1) for n in (1, 2))
    assert set(few) <= set(more)


@pytest.mark.parametrize(
    ("measure", "message"),
    [("lift", "lift has no levels"), ("jaccard", "has no jaccard"), ("pearsn", "no measure 'pearsn'")],
)
def test_a_measure_without_levels_is_refused(graph: Graph, measure: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        chapters(graph, measure=measure)


def test_labels_of_pairs_stand_beside_their_value(graph: Graph) -> None:
    rows = numbers(graph, "labels", measure="sufficiency")
    for row in rows.itertuples():
        ends = tuple("/".join([end.split("/")[1][0], end.split("/")[2]]) for end in (row.source, row.target))
        assert row.value == EDGES[ends][2]  # type: ignore[index]
        assert (row._6, row._8) == tuple(FEATURES[end][0] for end in ends)


def test_without_split_halves_the_command_is_named(graph: Graph) -> None:
    assert "--split-half" in str(chapters(graph)["convergence"].note)


@pytest.fixture
def halved(server: LocalServer, tmp_path: Path) -> Iterator[tuple[Graph, Path]]:
    """Yield a graph with a run whose halves were counted, and its directory."""
    values = [0.05, 0.31, 0.32, 0.38, 0.95, 1.0]
    columns = {"pearson": values, "pearson_moved": [0.5, 0.1, 0.2, 0.6, 0.01, None], "necessity": values}
    ends = {"source": [f"m/0-a/{n}" for n in range(6)], "target": [f"m/1-a/{n}" for n in range(6)]}
    run = handmade(tmp_path, "halved", found=False, **ends, **columns)
    with Connection(server.address()) as connection:
        load(connection, run)
        yield Graph(connection), run.path
        drop(connection, "halved")


def test_halves_are_compared_level_by_level(halved: tuple[Graph, Path]) -> None:
    graph, path = halved
    expected = [(0, 1, 0.5, 0.5), (3, 3, 0.2, 0.52), (9, 1, 0.01, 0.01)]
    for _ in ("here", "away"):
        found = [each for each in moved(graph.connection, "halved") if each.measure == "pearson"]
        assert [(each.level, each.edges) for each in found] == [each[:2] for each in expected]
        assert [(each.median, each.high) for each in found] == [pytest.approx(each[2:]) for each in expected]
        assert {each.measure for each in moved(graph.connection, "halved")} == {"pearson"}
        if path.exists():
            path.rename(path.with_name("elsewhere"))


def test_an_imported_run_has_a_chapter_for_each_and_says_what_is_missing(graph: Graph, place: str) -> None:
    found = chapters(graph, BARE)
    assert list(found) == list(chapters(graph))
    assert found["communities"].note == f"No communities were looked for. This finds some: `saedb communities {BARE}`"
    notes = {s.anchor: s.note for chapter in found.values() for s in chapter.sections if s.note is not None}
    assert {"text", "rules", "quality", "chains", "and-gates", "or-gates", "splits", "gate-counts", "chance"} - set(
        notes
    ) <= {"text", "chains"}
    assert f"saedb gates {BARE}" in notes["and-gates"]
    assert found["flow"].note is None


def test_a_run_of_one_pair_and_one_without_edges_have_a_report(server: LocalServer, tmp_path: Path) -> None:
    for name, features in (("single", 2), ("empty", 0)):
        found = _reported(server, _tiny(tmp_path, name, features))
        assert len(found) == len(all_chapters.CHAPTERS)
        assert (found["similarity"].note is None) == bool(features)


def test_the_papers_numbers_stand_beside_those_of_its_own_saes_only(server: LocalServer, tmp_path: Path) -> None:
    ours = _reported(server, _tiny(tmp_path, "ours", 3))
    papers = _reported(server, _tiny(tmp_path, "papers", 3, model="gpt2-small", set_="res-jb"))
    for found, is_papers in ((ours, False), (papers, True)):
        maxima = found["activations"].sections[0]
        quality = found["run"].sections[2]
        assert maxima.data is not None
        assert quality.data is not None
        assert (f"largest ({paper.NAME}, paper)" in maxima.data) == is_papers
        assert len(maxima.tables) == (1 if is_papers else 2)
        assert (f"dead, {paper.NAME} (paper)" in quality.data) == is_papers
    maxima, quality = papers["activations"].sections[0].data, papers["run"].sections[2].data
    assert maxima is not None
    assert quality is not None
    assert maxima[f"largest ({paper.NAME}, paper)"].tolist() == [4.93, 61.98]
    assert quality[f"dead, {paper.NAME} (paper)"].tolist() == [4189 / 24576, 2920 / 24576]


def _reported(server: LocalServer, run: RunDirectory) -> dict[str, Chapter]:
    with Connection(server.address()) as connection:
        load(connection, run)
        try:
            return chapters(Graph(connection), run.record.id)
        finally:
            drop(connection, run.record.id)


def _tiny(folder: Path, name: str, features: int, model: str = "m", set_: str = "s") -> RunDirectory:
    """Return a run of two SAEs with so many features each and an edge between each two, or without any."""
    ends = [f"{layer}-{set_}" for layer in (0, 1)]
    saes = tuple(SaeRecord(id=id_, layer=n, set=set_, depth=n, d_sae=features) for n, id_ in enumerate(ends))
    record = RunRecord(
        id=name, kind="ingest", model=model, created="2026-01-01T00:00:00+00:00", config={}, saes=saes,
        pairs=((ends[0], ends[1]),),
    )  # fmt: skip
    run = RunDirectory.create(folder / name, record)
    places = [(layer, n) for layer in (0, 1) for n in range(features)]
    rows: dict[str, list[Any]] = {
        "id": [f"{model}/{ends[layer]}/{n}" for layer, n in places],
        "sae": [ends[layer] for layer, _ in places],
        "layer": [layer for layer, _ in places],
        "depth": [layer for layer, _ in places],
        "index": [n for _, n in places],
        "max": [1.0 + n for _, n in places],
        "state_in": ["transformed"] * len(places),
        "state_out": ["transformed"] * len(places),
    }
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [tables.rows(tables.FEATURES, rows)])
    edges = {"source": rows["id"][:features], "target": rows["id"][features:], "jaccard": [0.5] * features}
    run.write(tables.EDGES, rundir.edges_file(ends[0], ends[1]), [tables.rows(tables.EDGES, edges)])
    run.update(status="complete")
    return run
