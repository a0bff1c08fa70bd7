"""The exchange of the store on made-up folders: killed anywhere, it leaves a whole store, and never both or none."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import killed
import pytest

from saedb.cypher.server import swap
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.swap import Journal
from saedb.ingest.errors import ServerError
from saedb.ingest.failpoints import VARIABLE

RUNS = {"one": "hash"}
KINDS = ("databases", "transactions")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A home with a store, and a new one in its staging home."""
    layout = Layout(tmp_path / "home")
    _fill(layout, "old")
    swap.begin(layout, RUNS)
    _fill(Layout(layout.staging), "new")
    return layout


def _fill(layout: Layout, word: str) -> None:
    for kind in KINDS:
        for name in ("neo4j", "system"):
            for file in ("a", "deeper/b"):
                path = layout.data / kind / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{word} {kind} {name} {file}")


def store(layout: Layout) -> str:
    """Return which store is in place, checked to be whole and beside the same system database."""
    words = {(layout.data / kind / "neo4j/a").read_text().split()[0] for kind in KINDS}
    assert len(words) == 1
    word = words.pop()
    found = {
        path.relative_to(layout.data).as_posix(): path.read_text() for path in layout.data.rglob("*") if path.is_file()
    }
    assert found == {
        f"{kind}/{name}/{file}": f"{word if name == 'neo4j' else 'old'} {kind} {name} {file}"
        for kind in KINDS
        for name in ("neo4j", "system")
        for file in ("a", "deeper/b")
    }
    return word


def check_nothing_is_left(layout: Layout) -> None:
    assert {path.name for path in layout.root.iterdir()} <= {"data", layout.swap_lock.name, "swap.draft"}


def started(layout: Layout, *, is_good: bool) -> str:
    """Do what a start of the server does, which finds a new store good or not; return the store that is there then."""
    swap.recover(layout)
    journal = Journal.read(layout)
    if journal is not None:
        assert journal.step == "checking"
        store(layout)
        (swap.keep if is_good else swap.undo)(layout)
    return store(layout)


def exchanged(layout: Layout) -> None:
    swap.exchange(layout, RUNS)


def exchanged_and_kept(layout: Layout) -> None:
    swap.exchange(layout, RUNS)
    swap.keep(layout)


def exchanged_and_undone(layout: Layout) -> None:
    swap.exchange(layout, RUNS)
    swap.undo(layout)


def test_the_new_store_takes_the_place_of_the_old(layout: Layout) -> None:
    exchanged_and_kept(layout)
    assert store(layout) == "new"
    check_nothing_is_left(layout)


def test_an_undone_exchange_leaves_the_old_store(layout: Layout) -> None:
    exchanged_and_undone(layout)
    assert store(layout) == "old"
    check_nothing_is_left(layout)


@pytest.mark.parametrize("is_good", [True, False])
@pytest.mark.parametrize("moment", ["swap begun", "store aside", "store in place", "logs aside", "swap done"])
def test_an_exchange_killed_at_a_moment_is_finished_or_undone_by_the_next_start(
    layout: Layout, moment: str, is_good: bool
) -> None:
    assert killed.run(exchanged_and_kept, layout, environment={VARIABLE: moment}) == -signal.SIGKILL
    assert started(layout, is_good=is_good) == ("new" if is_good else "old")
    check_nothing_is_left(layout)


def test_an_old_store_that_was_half_removed_is_never_brought_back(layout: Layout) -> None:
    environment = {VARIABLE: "old store removed"}
    assert killed.run(exchanged_and_kept, layout, environment=environment) == -signal.SIGKILL
    assert started(layout, is_good=False) == "new"
    check_nothing_is_left(layout)


@pytest.mark.parametrize("is_good", [True, False])
@pytest.mark.parametrize("work", [exchanged_and_kept, exchanged_and_undone])
def test_stopped_before_any_change_of_the_disk_it_leaves_a_whole_store(
    layout: Layout, tmp_path: Path, work: Callable[[Layout], None], is_good: bool
) -> None:
    copies = tmp_path / "copies"
    killed.copy_before_each_change(layout.home, copies, work, layout)
    homes = list(copies.iterdir())
    assert len(homes) > 20
    for home in homes:
        started(Layout(home), is_good=is_good)
        check_nothing_is_left(Layout(home))


def test_stopped_before_any_change_while_it_recovers_the_next_start_recovers(layout: Layout, tmp_path: Path) -> None:
    killed.run(exchanged, layout, environment={VARIABLE: "store aside"})
    copies = tmp_path / "copies"
    killed.copy_before_each_change(layout.home, copies, swap.recover, layout)
    for home in copies.iterdir():
        assert started(Layout(home), is_good=True) == "new"


def test_a_store_that_was_not_finished_is_thrown_away(layout: Layout) -> None:
    swap.recover(layout)
    assert store(layout) == "old"
    check_nothing_is_left(layout)


def test_what_a_living_process_builds_is_left_alone_and_the_process_is_named(layout: Layout) -> None:
    with swap.alone(layout):
        assert killed.run(_found_busy, layout, os.getpid()) == 0
        assert Layout(layout.staging).data.exists()
    swap.recover(layout)
    assert not layout.staging.exists()


def _found_busy(layout: Layout, pid: int) -> None:
    swap.recover(layout)
    with pytest.raises(ServerError, match=f"process {pid} is rebuilding the store of .*; wait for it, or stop it"):
        swap.alone(layout).__enter__()


def test_what_an_earlier_exchange_left_is_not_in_the_way(layout: Layout) -> None:
    """Such as an old store of which a file could not be deleted."""
    left = layout.old / "databases" / "neo4j" / "left"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    layout.journal.unlink()
    swap.begin(layout, RUNS)
    _fill(Layout(layout.staging), "new")
    exchanged_and_kept(layout)
    assert store(layout) == "new"
    assert not layout.old.exists()


@pytest.mark.parametrize("step", ["checking", "undoing", "swapping"])
def test_no_new_store_is_begun_before_an_exchange_is_over(layout: Layout, step: str) -> None:
    """The store of before may be all there is."""
    exchanged(layout)
    Journal(step=step, runs=RUNS, pid=1).write(layout)
    with pytest.raises(ServerError, match="is being exchanged; finish that first: saedb down, saedb up"):
        swap.begin(layout, RUNS)
    assert (layout.old / "databases/neo4j/a").exists()


DAMAGED = {
    "empty": "",
    "half": '{"step": "swapp',
    "a list": "[]",
    "a field less": '{"step": "staging", "runs": {}}',
    "a field more": '{"step": "staging", "runs": {}, "pid": 1, "more": 1}',
    "an unknown step": '{"step": "dancing", "runs": {}, "pid": 1}',
}


@pytest.mark.parametrize("content", [*DAMAGED.values(), b"\xff"], ids=[*DAMAGED, "no text"])
def test_a_damaged_journal_is_named_and_nothing_is_moved(layout: Layout, content: str | bytes) -> None:
    layout.journal.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ServerError, match=r"swap\.json is damaged .*move its folders back into .*; then delete"):
        swap.recover(layout)
    assert store(layout) == "old"
    assert Layout(layout.staging).data.exists()


def test_the_journal_reads_back(layout: Layout) -> None:
    journal = Journal.read(layout)
    assert journal == Journal(step="staging", runs=RUNS, pid=os.getpid())
    assert json.loads(layout.journal.read_text())["runs"] == RUNS
