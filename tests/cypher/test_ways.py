"""Which way a run goes, by what a graph says that it holds."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from handmade import handmade

from saedb.cypher import ways
from saedb.cypher.address import Address
from saedb.cypher.connection import Connection, Row
from saedb.cypher.ways import Choice, Way, choose
from saedb.ingest.rundir import RunDirectory


class Told(Connection):
    """A server that gives the rows it was told."""

    def __init__(self, home: Path | None, rows: list[Row]) -> None:
        self.address = Address(uri="", username="", password="", database="", origin="", home=home)
        self._rows = rows

    def read(self, cypher: str, /, **parameters: Any) -> list[Row]:
        return self._rows


@pytest.fixture
def new(tmp_path: Path) -> RunDirectory:
    return handmade(tmp_path, "new")


@pytest.fixture
def held(tmp_path: Path) -> RunDirectory:
    return handmade(tmp_path, "held")


def row(run: RunDirectory, **changes: Any) -> Row:
    return {
        "id": run.record.id, "status": "ready", "content": run.content_hash, "path": str(run.path), "loaded": "then",
        "edges": 22, "has_parts": True, **changes,
    }  # fmt: skip


def chosen(home: Path | None, new: RunDirectory, *rows: Row, way: Way | None = "bulk") -> Choice:
    return choose(Told(home, list(rows)), new, way)


def test_a_rebuild_brings_the_runs_that_are_there(tmp_path: Path, new: RunDirectory, held: RunDirectory) -> None:
    choice = chosen(tmp_path, new, row(held))
    assert (choice.way, choice.reason) == ("bulk", None)
    assert [(one.run.record.id, one.loaded) for one in choice.held] == [("held", "then")]


def test_what_an_unfinished_load_left_of_the_same_run_is_no_hindrance_without_parts(
    tmp_path: Path, new: RunDirectory
) -> None:
    unfinished = row(new, status="loading", has_parts=False, edges=None, path=None)
    assert chosen(tmp_path, new, unfinished).way == "bulk"
    assert chosen(tmp_path, new, row(new, status="loading")).reason == "the graph has a part of run new"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "loading"}, "run held is loading"),
        ({"status": "dropping"}, "run held is dropping"),
        ({"status": None, "has_parts": False}, "run held is unfinished (saedb drop held)"),
        ({"content": "other"}, "the folder of run held has changed"),
        ({"content": None}, "the folder of run held has changed"),
        ({"path": "/nowhere"}, "the folder of run held is not here"),
        ({"path": None}, "the folder of run held is not here"),
        ({"path": 7}, "the folder of run held is not here"),
        ({"path": "\0"}, "the folder of run held is not here"),
        ({"path": "x" * 5000}, "the folder of run held is not here"),
    ],
)
def test_a_run_that_is_not_on_disk_as_it_is_in_the_graph_is_why_not(
    tmp_path: Path, new: RunDirectory, held: RunDirectory, changes: Row, reason: str
) -> None:
    choice = chosen(tmp_path, new, row(held, **changes))
    assert choice.way == "online"
    assert (choice.reason or "").startswith(reason)


def test_another_server_is_never_rebuilt(new: RunDirectory, held: RunDirectory) -> None:
    assert chosen(None, new, row(held)).reason == "only the local server's store can be rebuilt"
    assert chosen(None, new, row(held), way=None) == Choice(way="online")


def test_a_small_run_is_written_in_batches_and_a_large_one_by_a_rebuild(
    tmp_path: Path, new: RunDirectory, held: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen(tmp_path, new, row(held), way=None) == Choice(way="online")
    monkeypatch.setattr(ways.contents, "edge_count", lambda _: 5_000_000)
    monkeypatch.setattr(ways, "_BYTES", 0)
    assert chosen(tmp_path, new, row(held), way=None).way == "bulk"
    assert chosen(tmp_path, new, row(held, edges=50_000_000), way=None) == Choice(way="online")
    assert chosen(tmp_path, new, row(held), way="online") == Choice(way="online")


def test_without_room_for_two_stores_the_run_is_written_in_batches(
    tmp_path: Path, new: RunDirectory, held: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    reason = "to rebuild the store takes 1.6 GB, 1.0 are free"
    assert chosen(tmp_path, new, row(held, edges=2_000_000)).reason == reason
