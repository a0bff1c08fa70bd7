"""`saedb ablate` on a model made by hand, whose causes are known: in the run directory, in the graph, after a kill."""

import json
import signal
from pathlib import Path
from typing import Any

import causalmodel
import pytest
from causalmodel import CARRIED, CAUSE, COMPANION, SUM
from click.testing import CliRunner, Result
from killed import run as run_in_process
from rebuilding import fingerprint_of

from saedb.cli.main import main
from saedb.cypher import fingerprint
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.server.local import LocalServer
from saedb.ingest import tables
from saedb.ingest.archive import pack, unpack
from saedb.ingest.causal import stage
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import EFFECTS_FILE, RunDirectory

CAUSAL, SPURIOUS = (f"0/{CAUSE}", f"1/{CARRIED}"), (f"0/{COMPANION}", f"1/{CARRIED}")
BOTH = ("--edge", *CAUSAL, "--edge", *SPURIOUS, "--contexts", "1000")


def saedb(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, list(arguments), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@pytest.fixture
def run(home: Path, connection: Connection) -> RunDirectory:
    """A run on the model made by hand, loaded."""
    run = ingest(causalmodel.config(home), home / "runs/tiny")
    load(connection, run)
    return run


def check_fresh(connection: Connection, run: RunDirectory) -> RunDirectory:
    """Check that the graph is what a load of the run directory makes, and is known as that."""
    there = RunDirectory.open(run.path)
    assert fingerprint.of_graph(connection, run="tiny") == fingerprint_of(there)
    assert not load(connection, there).changed
    return there


def effects_of(connection: Connection) -> dict[tuple[str, str], float]:
    rows = Graph(connection).query("causal", run="tiny", positional=True).itertuples()
    return {("/".join(r.source.split("/")[1:]), "/".join(r.target.split("/")[1:])): r.effect for r in rows}


def test_a_cause_and_a_companion_are_told_apart_in_the_run_and_in_the_graph(
    connection: Connection, run: RunDirectory, tmp_path: Path
) -> None:
    result = saedb("ablate", "tiny", *BOTH)
    assert result.exit_code == 0, result.output
    assert "saedb query causal --run tiny" in result.stderr
    assert "2 edges of 2 features:" in result.stderr
    there = check_fresh(connection, run)
    found = effects_of(connection)
    u, d = (pair.split("-", 1)[1] for pair in there.record.pairs[0])
    assert found[f"0-{u}/{CAUSE}", f"1-{d}/{CARRIED}"] == pytest.approx(1.0)
    assert found[f"0-{u}/{COMPANION}", f"1-{d}/{CARRIED}"] == pytest.approx(0.0, abs=1e-6)

    page = saedb("feature", f"1/{CARRIED}", "--run", "tiny").stdout
    assert "effect" in page
    assert "1.00 ± 0.00" in page
    listed = saedb(
        "query", "disagreements", "--run", "tiny", "--high", "sufficiency", "--low", "effect", "--output", "json"
    )
    assert [row["source"].rpartition("/")[2] for row in json.loads(listed.stdout)] == [str(COMPANION)]

    again = saedb("ablate", "tiny", *BOTH)
    assert "All 2 edges have their effects already." in again.stderr
    packed = unpack(pack(there, tmp_path / "tiny.saedb.zip"), tmp_path / "elsewhere")
    assert packed.read(tables.EFFECTS, EFFECTS_FILE).equals(there.read(tables.EFFECTS, EFFECTS_FILE))
    load(connection, there, way="bulk")
    check_fresh(connection, run)


def test_edges_come_from_the_result_of_a_query_and_others_stay(connection: Connection, run: RunDirectory) -> None:
    saedb("ablate", "tiny", "--edge", f"0/{COMPANION}", f"1/{SUM}", "--contexts", "1000")
    table = saedb("query", "top-edges", "--run", "tiny", "--limit", "2", "--positional", "--output", "csv")
    table = (
        saedb("query", "top-edges", "--run", "tiny", "--limit", "2", "--output", "csv") if table.exit_code else table
    )
    result = saedb("ablate", "tiny", "--from", "-", "--contexts", "1000", "--output", "json", stdin=table.stdout)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    assert sum(row["edges"] for row in rows) == 2
    assert len(effects_of(connection)) == 3
    check_fresh(connection, run)


def test_without_a_graph_effects_come_by_a_load(connection: Connection, run: RunDirectory) -> None:
    result = saedb("ablate", str(run.path), "--no-load", "--per-bin", "2", "--contexts", "4")
    assert result.exit_code == 0, result.output
    assert f"saedb load {run.path}" in result.stderr
    assert not effects_of(connection)
    assert saedb("load", str(run.path)).exit_code == 0
    assert len(effects_of(connection)) > 3
    check_fresh(connection, run)


def ablated(path: Path) -> None:
    stage._KEPT_EVERY = 1  # pyright: ignore[reportConstantRedefinition]
    main(["ablate", str(path), "--no-load", "--per-bin", "2", "--contexts", "4"], standalone_mode=False)


def test_an_ablation_that_was_killed_goes_on_and_ends_the_same(connection: Connection, run: RunDirectory) -> None:
    content = run.content_hash
    killed = run_in_process(ablated, run.path, environment={VARIABLE: "table renamed:2"})
    assert killed == -signal.SIGKILL
    assert RunDirectory.open(run.path).content_hash == content, "the run is as it was"
    result = saedb("ablate", "tiny", "--per-bin", "2", "--contexts", "4")
    assert result.exit_code == 0, result.output
    assert ", 2 are done: " in result.stderr or ", 3 are done: " in result.stderr
    found = check_fresh(connection, run).read(tables.EFFECTS, EFFECTS_FILE)
    assert [path.name for path in run.path.glob(".effects*")] == []

    (run.path / EFFECTS_FILE).unlink()
    run = RunDirectory.open(run.path)
    run.update(files={name: file for name, file in run.record.files.items() if name != EFFECTS_FILE})
    ablated(run.path)
    assert RunDirectory.open(run.path).read(tables.EFFECTS, EFFECTS_FILE).equals(found)


def ablated_and_set() -> None:
    main(["ablate", "tiny", *BOTH], standalone_mode=False)


def test_a_change_of_the_graph_that_was_killed_goes_on(
    connection: Connection, server: LocalServer, run: RunDirectory
) -> None:
    at = {VARIABLE: "batch committed", "SAEDB_HOME": str(server.layout.home), "SAEDB_RUNS": str(run.path.parent)}
    assert run_in_process(ablated_and_set, environment=at) == -signal.SIGKILL
    found = RunDirectory.open(run.path)
    assert found.content_hash != run.content_hash, "the run has the effects, and the graph not all of them"
    result = saedb("ablate", "tiny", *BOTH)
    assert result.exit_code == 0, result.output
    assert "All 2 edges have their effects already." in result.stderr
    check_fresh(connection, run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny", "--edge", "0/2", "1/0"), "has no edge from"),
        (("tiny", "--edge", "0/99", "1/0"), "has no feature"),
        (("tiny", "--edge", "9/0", "1/0"), "'9/0' is no feature of run tiny; one is"),
        (("tiny", "--measure", "lift"), "no tenths of 'lift'; choose among pearson,"),
        (("tiny", "--from", "nowhere.csv"), "nowhere.csv is no file; give a table of edges"),
        (("tiny", "--from", "-"), "the table on stdin names no edge"),
        (("missing",), "no run 'missing'"),
    ],
)
def test_what_cannot_be_ablated_is_one_line(run: RunDirectory, arguments: tuple[str, ...], message: str) -> None:
    result = saedb("ablate", *arguments, stdin="")
    assert result.exit_code == 1
    assert message in result.stderr.splitlines()[-1]


def test_a_run_without_activations_or_with_another_model_is_refused(run: RunDirectory, home: Path) -> None:
    (home / "model/config.json").write_text("{}")
    assert "has changed since run tiny was computed" in saedb("ablate", "tiny", *BOTH).stderr
    (run.path / "activations").rename(home / "activations")
    assert "has no activations" in saedb("ablate", "tiny", *BOTH).stderr
