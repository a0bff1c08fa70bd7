"""`saedb ingest` killed as by ``kill -9``, or on a full disk: the same command goes on and ends with the same bytes."""

import json
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from forked import Command, tables, tiny_command, unfinished

from saedb.ingest.failpoints import POINTS, VARIABLE

SHARD_CONTEXTS = 32
LARGEST_OF_ONE_SHARD = 15_000
LARGEST_OF_THE_STORE = 25_000
"""Bytes: every file of the store is smaller, the edge files are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """A run that nothing happened to."""

    tables: dict[str, bytes]
    seconds: float


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return tiny_command(tmp_path_factory.mktemp("kills"), "--shard-contexts", SHARD_CONTEXTS)


@pytest.fixture(scope="module")
def undisturbed(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    runs = tmp_path_factory.mktemp("undisturbed")
    command.run(runs / "first")  # the server imports everything
    start = time.perf_counter()
    assert command.run(runs / "second").status == 0
    seconds = time.perf_counter() - start
    assert len(tables(runs / "second")) == 8
    assert tables(runs / "first") == tables(runs / "second")
    return Undisturbed(tables=tables(runs / "second"), seconds=seconds)


def check_it_goes_on(command: Command, runs: Path, undisturbed: Undisturbed) -> None:
    ended = command.run(runs)
    assert ended.status == 0, ended.stderr
    assert tables(runs) == undisturbed.tables
    assert not unfinished(runs)
    assert json.loads((runs / "tiny" / "run.json").read_text())["status"] == "complete"


@pytest.mark.parametrize("point", [point if point.startswith("record") else f"{point}:2" for point in POINTS])
def test_a_run_killed_at_a_commit_goes_on_and_ends_with_the_same_bytes(
    command: Command, undisturbed: Undisturbed, tmp_path: Path, point: str
) -> None:
    assert command.run(tmp_path / "runs", environment={VARIABLE: point}).status == -signal.SIGKILL
    check_it_goes_on(command, tmp_path / "runs", undisturbed)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_killed_at_any_moment_goes_on_and_ends_with_the_same_bytes(
    command: Command, undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    ended = command.run(tmp_path / "runs", seconds=random.Random(seed).uniform(0.0, undisturbed.seconds))
    assert ended.status in (-signal.SIGKILL, 0), ended.stderr
    check_it_goes_on(command, tmp_path / "runs", undisturbed)


@pytest.mark.parametrize("largest_file", [LARGEST_OF_ONE_SHARD, LARGEST_OF_THE_STORE])
def test_a_run_on_a_full_disk_stops_with_one_line_and_goes_on(
    command: Command, undisturbed: Undisturbed, tmp_path: Path, largest_file: int
) -> None:
    ended = command.run(tmp_path / "runs", largest_file=largest_file)
    assert ended.status == 1
    errors = [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    assert errors == [f"Error: the disk of {tmp_path}/runs/tiny is full; make room, and run the same command again"], (
        ended.stderr
    )
    assert "Traceback" not in ended.stderr
    assert not unfinished(tmp_path)
    check_it_goes_on(command, tmp_path / "runs", undisturbed)


def test_only_a_damaged_shard_is_encoded_again(command: Command, undisturbed: Undisturbed, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    command.run(runs, environment={VARIABLE: "table renamed:3"})
    store = runs / "tiny" / "activations"
    array = store / "1-saes" / "000001.values.npy"
    array.write_bytes(array.read_bytes()[:-1] + b"\0")
    ended = command.run(runs)
    assert ended.status == 1
    summary = store / "000001.summary"
    assert ended.stderr.splitlines()[-1] == (
        f"Error: {array} is missing or damaged; delete {summary} and run the same command again: only this shard is"
        " encoded again"
    )
    others = {file: file.stat().st_mtime_ns for file in store.rglob("*") if "000001" not in file.name}
    summary.unlink()
    check_it_goes_on(command, runs, undisturbed)
    assert {file: file.stat().st_mtime_ns for file in others if file.is_file()} == {
        file: changed for file, changed in others.items() if file.is_file()
    }


def test_a_shard_of_a_complete_run_is_encoded_again_where_its_summary_was_deleted(
    command: Command, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    command.run(runs)
    summary = runs / "tiny" / "activations" / "000001.summary"
    summary.unlink()
    check_it_goes_on(command, runs, undisturbed)
    assert summary.exists()
