import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from known_graph import known_run

from saedb.cli.main import CommandLine
from saedb.cli.pack import pack
from saedb.ingest.archive import unpack
from saedb.ingest.rundir import RunDirectory


class Only(CommandLine):
    """The command line with this one command."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return pack


def packed(*arguments: str) -> Result:
    return CliRunner().invoke(Only("saedb"), ["pack", *arguments])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return known_run(tmp_path / "runs")


def test_the_file_its_size_and_the_next_step_are_told(run: RunDirectory, tmp_path: Path) -> None:
    result = packed(run.record.id, "--output", "json")
    assert result.exit_code == 0, result.output
    file = Path(f"{run.record.id}.saedb.zip")
    assert json.loads(result.stdout) == [
        {"run": run.record.id, "file": str(file), "tables": len(run.record.files), "bytes": file.stat().st_size}
    ]
    assert result.stderr.splitlines()[-1] == f"  saedb load {file}"
    assert unpack(file, tmp_path / "there").content_hash == run.content_hash


def test_a_run_is_packed_by_path_into_the_file_that_is_named(run: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "other.zip"
    result = packed(str(run.path), "--to", str(file))
    assert result.exit_code == 0, result.output
    assert str(file) in result.stdout
    assert list(Path().iterdir()) == []
    content = file.read_bytes()
    assert packed(str(run.path), "--to", str(file)).exit_code == 0
    assert file.read_bytes() == content


def test_another_file_is_replaced_by_force_only(run: RunDirectory) -> None:
    file = Path("notes.txt")
    file.write_text("notes")
    result = packed(run.record.id, "--to", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr == "Error: notes.txt is there and holds something else; give another file with --to, or --force\n"
    )
    assert file.read_text() == "notes"
    assert packed(run.record.id, "--to", str(file), "--force").exit_code == 0


@pytest.mark.parametrize("name", ["absent", "../absent", "a`b", "a\nb", "x" * 5000])
def test_no_run_is_one_line(run: RunDirectory, name: str) -> None:
    result = packed(name)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []
