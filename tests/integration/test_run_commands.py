"""The commands of runs, on the real server."""

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
    assert "nothing changed" in _command(server, "load", "commands").stderr
    assert '"run": "commands"' in _command(server, "runs", "--output", "json").stdout
    assert _command(server, "drop", "commands", input="n\n").exit_code == 1
    assert '"run": "commands"' in _command(server, "runs", "--output", "json").stdout
    assert _command(server, "drop", "commands", "--yes").exit_code == 0
    assert '"run": "commands"' not in _command(server, "runs", "--output", "json").stdout
