import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import ServerError


def test_a_home_without_a_server_is_stopped_and_stays_untouched(tmp_path: Path) -> None:
    local = LocalServer(tmp_path / "new")
    assert local.status().state == "stopped"
    assert local.down() == "not running"
    assert not local.layout.home.exists()
    with pytest.raises(ServerError, match=r"no local server is running in .*new; start it with: saedb up"):
        local.address()


def test_up_and_down_can_be_called_under_the_lock(tmp_path: Path) -> None:
    local = LocalServer(tmp_path)
    with local.locked():
        assert local.down() == "not running"


def test_who_waits_for_the_lock_is_told(tmp_path: Path) -> None:
    stages: list[str] = []
    with ExitStack() as held:
        held.enter_context(LocalServer(tmp_path).locked())

        def report(stage: str, done: int, total: int | None) -> None:
            stages.append(stage)
            held.close()

        with LocalServer(tmp_path).locked(report):
            assert stages == ["waiting for another saedb command"]


def test_a_full_disk_stops_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=400_000_000))  # needs root to provoke
    with pytest.raises(ServerError, match=r"has 0\.4 GB free and a server needs 1 GB"):
        LocalServer(tmp_path).up()


def test_a_missing_password_is_not_replaced_behind_the_servers_back(tmp_path: Path) -> None:
    local = LocalServer(tmp_path)
    local.layout.create()
    (local.layout.data / "databases" / "system").mkdir(parents=True)
    with pytest.raises(ServerError, match="password is missing and the server has its password already"):
        local.up()


def test_a_java_that_is_too_old_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.22\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("SAEDB_JAVA", str(old))
    local = LocalServer(tmp_path / "home")
    with pytest.raises(ServerError, match=r"is Java 11\.0\.22, and Neo4j needs 17 or 21"):
        local.up()
    assert local.status().state == "stopped"
