"""`saedb residuals` on the real server: the graph has what a load of the run gives, and errors are one line."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rebuilding import fingerprint_of
from residualrun import contents
from tinyrun import tiny_config
from toygraph import make_run

from saedb.cli.main import main
from saedb.cypher import fingerprint
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.archive import pack, unpack
from saedb.ingest.pipeline import ingest
from saedb.ingest.progress import Report
from saedb.ingest.residuals import summary
from saedb.ingest.residuals.stage import Residuals
from saedb.ingest.rundir import RunDirectory, locked

NAME = "left-over"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("made")
    return ingest(tiny_config(folder), folder / NAME)


@pytest.fixture
def run(
    made: RunDirectory, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunDirectory]:
    """The run on the server, with a run directory of the test's own."""
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    shutil.copytree(made.path, tmp_path / NAME)
    run = RunDirectory.open(tmp_path / NAME)
    with Connection(server.address()) as connection:
        load(connection, run)
        yield run
        drop(connection, NAME)


def saedb(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def error(*arguments: str) -> str:
    result = saedb(*arguments)
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


def test_the_graph_is_the_one_that_a_load_gives(run: RunDirectory, server: LocalServer) -> None:
    result = saedb("residuals", NAME, "--output", "json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    assert [(row["sae"], row["next_sae"]) for row in rows] == [("0-saes", "1-saes"), ("1-saes", "2-saes")]
    there = RunDirectory.open(run.path)
    assert [row["all_tokens"] for row in rows] == [row["all_tokens"] for row in summary.recovery(there)]
    with Connection(server.address()) as connection:
        assert fingerprint.of_graph(connection, run=NAME) == fingerprint_of(there)
        known = "MATCH (f:Feature {run: $run}) RETURN count(f.recovered) AS recovered, count(f.copied) AS copied"
        (counts,) = connection.read(known, run=NAME)
        assert min(counts.values()) > 20
        before = connection.read("MATCH (r:Run {id: $run}) RETURN r.loaded AS loaded", run=NAME)
        again = saedb("residuals", NAME)
        assert again.exit_code == 0
        assert "load SAEs" not in again.stderr, "what is there is not measured again"
        assert connection.read("MATCH (r:Run {id: $run}) RETURN r.loaded AS loaded", run=NAME) == before
    profile = json.loads(saedb("query", "layer-profile", "--run", NAME, "--output", "json").stdout)
    assert [row["recovered"] is None for row in profile] == [False, False, True]
    page = saedb("feature", next(iter_features(server)), "--run", NAME).stdout
    assert "of it is in the next SAE's error (random direction" in page


def iter_features(server: LocalServer) -> Iterator[str]:
    with Connection(server.address()) as connection:
        found = "MATCH (f:Feature {run: $run}) WHERE f.recovered IS NOT NULL RETURN f.id AS id LIMIT 1"
        yield connection.read(found, run=NAME)[0]["id"]


def test_a_packed_run_has_its_tables(run: RunDirectory, tmp_path: Path) -> None:
    assert saedb("residuals", NAME, "--no-load", "--tokens", "120").exit_code == 0
    packed = pack(RunDirectory.open(run.path), tmp_path / "packed.saedb.zip")
    there = unpack(packed, tmp_path / "elsewhere" / NAME)
    assert contents(there) == contents(run)
    assert there.content_hash == RunDirectory.open(run.path).content_hash


def test_a_run_without_its_activations_is_read_again_all_the_same(run: RunDirectory) -> None:
    shutil.rmtree(run.path / "activations")
    result = saedb("residuals", str(run.path), "--no-load", "--tokens", "120")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-1] == f"  saedb load {run.path}"


def test_an_interrupted_pass_says_how_to_go_on_and_does(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Residuals.write

    def interrupted(self: Residuals) -> Any:
        seen = self._stages.report  # pyright: ignore[reportPrivateUsage]

        def report(stage: str, done: int, total: int | None) -> None:
            seen(stage, done, total)
            if stage == "residuals" and done >= 600:
                raise KeyboardInterrupt

        self._stages.report: Report = report  # pyright: ignore[reportPrivateUsage]
        return measured(self)

    with monkeypatch.context() as patched:
        patched.setattr(Residuals, "write", interrupted)
        result = saedb("residuals", NAME)
    assert result.exit_code == 130
    assert "Run the same command again to go on" in result.stderr
    assert (run.path / "residuals/unfinished.npz").exists()
    assert saedb("residuals", NAME).exit_code == 0
    assert not (run.path / "residuals/unfinished.npz").exists()


def test_what_cannot_be_measured_is_one_line(run: RunDirectory, tmp_path: Path) -> None:
    unknown = error("residuals", "nobody")
    assert unknown.startswith("Error: no run 'nobody'; ")
    assert "saedb runs" in unknown
    assert error("residuals", "nobody", "--no-load").startswith(f"Error: no run at {tmp_path}/nobody")
    imported = make_run(tmp_path, "imported")
    assert "run imported was imported, and edges do not tell" in error("residuals", str(imported.path), "--no-load")
    assert error("residuals", NAME, "--tokens", "0") == "Error: tokens is 0; it must be at least 1"
    with locked(run.path):
        assert "another process is writing" in error("residuals", NAME, "--no-load")
    weights = Path(run.record.config["inputs"][0]) / "layer1/cfg.json"
    moved = weights.parent.rename(weights.parents[2] / "gone")
    try:
        assert "the SAEs 0-saes, 2-saes are where run" in error("residuals", NAME, "--no-load")
    finally:
        moved.rename(weights.parent)
