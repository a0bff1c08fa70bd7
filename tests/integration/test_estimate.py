"""What is said of a run before it is made, beside what it then is: on a tiny random model and SAEs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tinyrun import tiny_config

from saedb.cli.main import main
from saedb.ingest.config import PRESETS, IngestConfig
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.estimate import Estimate, estimate
from saedb.ingest.materials import gather
from saedb.ingest.pipeline import ingest
from saedb.ingest.progress import silent
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.sample import sample_of
from saedb.ingest.stages import Stages

SAMPLE = 300


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> IngestConfig:
    return tiny_config(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def run(config: IngestConfig, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return ingest(config, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def found(config: IngestConfig, tmp_path_factory: pytest.TempPathFactory) -> Estimate:
    return estimate(config, tmp_path_factory.mktemp("runs") / "tiny", sample=SAMPLE)


def disk(run: RunDirectory, *, edges: bool) -> int:
    return sum(file.bytes for name, file in run.record.files.items() if name.startswith("edges/") == edges)


def edges_of(run: RunDirectory) -> int:
    return sum(run.record.files[name].rows for name in run.edge_files)


def test_the_disk_is_within_half_as_much_again_of_what_the_run_takes(found: Estimate, run: RunDirectory) -> None:
    store = sum(file.stat().st_size for file in (run.path / "activations").rglob("*") if file.is_file())
    assert store / 1.5 < found.store < store * 1.5
    assert disk(run, edges=True) / 1.5 < found.edge_files.likely < disk(run, edges=True) * 1.5
    assert found.edge_files.low <= found.edge_files.likely <= found.edge_files.high
    assert disk(run, edges=False) / 2 < found.tables < disk(run, edges=False) * 2
    assert found.free > 0


@pytest.mark.parametrize("settings", [{}, {"min_support": 100, "min_documents": 20}, PRESETS["paper"]])
def test_the_edges_lie_in_the_range(config: IngestConfig, tmp_path: Path, settings: dict[str, Any]) -> None:
    own = replace(config, **settings)
    foretold = estimate(own, tmp_path / "tiny", sample=SAMPLE)
    edges = edges_of(ingest(own, tmp_path / "tiny"))
    assert foretold.edges.low <= edges <= foretold.edges.high
    assert edges / 1.5 < foretold.edges.likely < edges * 1.5


def test_every_stage_of_the_run_is_foretold(found: Estimate, run: RunDirectory) -> None:
    assert [stage.stage for stage in found.stages] == list(run.record.timings)
    assert all(stage.predicted >= stage.sample for stage in found.stages)
    assert found.seconds == pytest.approx(sum(stage.predicted for stage in found.stages))
    assert found.limiting in found.stages
    assert found.memory > 100e6


def test_a_text_known_to_its_end_is_told_from_one_that_may_be_shorter(config: IngestConfig, tmp_path: Path) -> None:
    sure = estimate(config, tmp_path / "tiny", sample=SAMPLE)
    assert (sure.sample, sure.tokens, sure.exact) == (SAMPLE, 1200, True)
    unsure = estimate(replace(config, tokens=10_000), tmp_path / "tiny", sample=12)
    assert (unsure.sample, unsure.tokens, unsure.exact) == (48, 10_008, False)


def test_a_text_shorter_than_the_sample_is_computed_as_it_is(
    config: IngestConfig, run: RunDirectory, tmp_path: Path
) -> None:
    found = estimate(config, tmp_path / "tiny")
    assert (found.sample, found.tokens) == (1200, 1200)
    assert found.edges.low == found.edges.likely == found.edges.high == edges_of(run)
    assert found.edge_files.likely == disk(run, edges=True)
    assert all(stage.predicted == stage.sample for stage in found.stages)
    assert estimate(replace(config, tokens=12), tmp_path / "tiny").tokens == 12


def test_a_text_of_too_few_documents_has_no_edge(config: IngestConfig, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("the cat sat on the mat . " * 200)
    found = estimate(replace(config, dataset=str(tmp_path / "one.txt")), tmp_path / "runs" / "tiny", sample=SAMPLE)
    assert (found.edges.low, found.edges.high) == (0, 0)


def test_the_sample_is_contexts_from_all_over_the_text_as_they_are(config: IngestConfig) -> None:
    whole = gather(config, "cpu", Stages(silent))
    part = sample_of(whole, 10).contexts
    assert part.tokens.shape == part.documents.shape == (10, whole.contexts.tokens.shape[1])
    found = [int(np.flatnonzero((whole.contexts.tokens == row).all(axis=1))[0]) for row in part.tokens]
    np.testing.assert_array_equal(whole.contexts.documents[found], part.documents)
    assert (found[0], found[-1]) == (0, 99)
    assert set(np.diff(found)) == {11}
    assert part.first_half_contexts == 5


class Stop:
    """Interrupts the report of a stage when so much is done."""

    def __init__(self, stage: str, done: int) -> None:
        self._at = stage, done

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if (stage, done) == self._at:
            raise KeyboardInterrupt


def test_nothing_is_left_behind(config: IngestConfig, tmp_path: Path) -> None:
    estimate(config, tmp_path / "runs" / "tiny", sample=SAMPLE)
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        estimate(config, tmp_path / "runs" / "tiny", Stop("sample", 2), sample=SAMPLE)
    assert not list(tmp_path.iterdir())


def test_the_sample_is_written_where_the_runs_are(config: IngestConfig, tmp_path: Path) -> None:
    seen: list[Path] = []

    def report(stage: str, done: int, total: int | None) -> None:
        seen.extend(tmp_path.rglob("*.values.npy"))

    (tmp_path / "runs").mkdir()
    estimate(config, tmp_path / "runs" / "tiny", report, sample=SAMPLE)
    assert seen
    assert all((tmp_path / "runs") in file.parents for file in seen)


def test_what_ingest_refuses_is_refused_in_the_same_words(
    config: IngestConfig, run: RunDirectory, tmp_path: Path
) -> None:
    for wrong, path in [
        (replace(config, min_support=7), run.path),
        (replace(config, dataset=str(tmp_path / "nothing.txt")), tmp_path / "tiny"),
        (replace(config, layers="9"), tmp_path / "tiny"),
        (replace(config, memory="1MB"), tmp_path / "tiny"),
    ]:
        said: list[str] = []
        for refuse in (ingest, estimate):
            with pytest.raises((InputError, RunError)) as caught:
                refuse(wrong, path)
            said.append(str(caught.value).partition(" give --memory at least")[0])
        assert said[0] == said[1]


def test_a_run_that_is_there_is_not_touched(config: IngestConfig, run: RunDirectory) -> None:
    before = {file: file.stat().st_mtime_ns for file in run.path.parent.rglob("*")}
    estimate(config, run.path, sample=SAMPLE)
    assert {file: file.stat().st_mtime_ns for file in run.path.parent.rglob("*")} == before


@pytest.fixture
def arguments(config: IngestConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    given = ["--model", str(config.model), "--dataset", config.dataset, "--tokens", "1200", "--run", "my-run"]
    return [*config.inputs, *given]


def said(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result


def test_the_page_tells_time_memory_disk_edges_and_the_next_step(arguments: list[str], tmp_path: Path) -> None:
    result = said("estimate", *arguments)
    assert result.stdout.startswith("A run of 1,200 tokens, from a sample of 1,200:")
    starts = [line.split()[0] for line in result.stdout.splitlines() if line]
    assert {"stage", "encode", "edges", "labels", "time", "memory", "disk"} <= set(starts)
    assert "for the activation store" in result.stdout
    assert "between" in result.stdout
    assert result.stderr.splitlines()[-1] == f"Start it with: saedb ingest {' '.join(arguments)}"
    assert not list(tmp_path.iterdir())


def test_ingest_with_estimate_tells_the_same_and_makes_no_run(arguments: list[str], tmp_path: Path) -> None:
    pages = [said(*command, *arguments) for command in (["estimate"], ["ingest", "--estimate"])]
    rows = [[line.split()[0] for line in page.stdout.splitlines() if line] for page in pages]
    edges = [page.stdout.splitlines()[-1] for page in pages]
    assert rows[0] == rows[1]
    assert edges[0] == edges[1]
    assert pages[0].stderr.splitlines()[-1] == pages[1].stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_programs_get_a_list_of_figures(arguments: list[str]) -> None:
    result = said("estimate", *arguments, "--output", "json")
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    figures = {(row["figure"], row["case"]): row for row in rows}
    assert {"time", "memory", "disk", "edges", "limiting stage", "tokens"} == {figure for figure, _ in figures}
    assert figures["disk", "activation store"]["predicted"] > 0
    edges = figures["edges", "in all"]
    assert edges["low"] <= edges["predicted"] <= edges["high"]
    assert figures["time", "in all"]["predicted"] == pytest.approx(
        sum(row["predicted"] for (figure, case), row in figures.items() if figure == "time" and case != "in all")
    )
    assert "--output" not in result.stderr.splitlines()[-1]
