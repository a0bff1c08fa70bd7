import dataclasses
from pathlib import Path
from typing import Any

import pytest

from saedb.ingest import tables
from saedb.ingest.errors import RunError
from saedb.ingest.feature_examples import Example, examples_of
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import EXAMPLES_FILE, RunDirectory
from saedb.ingest.tables import EXAMPLES, rows

ALIVE = [index for index in range(1200) if index % 7]
"""Features with examples, of which each has one to three."""


def columns_of(sae: str) -> dict[str, list[Any]]:
    places = [(index, rank) for index in ALIVE for rank in range(1 + index % 3)]
    return {
        "feature": [f"m/{sae}/{index}" for index, _ in places],
        "rank": [rank for _, rank in places],
        "document": [index for index, _ in places],
        "context": [2 * index for index, _ in places],
        "position": [3] * len(places),
        "activation": [4.5 - rank for _, rank in places],
        "tokens": [["the", f" {index}", ""] for index, _ in places],
        "activations": [[0.0, 4.5 - rank, 0.25] for _, rank in places],
        "at": [1] * len(places),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    record = RunRecord(
        id="r", kind="ingest", model="m", created="2026-01-01T00:00:00+00:00", config={}, saes=(), pairs=()
    )
    run = RunDirectory.create(tmp_path_factory.mktemp("runs") / "r", record)
    small = dataclasses.replace(EXAMPLES, group=256)
    run.write(small, EXAMPLES_FILE, [rows(small, columns_of(sae)) for sae in ("0-a", "1-a")])
    return RunDirectory.open(run.path)


def copy_of(run: RunDirectory, folder: Path) -> RunDirectory:
    folder.mkdir()
    (folder / EXAMPLES_FILE).write_bytes((run.path / EXAMPLES_FILE).read_bytes())
    return RunDirectory(folder, run.record)


def test_the_examples_of_a_feature_come_by_rank(run: RunDirectory) -> None:
    first, second = examples_of(run, "m/1-a/1006")[:2]
    assert first == Example(
        rank=0, document=1006, context=2012, position=3, activation=4.5, tokens=("the", " 1006", ""),
        activations=(0.0, 4.5, 0.25), at=1,
    )  # fmt: skip
    assert (second.rank, second.activation) == (1, 3.5)


@pytest.mark.parametrize("sae", ["0-a", "1-a"])
def test_every_feature_has_all_of_its_own_also_across_row_groups(run: RunDirectory, sae: str) -> None:
    for index in (*range(0, 1200, 5), 1199):
        found = examples_of(run, f"m/{sae}/{index}")
        assert [e.rank for e in found] == ([*range(1 + index % 3)] if index in ALIVE else [])
        assert {e.tokens[1] for e in found} <= {f" {index}"}


def test_few_row_groups_are_read(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = tables.pq.ParquetFile.read_row_group

    def count(file: Any, number: int, columns: list[str] | None = None) -> Any:
        if columns is None:
            read.append(number)
        return whole(file, number, columns=columns)

    monkeypatch.setattr(tables.pq.ParquetFile, "read_row_group", count)
    assert len(examples_of(run, "m/1-a/500")) == 3
    assert len(read) in (1, 2)


@pytest.mark.parametrize("feature", ["m/0-a/7", "m/0-a/5000", "m/2-a/1", "", "'"])
def test_a_dead_feature_and_one_that_is_not_there_have_none(run: RunDirectory, feature: str) -> None:
    assert examples_of(run, feature) == []


def test_a_run_that_recorded_none_has_none(run: RunDirectory) -> None:
    assert examples_of(RunDirectory(run.path, dataclasses.replace(run.record, files={})), "m/0-a/1") == []


def test_a_run_directory_that_is_gone_is_an_error(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone/examples\.parquet is missing; compute or import the run again"):
        examples_of(RunDirectory(tmp_path / "gone", run.record), "m/0-a/1")


def test_a_file_of_another_size_than_the_record_says_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    copied = copy_of(run, tmp_path / "r")
    with (copied.path / EXAMPLES_FILE).open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(RunError, match=r"examples\.parquet has [\d,]+ bytes, run\.json says [\d,]+; compute"):
        examples_of(copied, "m/0-a/1")


def test_damage_in_what_is_read_is_found(run: RunDirectory, tmp_path: Path) -> None:
    copied = copy_of(run, tmp_path / "r")
    file = copied.path / EXAMPLES_FILE
    column = tables.pq.ParquetFile(file).metadata.row_group(0).column(0)
    content = bytearray(file.read_bytes())
    content[column.data_page_offset + column.total_compressed_size // 4] ^= 1
    file.write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        examples_of(copied, "m/0-a/1")
