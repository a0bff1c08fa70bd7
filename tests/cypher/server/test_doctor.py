import os
import sys
from pathlib import Path

import pytest

from saedb.cypher.doctor import Check
from saedb.cypher.server.doctor import heap_check, local_server, machine, page_cache_check
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.process import Recorded
from saedb.cypher.server.settings import free_ports
from saedb.cypher.server.state import State
from saedb.cypher.server.swap import Journal

GB = 2**30


def _checks(home: Path) -> dict[str, Check]:
    return {check.name: check for check in (*machine(), *local_server(home))}


def test_every_check_that_is_not_ok_says_how_to_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("SAEDB_JAVA", str(tmp_path / "absent"))
    checks = _checks(tmp_path / "home")
    assert checks["Java"].level == "bad"
    assert checks["Neo4j"].level == "warn"
    assert "344 of 344 jars" in checks["Neo4j"].found
    assert all((check.level == "ok") == (check.mend == "") for check in checks.values())


def test_a_crashed_server_is_told(tmp_path: Path) -> None:
    (tmp_path / "neo4j").mkdir()
    state = State(ports=free_ports(), process=Recorded(pid=1, started=0.0), was_ready=True)
    state.write(tmp_path / "neo4j" / "state.json")
    check = _checks(tmp_path)["server"]
    assert (check.level, check.mend) == ("bad", "saedb up")


def test_torch_is_not_imported(tmp_path: Path) -> None:
    before = set(sys.modules)
    assert _checks(tmp_path)["torch"].level == "ok"
    assert "torch" not in set(sys.modules) - before


def test_a_home_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    _checks(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.create()
    return layout


def test_the_users_own_settings_are_counted_and_a_wrong_one_is_named(layout: Layout) -> None:
    layout.own.write_text("server.memory.heap.max_size=700m\n")
    assert "(heap 700 MB, " in _checks(layout.home)["memory"].found
    layout.own.write_text("server.memory.heap.max_size=900t\n")
    check = _checks(layout.home)["memory"]
    assert (check.level, check.mend.startswith("lower server.memory.heap.max_size")) == ("bad", True)
    layout.own.write_text("server.memory.heap.max_size=much\n")
    assert "line 1: 'much' is no size" in _checks(layout.home)["memory"].mend


def test_a_disk_without_room_for_a_second_store_is_told_before_the_load(layout: Layout) -> None:
    store = layout.data / "databases" / "neo4j" / "neostore"
    store.parent.mkdir(parents=True)
    store.touch()
    os.truncate(store, 2**43)  # a file with a hole: it takes no space
    check = _checks(layout.home)["disk"]
    assert (check.level, "before the next load" in check.mend) == ("warn", True)


def test_a_store_that_was_left_half_replaced_is_told_unless_its_process_lives(layout: Layout) -> None:
    Journal(step="swapping", runs={}, pid=2**22 + 1).write(layout)  # above the largest pid of Linux
    check = _checks(layout.home)["leftovers"]
    assert (check.level, check.mend) == ("warn", "saedb up finishes or undoes it")
    assert "step: swapping" in check.found
    Journal(step="swapping", runs={}, pid=os.getpid()).write(layout)
    assert "leftovers" not in _checks(layout.home)
    layout.journal.write_text("{")
    assert _checks(layout.home)["leftovers"].level == "bad"


def test_what_was_cut_off_a_log_is_named(layout: Layout) -> None:
    kept = layout.data / "databases" / "neo4j" / "corrupted-neostore.transaction.db" / "corrupted-neostore.0.zip"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert str(kept) in _checks(layout.home)["leftovers"].found


def test_a_store_that_the_page_cache_cannot_hold_names_the_setting(tmp_path: Path) -> None:
    assert page_cache_check(GB, GB, tmp_path).level == "ok"
    check = page_cache_check(GB + 1, GB, tmp_path / "own.conf")
    assert check.level == "warn"
    assert f"server.memory.pagecache.size=2g into {tmp_path}/own.conf" in check.mend


def test_a_heap_that_the_communities_cannot_fit_in_names_the_setting(tmp_path: Path) -> None:
    """GPT-2 small with 5 M edges fits a 16 GB laptop's heap; ten times that does not."""
    assert heap_check("gpt2", 295_000, 5_000_000, 3276 * 2**20, tmp_path).level == "ok"
    check = heap_check("gemma", 3_000_000, 50_000_000, 3276 * 2**20, tmp_path / "own.conf")
    assert check.level == "warn"
    assert "server.memory.heap.max_size=5g" in check.mend
    assert "--engine local" in check.mend
