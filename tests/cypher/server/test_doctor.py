import sys
from pathlib import Path

import pytest

from saedb.cypher.server.doctor import Check, examine
from saedb.cypher.server.process import Recorded
from saedb.cypher.server.settings import free_ports
from saedb.cypher.server.state import State


def _checks(home: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(home)}


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
