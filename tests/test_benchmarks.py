"""The benchmarks compare like with like, on layers that are what they say, and write what they declare."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import accuracy, endtoend, report
from benchmarks.alternatives import DenseProduct, SparseProducts
from benchmarks.engine import kept_pairs, task_of
from benchmarks.figures import Goal, Kind
from benchmarks.generator import DOWNSTREAM, MISSED, NOISE, PASSED_THROUGH, STRETCH_TOKENS, UPSTREAM, Layers

from saedb.ingest.config import PRESETS, IngestConfig
from saedb.ingest.rule import EdgeRule
from saedb.ingest.sparse import SparseRows, stacked

WIDTH = 600
TOKENS = 16_384
PAPER = EdgeRule.of(IngestConfig(inputs=("made up",), **PRESETS["paper"]))
KEYS = {"figure", "case", "value", "unit", "goal", "met", "measured"}
RATIO = Kind(name="speed", unit="times as fast", meaning="This against that.")


@pytest.fixture(scope="module")
def layers() -> Layers:
    return Layers(8, width=WIDTH)


def activations(layers: Layers, tokens: int = TOKENS) -> tuple[SparseRows, SparseRows]:
    parts = list(layers.stretches(tokens))
    up, down = (stacked([part.rows[sae] for part in parts]) for sae in (UPSTREAM, DOWNSTREAM))
    return up, down


def dense(rows: SparseRows) -> np.ndarray:
    full = np.zeros((len(rows), rows.width), np.float32)
    full[rows.row_of, rows.indices] = rows.values
    return full


def same(one: SparseRows, other: SparseRows) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("indptr", "indices", "values"))


def test_made_up_layers_are_the_same_for_the_same_seed(layers: Layers) -> None:
    again, other = Layers(8, width=WIDTH), Layers(8, width=WIDTH, seed=1)
    for one, two, three in zip(activations(layers), activations(again), activations(other), strict=True):
        assert same(one, two)
        assert not same(one, three)


def test_a_longer_text_starts_with_the_whole_stretches_of_a_shorter_one() -> None:
    layers = Layers(2, width=64)
    short, long = list(layers.stretches(STRETCH_TOKENS)), list(layers.stretches(STRETCH_TOKENS + 100))
    assert [len(part.counted) for part in long] == [STRETCH_TOKENS, 100]
    assert same(short[0].rows[DOWNSTREAM], long[0].rows[DOWNSTREAM])
    assert long[1].documents[0] > long[0].documents[-1]


@pytest.mark.parametrize("active", [4, 12])
def test_tokens_have_as_many_features_as_asked_for_in_both_layers(active: int) -> None:
    for rows in activations(Layers(active, width=WIDTH)):
        assert len(rows.values) / len(rows) == pytest.approx(active, rel=0.1)
        assert rows.values.min() > 0


def test_columns_ascend_and_none_is_there_twice(layers: Layers) -> None:
    for rows in activations(layers):
        assert (np.diff(rows.row_of * rows.width + rows.indices) > 0).all()


def test_densities_spread_over_decades_and_half_of_the_firings_are_active(layers: Layers) -> None:
    up = activations(layers)[0]
    fired = np.bincount(up.indices, minlength=WIDTH)
    assert np.quantile(fired, 0.95) > 50 * max(np.quantile(fired, 0.05), 1)
    statistics = task_of(layers.text(TOKENS), WIDTH).statistics[0]
    assert statistics.n_active.sum() / statistics.n_positive.sum() == pytest.approx(0.5, abs=0.1)


def test_most_features_are_passed_through_with_noise_and_misses_and_the_others_are_not(layers: Layers) -> None:
    up, down = (dense(rows) for rows in activations(layers))
    often = ((up > 0).sum(axis=0) > 100) & ((down > 0).sum(axis=0) > 0)[layers.successor]
    passed, alone = np.flatnonzero(layers.passed & often), np.flatnonzero(~layers.passed & often)
    assert layers.passed.mean() == pytest.approx(PASSED_THROUGH, abs=1 / WIDTH)
    missed = [1 - (down[up[:, u] > 0, layers.successor[u]] > 0).mean() for u in passed]
    assert np.mean(missed) == pytest.approx(MISSED, abs=0.01)
    for u in passed:
        a, b = up[:, u], down[:, layers.successor[u]]
        both = (a > 0) & (b > 0)
        assert np.log(b[both] / a[both]).std() == pytest.approx(NOISE, rel=0.3)
        assert np.corrcoef(a, b)[0, 1] > 0.7
    assert all(np.corrcoef(up[:, u], down[:, layers.successor[u]])[0, 1] < 0.5 for u in alone)


def test_tokens_of_a_document_share_features(layers: Layers) -> None:
    up = dense(activations(layers)[0]) > 0
    document = np.concatenate([part.documents for part in layers.stretches(TOKENS)])
    token = np.random.default_rng(0).integers(TOKENS, size=(2, 20_000))
    shared = (up[token[0]] & up[token[1]]).sum(axis=1)
    together = document[token[0]] == document[token[1]]
    assert shared[together].mean() > 1.5 * shared[~together].mean()


@pytest.mark.parametrize("rows", [WIDTH, 100])
def test_scipy_and_the_engine_keep_the_same_pairs_by_the_papers_rule(layers: Layers, rows: int) -> None:
    task = task_of(layers.text(TOKENS), WIDTH, PAPER)
    kept = [part.upstream.astype(np.int64) * WIDTH + part.downstream for part in kept_pairs(task)]
    ours, theirs = np.concatenate(kept), SparseProducts(task).pairs(rows)
    assert len(ours) > 1000
    assert np.array_equal(ours, theirs)


def test_the_dense_product_adds_its_tokens_each_time(layers: Layers) -> None:
    task = task_of(layers.text(TOKENS), WIDTH)
    product = DenseProduct(SparseProducts(task), 100)
    up, down = (dense(rows)[:100] for rows in activations(layers))
    for times in (1, 2):
        np.testing.assert_allclose(product.add().numpy(), times * (up.T @ down), rtol=1e-4, atol=1e-4)


def test_the_engine_agrees_with_float64(layers: Layers) -> None:
    figures = accuracy.accuracy("8", task_of(layers.text(TOKENS), WIDTH))
    assert [figure.met for figure in figures] == [True, True, True]


def test_the_share_of_the_edges_is_of_all_stages() -> None:
    figure = endtoend.share("demo", {"encode": 6.0, "edges": 1.0, "labels": 3.0})
    assert (figure.value, figure.met) == (0.1, True)


def test_an_estimate_is_off_by_the_larger_over_the_smaller() -> None:
    told = endtoend.Amounts(seconds=10.0, memory=300, disk=100)
    taken = endtoend.Amounts(seconds=20.0, memory=200, disk=100)
    figures = endtoend.off("demo", told, taken)
    assert [(figure.value, figure.met) for figure in figures] == [(2.0, False), (1.5, True), (1.0, True)]


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal.at_least(20), 20.0, True),
        (Goal.at_least(20), 19.9, False),
        (Goal.at_most(11), 11.0, True),
        (Goal.at_most(11), 11.1, False),
        (Goal.at_most(11), None, None),
        (None, 5.0, None),
    ],
)
def test_a_figure_meets_its_goal_or_has_none(goal: Goal | None, value: float | None, met: bool | None) -> None:
    assert RATIO.figure("60", value, goal, measured="").met is met


def test_results_are_written_for_people_and_for_programs(tmp_path: Path) -> None:
    figures = [
        RATIO.figure("60", 21.5, Goal.at_least(20), measured="1 s, 21.5 s"),
        RATIO.figure("100", None, Goal.at_least(6), measured="not installed"),
    ]
    report.write("engine", figures, "A heading", tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["engine"]["figures"] == [figure.row() for figure in figures]
    assert results["engine"]["figures"][0] == {
        "figure": "speed", "case": "60", "value": 21.5, "unit": "times as fast", "goal": ">= 20", "met": True,
        "measured": "1 s, 21.5 s",
    }  # fmt: skip
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| speed | 60 | 21.5 times as fast | >= 20 | yes | 1 s, 21.5 s |" in page
    assert "| speed | 100 | not measured | >= 6 |  | not installed |" in page
    assert RATIO.meaning in page


def test_a_part_that_is_measured_again_leaves_the_other_parts_alone(tmp_path: Path) -> None:
    for part, value in (("engine", 1.0), ("graph", 2.0), ("engine", 3.0)):
        report.write(part, [RATIO.figure(part, value, measured="")], f"All of {part}", tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert {part: result["figures"][0]["value"] for part, result in results.items()} == {"engine": 3.0, "graph": 2.0}
    page = (tmp_path / "RESULTS.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("# ")] == ["# All of engine", "# All of graph"]


def test_the_results_that_are_kept_have_the_declared_form() -> None:
    results = json.loads((report.FOLDER / "results.json").read_text())
    page = (report.FOLDER / "RESULTS.md").read_text()
    assert page == "\n".join(report.page(result) for result in results.values())
    rows = [row for result in results.values() for row in result["figures"]]
    assert rows
    for row in rows:
        assert set(row) == KEYS
        assert f"| {row['figure']} | {row['case']} |" in page
        assert (row["met"] is None) == (row["goal"] is None or row["value"] is None)
