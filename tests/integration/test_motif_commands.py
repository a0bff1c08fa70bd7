"""`saedb gates` and `saedb splits` on a run that is in the graph."""

import json
import shutil
from pathlib import Path

from click.testing import CliRunner, Result
from rebuilding import fingerprint_of
from toygraph import make_run

from saedb.cli.main import main
from saedb.cypher import fingerprint
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.ingest.rundir import RunDirectory

LOOSE = ("--min-f1", "0.1", "--min-gain", "0", "--row-support", "1")
LOOSELY_SPLIT = ("--min-purity", "0.1", "--min-coverage", "0.1", "--max-overlap", "0.9")
ALL = ("--run", "tiny", "--every", "--positional", "--limit", "100000", "--output", "json")


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def check_fresh(connection: Connection, path: Path) -> None:
    """Check that the graph is what a load of the run directory makes."""
    assert fingerprint.of_graph(connection, run="tiny") == fingerprint_of(RunDirectory.open(path))
    assert "nothing changed" in command("load", "tiny").stderr


def test_gates_and_splits_are_replaced_in_the_run_and_in_the_graph(
    home: Path, arguments: list[str], connection: Connection
) -> None:
    assert command(*arguments).exit_code == 0
    path = home / "runs/tiny"
    result = command("gates", "tiny", *LOOSE)
    assert result.exit_code == 0, result.output
    assert "saedb query and-gates --run tiny" in result.stderr
    check_fresh(connection, path)
    asked = command(
        "query", "gates", "--run", "tiny", "--every", "--limit", "100000", "--positional", "--output", "json"
    )
    record = RunDirectory.open(path).record.gates
    assert record is not None
    assert len(json.loads(asked.stdout)) == sum(record.kept.values())
    assert command("splits", "tiny", *LOOSELY_SPLIT).exit_code == 0
    check_fresh(connection, path)

    connection.write("MATCH (g:Gate {run: 'tiny'}) SET g.note = 'mine'")
    result = command("gates", "tiny")
    assert (result.exit_code, "of yours, which would go with them" in result.stderr) == (1, True)
    connection.write("MATCH (g:Gate {run: 'tiny'}) REMOVE g.note")

    shutil.rmtree(path / "activations")
    result = command("gates", "tiny")
    assert (result.exit_code, "has no activations" in result.stderr) == (1, True)
    check_fresh(connection, path)
    drop(connection, "tiny")
    result = command("gates", "tiny")
    assert (result.exit_code, "no run 'tiny'; " in result.stderr) == (1, True)


def test_an_import_has_no_tokens_to_count_on(home: Path, connection: Connection) -> None:
    load(connection, make_run(home, "imported"))
    for name in ("gates", "splits"):
        result = command(name, "imported")
        assert (result.exit_code, "was imported, and edges do not tell" in result.stderr) == (1, True)
    drop(connection, "imported")
