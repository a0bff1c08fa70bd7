from pathlib import Path

import numpy as np
import pytest

from saedb.ingest.directions import read_directions, write_directions
from saedb.ingest.errors import RunError
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    record = RunRecord(id="r", kind="ingest", model="m", created="2026-01-01T00:00:00+00:00", config={})
    return RunDirectory.create(tmp_path / "r", record)


def test_directions_are_unit_rows_whose_cosines_hardly_differ(run: RunDirectory) -> None:
    decoder = np.random.default_rng(0).standard_normal((200, 64)).astype(np.float32) * 7
    write_directions(run, "3-s", decoder)
    found = read_directions(run, "3-s")
    assert found is not None
    exact = decoder / np.linalg.norm(decoder, axis=1, keepdims=True)
    assert np.abs(found @ found.T - exact @ exact.T).max() < 1e-3


def test_a_row_of_zeros_stays_one(run: RunDirectory) -> None:
    write_directions(run, "3-s", np.array([[0, 0], [3, 4]], np.float32))
    found = read_directions(run, "3-s")
    assert found is not None
    assert found == pytest.approx(np.array([[0, 0], [0.6, 0.8]]), abs=1e-3)


def test_what_is_there_is_not_written_again(run: RunDirectory) -> None:
    write_directions(run, "3-s", np.eye(2, dtype=np.float32))
    file = next((run.path / "directions").iterdir())
    before = file.stat().st_mtime_ns
    write_directions(run, "3-s", np.eye(3, dtype=np.float32))
    assert file.stat().st_mtime_ns == before


def test_a_run_without_directions_has_none(run: RunDirectory) -> None:
    assert read_directions(run, "3-s") is None


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b[:50] + bytes([b[50] ^ 1]) + b[51:], lambda b: b""])
def test_a_damaged_file_is_an_error_that_says_what_to_do(run: RunDirectory, damage) -> None:
    write_directions(run, "3-s", np.eye(8, dtype=np.float32))
    file = next((run.path / "directions").iterdir())
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(RunError, match=r"3-s\.npz is damaged; delete it"):
        read_directions(run, "3-s")
