"""Kills at random moments, many rounds: `make soak`."""

import contextlib
import itertools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked import Ended, tables, tiny_command, unfinished
from toygraph import check_tables

from saedb.cypher.connection import Connection
from saedb.ingest.rundir import RunDirectory

ROUNDS = 20
LONGEST_SECONDS = 25.0
SEED = 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_runs_killed_again_and_again_end_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, pytestconfig: pytest.Config, capfd: pytest.CaptureFixture[str]
) -> None:
    def tell(line: str) -> None:
        with capfd.disabled():
            pytestconfig.get_terminal_writer().line(line)

    moments = random.Random(SEED)
    command = tiny_command(tmp_path, "--shard-contexts", 8)
    assert command.run(tmp_path / "undisturbed").status == 0
    expected = tables(tmp_path / "undisturbed")
    start = time.perf_counter()
    assert command.run(tmp_path / "again").status == 0
    seconds = time.perf_counter() - start
    assert tables(tmp_path / "again") == expected
    tell(f"\nundisturbed: {seconds:.2f} s, {len(expected)} tables, {sum(map(len, expected.values())):,} bytes")
    killed = 0
    for number in itertools.count(1):
        runs = tmp_path / str(number)
        while True:  # the same run, until it is let through
            moment = moments.uniform(0.0, 1.2 * seconds)
            ended = command.run(runs, seconds=moment)
            if ended.status == 0:
                break
            assert ended.status == -signal.SIGKILL, ended.stderr
            killed += 1
            tell(f"kill {killed}, run {number}, after {moment:.2f} s: {described(runs, ended)}")
        assert tables(runs) == expected
        assert not unfinished(runs)
        tell(f"run {number}: complete, all tables byte for byte those of the undisturbed run")
        if killed >= ROUNDS:
            return


def described(runs: Path, ended: Ended) -> str:
    """Return what a killed process had told last, and what it left."""
    told = ended.stderr.strip().rpartition("\n")[2] or "nothing"
    shards, left = len(list(runs.rglob("*.summary"))), len(unfinished(runs))
    return f"{shards} shards, {len(tables(runs))} tables, {left} unfinished files; told last: {told}"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_an_ingest_killed_again_and_again_ends_in_the_graph_of_its_tables(
    arguments: list[str], home: Path, connection: Connection
) -> None:
    moments = random.Random(SEED)
    command = [sys.executable, "-c", "from saedb.cli.main import main; main()", *arguments]
    for _ in range(ROUNDS):
        with contextlib.suppress(subprocess.TimeoutExpired):  # run kills it
            subprocess.run(command, check=False, capture_output=True, timeout=moments.uniform(1.0, LONGEST_SECONDS))
    subprocess.run(command, check=True, capture_output=True)
    run = RunDirectory.open(home / "runs/tiny")
    assert run.record.status == "complete"
    check_tables(connection, run)
