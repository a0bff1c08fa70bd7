import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from saedb.cli.main import main
from saedb.cypher.server.local import LocalServer

LOCAL = {"Java", "Neo4j", "home", "disk", "memory", "ports"}
GRAPH = {"version", "data science", "rights", "indexes", "runs"}


def _doctor(*arguments: str) -> tuple[int, dict[str, str]]:
    result = CliRunner().invoke(main, ["doctor", "--output", "json", *arguments], catch_exceptions=False)
    return result.exit_code, {row["name"]: row["level"] for row in json.loads(result.stdout)}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("NEO4J_PASSWORD", "pa55word")


def test_of_the_local_server_machine_and_graph_are_examined(server: LocalServer) -> None:
    status, levels = _doctor("--home", str(server.layout.home))
    assert set(levels) > LOCAL | GRAPH | {"Python"}
    assert status == ("bad" in levels.values())


def test_of_a_server_that_is_down_only_the_machine_is(tmp_path: Path) -> None:
    _, levels = _doctor("--home", str(tmp_path))
    assert set(levels) > LOCAL
    assert levels["server"] == "ok"
    assert not set(levels) & GRAPH


def test_of_another_server_the_local_one_is_left_out_and_what_is_bad_is_the_exit_status() -> None:
    status, levels = _doctor("--uri", "bolt://127.0.0.1:1")
    assert (status, levels["server"]) == (1, "bad")
    assert not set(levels) & LOCAL


def test_a_table_says_beneath_each_fault_how_to_mend_it() -> None:
    result = CliRunner().invoke(main, ["doctor", "--uri", "bolt://127.0.0.1:1"], catch_exceptions=False)
    fault, mend = result.stdout.splitlines()[-2:]
    assert fault == "bad   server        bolt://127.0.0.1:1 does not do its work"
    assert mend.startswith(f"{'':19} -> no Neo4j server answers at bolt://127.0.0.1:1")
