"""The commands of runs, on the real server."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from toygraph import edge_rows

from saedb.cli.main import main
from saedb.cypher.server.local import LocalServer


def _command(server: LocalServer, *arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, [*arguments, "--home", str(server.layout.home)], **options)


def test_the_commands_go_from_a_table_to_communities_and_back(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NEO4J_URI", "SAEDB_RUNS"):
        monkeypatch.delenv(name, raising=False)
    table = tmp_path / "table.csv"
    edge_rows().drop(columns="jaccard").rename(columns={"pearson": "value"}).to_csv(table, index=False)
    imported = (
        "import-edges",
        str(table),
        "--measure",
        "pearson",
        "--model",
        "toy",
        "--set",
        "res",
        "--run",
        "commands",
    )
    result = _command(server, *imported)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(f"server: {server.address().uri}")
    assert str(len(edge_rows())) in result.stdout.replace(",", "")
    assert "saedb communities commands" in result.stderr
    assert "nothing changed" in _command(server, *imported).stderr
    result = _command(server, "communities", "commands")
    assert (result.exit_code, "choose with --measure pearson" in result.stderr) == (1, True)
    assert _command(server, "communities", "commands", "--measure", "pearson").exit_code == 0
    check_partitions(server)
    assert "nothing changed" in _command(server, "load", "commands").stderr
    assert '"run": "commands"' in _command(server, "runs", "--output", "json").stdout
    assert _command(server, "drop", "commands", input="n\n").exit_code == 1
    assert '"run": "commands"' in _command(server, "runs", "--output", "json").stdout
    assert _command(server, "drop", "commands", "--yes").exit_code == 0
    assert '"run": "commands"' not in _command(server, "runs", "--output", "json").stdout


def check_partitions(server: LocalServer) -> None:
    """Check that partitions are made, chosen, listed and taken away by the command."""
    asked = ("communities", "commands", "--measure", "pearson", "--output", "json")
    result = _command(server, *asked, "--name", "fine", "--resolution", "8", "--fast", "--levels")
    assert result.exit_code == 0, result.output
    assert "the same seed may give other communities" in result.stderr
    assert "saedb communities commands --use fine" in result.stderr
    asked_again = "--name fine --measure pearson --resolution 8 --levels --runs 20"
    assert f"saedb communities commands {asked_again}" in result.stderr
    rows = {row["partition"]: row for row in json.loads(result.stdout)}
    assert set(rows) > {"main", "fine"}
    assert rows["fine"]["communities"] > rows["main"]["communities"]
    assert (rows["main"]["is_default"], rows["fine"]["is_default"]) == (True, False)
    result = _command(server, "communities", "commands", "--use", "fine", "--output", "json")
    assert "--use" not in result.stderr
    shown = json.loads(result.stdout)
    assert [row["partition"] for row in shown if row["is_default"]] == ["fine"]
    found = _command(server, "query", "communities", "--run", "commands", "--partition", "fin")
    assert (found.exit_code, "did you mean fine" in found.stderr) == (1, True)
    for beside in (("--forget", "b"), ("--runs", "3"), ("--name", "x")):
        refused = _command(server, "communities", "commands", "--use", "fine", *beside)
        assert (refused.exit_code, "--use looks for nothing; leave out --" in refused.stderr) == (2, True)
    assert _command(server, "communities", "commands", "--algorithm", "cpm").exit_code == 1
    shown = json.loads(_command(server, "communities", "commands", "--forget", "fine", "--output", "json").stdout)
    assert [row["partition"] for row in shown] == ["main"]
