"""`saedb gates` and `saedb splits` without a server: the run directory is all they need."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from handmade import handmade
from toygraph import make_run

from saedb.cli.main import main
from saedb.ingest import rundir, tables
from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import RunDirectory

LOOSE = ("--min-f1", "0.1", "--min-gain", "0", "--row-support", "1")


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tinyrun  # and with it SAELens, for seconds

    folder = tmp_path_factory.mktemp("motifs")
    return ingest(tinyrun.tiny_config(folder, tokens=3000), folder / "runs/tiny").path


@pytest.fixture
def path(computed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(computed, tmp_path / "tiny"))


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--no-load"], env={"COLUMNS": "100"})


def test_gates_are_found_again_with_other_settings_and_the_best_are_shown(path: Path) -> None:
    before = RunDirectory.open(path)
    result = command("gates", path, *LOOSE)
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(path)
    assert run.content_hash != before.content_hash
    record = run.record.gates
    assert record is not None
    assert record.settings["min_f1"] == 0.1
    lines = result.stdout.splitlines()
    (counts,) = (line.split() for line in lines if line.startswith("AND NOT "))
    assert counts[2:4] == [f"{record.tested['AND_NOT']:,}", f"{record.kept['AND_NOT']:,}"]
    assert sum(line.startswith("The best AND NOT by gain") for line in lines) == 1
    assert sum(" AND NOT {" in line for line in lines) == 3
    assert max(map(len, lines)) <= 100
    assert f"saedb load {path}" in result.stderr


def test_the_best_gates_are_those_of_the_table_in_order(path: Path) -> None:
    shown = command("gates", path, *LOOSE).stdout
    rows = RunDirectory.open(path).read(tables.GATES, rundir.GATES_FILE).to_pylist()
    kept = [row for row in rows if (row["verdict"], row["rank"], row["kind"]) == ("gate", 0, "AND_NOT")]
    best = sorted(kept, key=lambda row: (-row["score"], -row["f1"], row["id"]))[:3]
    places = [shown.index(f"{row['f1']:.2f} ({row['f1_chosen']:.2f}), gain {row['gain']:.2f}") for row in best]
    assert places == sorted(places)
    for row in best:
        assert f"only first {row['tokens'][2]:,}/{row['active'][2]:,}, only second" in shown
        assert f"-> {row['output'].split('/', 1)[1]}" in shown


def test_as_json_the_counts_are_all(path: Path) -> None:
    rows = json.loads(command("gates", path, "--output", "json").stdout)
    record = RunDirectory.open(path).record.gates
    assert record is not None
    assert {row["kind"]: (row["tested"], row["kept"], row["by_chance"]) for row in rows} == {
        kind.replace("_", " "): (record.tested[kind], record.kept[kind], record.chance[kind]) for kind in record.kept
    }
    assert all((row["false_per_kept"] is None) == (row["kept"] == 0) for row in rows)


def test_splits_are_found_again_and_counted_by_sae(path: Path) -> None:
    result = command("splits", path, "--min-purity", "0.1", "--min-coverage", "0.1", "--max-overlap", "0.9")
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(path)
    rows = run.read(tables.SPLITS, rundir.SPLITS_FILE).to_pylist()
    assert rows
    counts = {line.split()[0]: line.split()[1:3] for line in result.stdout.splitlines() if line[1:7] == "-saes "}
    for sae, count in counts.items():
        mine = [row for row in rows if row["parent"].split("/")[1] == sae]
        assert count == [str(len(mine)), str(sum(len(row["children"]) for row in mine))]
    assert sum(int(splits) for splits, _ in counts.values()) == len(rows)
    best = max(rows, key=lambda row: row["score"])
    assert f"{len(best['children'])} parts, coverage {best['coverage']:.2f}" in result.stdout


def test_where_nothing_is_split_that_is_said(path: Path) -> None:
    result = command("splits", path, "--min-purity", "1", "--min-coverage", "1")
    assert (result.exit_code, result.stdout.strip()) == (0, "")
    assert "No feature is split; try a lower --min-coverage." in result.stderr


def test_a_run_without_activations_says_so(path: Path) -> None:
    shutil.rmtree(path / "activations")
    before = (path / "run.json").read_bytes()
    for name in ("gates", "splits"):
        result = command(name, path)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {path} has no activations; ")
    assert (path / "run.json").read_bytes() == before


def test_an_import_an_unfinished_run_and_no_run_are_one_line_each(tmp_path: Path) -> None:
    imported = make_run(tmp_path, "imported")
    unfinished = handmade(tmp_path, "unfinished")
    unfinished.update(status="computing")
    for path, message in (
        (imported.path, "run imported was imported, and edges do not tell which features are active together"),
        (unfinished.path, "run unfinished is not complete"),
        (tmp_path / "none", f"no run at {tmp_path / 'none'}"),
    ):
        result = command("gates", path)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {message}")
        assert len(result.stderr.splitlines()) == 1
