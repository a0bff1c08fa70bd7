"""Kills at random moments, many rounds: `make soak`."""

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
from toygraph import check_tables

from saedb.cypher.connection import Connection
from saedb.ingest.rundir import RunDirectory

ROUNDS = 20
LONGEST_SECONDS = 25.0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_an_ingest_killed_again_and_again_ends_in_the_graph_of_its_tables(
    arguments: list[str], home: Path, connection: Connection
) -> None:
    moments = random.Random(0)
    command = [sys.executable, "-c", "from saedb.cli.main import main; main()", *arguments]
    for _ in range(ROUNDS):
        with contextlib.suppress(subprocess.TimeoutExpired):  # run kills it
            subprocess.run(command, check=False, capture_output=True, timeout=moments.uniform(1.0, LONGEST_SECONDS))
    subprocess.run(command, check=True, capture_output=True)
    run = RunDirectory.open(home / "runs/tiny")
    assert run.record.status == "complete"
    check_tables(connection, run)
