"""``saedb labels`` where no server is needed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from handmade import handmade

from saedb.cli.main import main
from saedb.ingest import rundir
from saedb.ingest.labelling.rule import RULE
from saedb.ingest.rundir import RunDirectory


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "80")
    return handmade(tmp_path / "runs", "run", found=False)


def labels(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["labels", *arguments, "--no-load", "--run", "run"], catch_exceptions=False)


def test_the_help_has_the_rule_and_every_command_an_example() -> None:
    help_ = " ".join(CliRunner().invoke(main, ["labels", "--help"]).output.split())
    assert RULE in help_
    for name in ("import", "auto", "prefer", "list", "forget"):
        text = CliRunner().invoke(main, ["labels", name, "--help"]).output
        assert f"saedb labels {name}" in text.split("Usage:")[1].split("\n", 1)[1]


def test_labels_are_imported_listed_and_forgotten(run: RunDirectory, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("feature,label,score\n0-a/3,mine,0.5\n0-a/99,beyond,\n0-a/4,,\nx\n")
    result = labels("import", str(table), "--source", "ours", "--prefer", "ours")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[2:9] == [
        "1 of 3 labels in the file are of features of run run.",
        "Without a text: 1",
        "Labels of features that it does not have: 1 (all: --misses FILE)",
        "  m/0-a/99",
        "Rows that hold no label: 1",
        "  names.csv:5 (1 cells, the header has more)",
        "",
    ]
    assert "Preferred to all others: ours." in result.stderr
    assert result.stderr.endswith(f"Next:\n  saedb load {run.path}\n")
    rows = json.loads(labels("list", "--output", "json").stdout)
    assert [(row["source"], row["labels"], row["preferred"], row["scored"]) for row in rows] == [
        ("auto", 36, 35, 0),
        ("ours", 1, 1, 1),
    ]
    assert labels("forget", "ours").exit_code == 0
    assert "ours" not in labels("list").stdout
    assert labels("forget", "auto").exit_code == 0
    nothing = labels("list")
    assert (nothing.stdout, "Run run has no labels; give it some" in nothing.stderr) == ("", True)
    assert [row["labels"] for row in json.loads(labels("auto", "--output", "json").stdout)] == [36]


def test_a_table_fits_a_narrow_terminal(run: RunDirectory) -> None:
    lines = labels("list").stdout.splitlines()
    assert [line.split() for line in lines[:3:2]] == [
        ["source", "labels", "features", "preferred", "imported"],
        ["auto", "36", "36", "36", "2026-01-01"],
    ]
    assert max(map(len, lines)) <= 80


def test_the_same_file_again_says_that_nothing_changed(run: RunDirectory, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("feature,label\n0-a/3,mine\n")
    labels("import", str(table))
    before = (run.path / rundir.RECORD_FILE).read_bytes()
    assert "Run run has these labels already; nothing changed." in labels("import", str(table)).stderr
    assert (run.path / rundir.RECORD_FILE).read_bytes() == before


def test_what_cannot_be_done_is_one_line(run: RunDirectory, tmp_path: Path) -> None:
    for arguments, message in (
        (("import", str(tmp_path / "nowhere")), "nowhere cannot be read: No such file or directory"),
        (("import", str(run.path / "edges")), "no labels in folder"),
        (("prefer", "ours"), "there are no labels of 'ours' to prefer; there are those of auto"),
        (("forget", "ours"), "run run has no labels of 'ours'; it has those of auto"),
    ):
        result = labels(*arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert message in result.stderr
    without = CliRunner().invoke(main, ["labels", "list", "--no-load"])
    assert (without.exit_code, "--no-load needs the --run that is meant" in without.stderr) == (2, True)
    unknown = CliRunner().invoke(main, ["labels", "list", "--no-load", "--run", "nope"])
    assert (unknown.exit_code, "no run at" in unknown.stderr) == (1, True)
