"""`saedb ingest` and `saedb demo` as a user types them: from text and SAEs to the graph and its summary."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny
from click.testing import CliRunner
from toygraph import check_tables, graph

from saedb.cli.main import main
from saedb.cypher.connection import Connection
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.rundir import RunDirectory

DEMO_TOKENS = 4096


@pytest.fixture
def home(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the test server's home the user's, with a folder of runs of the test's own."""
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    yield tmp_path
    with Connection(server.address()) as connection:
        for row in connection.read("MATCH (r:Run) WHERE r.id IN ['tiny', 'small'] RETURN r.id AS id"):
            drop(connection, row["id"])


@pytest.fixture
def arguments(home: Path) -> list[str]:
    """Make a tiny model, SAEs and text, and return the command that relates them."""
    tiny.save_model(home / "model", "llama")
    for block in range(3):
        tiny.save_sae(home / "saes" / f"layer{block}", f"blocks.{block}.hook_resid_pre")
    words = random.Random(0)
    texts = [" ".join(words.choices(tiny.WORDS, k=words.randint(4, 50))) for _ in range(200)]
    (home / "text.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    given = ["--model", str(home / "model"), "--dataset", str(home / "text.jsonl"), "--tokens", "2400", "--run", "tiny"]
    return ["ingest", str(home / "saes"), *given]


def test_ingest_ends_in_the_graph_of_its_tables_with_a_summary(
    home: Path, arguments: list[str], connection: Connection
) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(home / "runs/tiny")
    check_tables(connection, run)
    assert run.record.communities is not None
    for expected in ("Run tiny", "3 SAEs", "communities by Leiden", "AND (necessity)", "Neo4j Browser", "saedb query"):
        assert expected in result.stdout


def test_the_same_command_again_changes_nothing(home: Path, arguments: list[str], connection: Connection) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 0
    before = graph(connection, "tiny"), (home / "runs/tiny/run.json").read_bytes()
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert (graph(connection, "tiny"), (home / "runs/tiny/run.json").read_bytes()) == before


def test_another_setting_under_the_same_name_is_refused_and_the_run_stays(home: Path, arguments: list[str]) -> None:
    assert CliRunner().invoke(main, [*arguments, "--no-load"]).exit_code == 0
    before = (home / "runs/tiny/run.json").read_bytes()
    result = CliRunner().invoke(main, [*arguments, "--min-support", "3", "--no-load"])
    assert result.exit_code == 1
    assert "min_support: 10 there, 3 here" in result.stderr
    assert "--run" in result.stderr
    assert (home / "runs/tiny/run.json").read_bytes() == before


def test_ctrl_c_is_status_130_and_the_same_command_goes_on(
    arguments: list[str], home: Path, connection: Connection
) -> None:
    command = [sys.executable, "-c", "from saedb.cli.main import main; main()", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        assert any(line.startswith("tokenise") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert "again" in rest.splitlines()[-1]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    check_tables(connection, RunDirectory.open(home / "runs/tiny"))


@pytest.mark.slow
def test_the_demo_finds_chains_communities_and_gate_candidates(home: Path, connection: Connection) -> None:
    result = CliRunner().invoke(main, ["demo", "--tokens", str(DEMO_TOKENS), "--run", "small"])
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(home / "runs/small")
    check_tables(connection, run)
    assert len(run.record.saes) >= 6
    assert run.record.communities is not None
    assert run.record.communities.modularity > 0.5
    assert "7 layers, Pearson >= 0.9" in result.stdout
    chains = CliRunner().invoke(main, ["query", "pass-through-chains", "--run", "small", "--output", "json"])
    assert json.loads(chains.stdout)
