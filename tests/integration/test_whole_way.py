"""`saedb ingest` and `saedb demo` as a user types them: from text and SAEs to the graph and its summary."""

import json
import signal
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from statistics import mean

import pytest
from click.testing import CliRunner
from toygraph import check_tables, graph

from saedb.cli.main import main
from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.local import LocalFinder
from saedb.cypher.communities.numbering import by_size
from saedb.cypher.communities.quality import modularity
from saedb.cypher.communities.table import Communities
from saedb.cypher.communities.weighted import weighted
from saedb.cypher.connection import Connection
from saedb.ingest.measures import Integers
from saedb.ingest.rundir import RunDirectory

DEMO_TOKENS = 12_288  # of four speeches: an edge needs three


def test_ingest_ends_in_the_graph_of_its_tables_with_a_summary(
    home: Path, arguments: list[str], connection: Connection
) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(home / "runs/tiny")
    check_tables(connection, run)
    assert run.record.gates is not None
    assert run.record.splits is not None
    sections = ("communities by leiden", "Gates, tested on the tokens", "features are split", "Neo4j Browser")
    for expected in ("Run tiny", "3 SAEs", *sections, "saedb query gates --run tiny"):
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


def test_a_text_that_supports_no_edge_ends_in_a_graph_without_edges(
    arguments: list[str], home: Path, connection: Connection
) -> None:
    (home / "text.jsonl").write_text(json.dumps({"text": "the cat sat on the mat . " * 80}))
    result = CliRunner().invoke(main, [*arguments, "--tokens", "240"])
    assert result.exit_code == 0, result.output
    assert "--min-documents" in result.stdout
    assert not Communities.of(RunDirectory.open(home / "runs/tiny")).partitions
    result = CliRunner().invoke(main, ["communities", "tiny"])
    assert (result.exit_code, "has no edges" in result.stderr) == (1, True)


@pytest.mark.parametrize("name", ["../up", "a/b", "/tmp/x", "with space", "", "x" * 101])
def test_a_run_cannot_be_called_what_is_no_file_name(arguments: list[str], home: Path, name: str) -> None:
    result = CliRunner().invoke(main, [*arguments, "--no-load", f"--run={name}"])
    if name:
        assert (result.exit_code, "run name" in result.stderr) == (1, True)
    else:
        assert (home / "runs/saes/run.json").exists()


@pytest.mark.slow
def test_the_demo_finds_chains_communities_and_gates(home: Path, connection: Connection) -> None:
    result = CliRunner().invoke(main, ["demo", "--tokens", str(DEMO_TOKENS), "--run", "small"])
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(home / "runs/small")
    check_tables(connection, run)
    assert len(run.record.saes) >= 6
    partitions = {partition.partition: partition for partition in Communities.of(run).partitions}
    assert set(partitions) >= {"main", "main.consensus", "main.1"}
    assert partitions["main"].modularity > 0.5
    assert partitions["main"].mean_stability is not None
    assert "7 layers, Pearson >= 0.9" in result.stdout
    assert {"saedb report small", "saedb ablate small", "saedb residuals small"} <= {
        line.split("   ")[0].strip() for line in result.stdout.splitlines()
    }
    check_agreement(run)
    for query in ("pass-through-chains", "gates", "communities", "bridges"):
        found = CliRunner().invoke(main, ["query", query, "--run", "small", "--output", "json"])
        assert json.loads(found.stdout)
    check_prompt()


def check_prompt() -> None:
    """Check that a text which no speech has is shown by what its last word means, and stored."""
    text = "Last night I bought a guitar and a trumpet in January"
    result = CliRunner().invoke(main, ["prompt", text, "--run", "small", "--output", "json", "--top", "3"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert len({row["layer"] for row in rows}) > 4
    assert {row["token"] for row in rows} == {" January"}
    assert any(row["source"] for row in rows)
    found = CliRunner().invoke(main, ["query", "prompts", "--run", "small", "--output", "json"])
    assert [row["text"] for row in json.loads(found.stdout)] == [text]


def check_agreement(run: RunDirectory) -> None:
    """Check that the server's partition is as good as leidenalg's, and as like these as they are to each other."""
    graph = weighted(run, "jaccard", 0.1)
    earlier = Communities.of(run).earlier("main", graph)
    assert earlier is not None
    finder = LocalFinder(graph, "leiden")
    found = [finder.find(1.0, seed)[0] for seed in range(4)]
    server = next(p for p in Communities.of(run).partitions if p.partition == "main")
    assert all(abs(modularity(graph, labels) - server.modularity) < 0.002 for labels in found)
    numbers = [by_size(labels) for labels in found]
    likeness = [_nmi(one, other) for one, other in combinations(numbers, 2)]
    assert mean(_nmi(earlier.number, number) for number in numbers) > mean(likeness) - 0.02


def _nmi(one: Integers, other: Integers) -> float:
    found = agreement(one, other)
    assert found is not None
    return found.nmi
