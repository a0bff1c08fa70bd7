"""The doctor of any server, on the real one; what Community cannot show is fed to the checks as rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toygraph import make_run

from saedb.cypher import doctor
from saedb.cypher.address import Address
from saedb.cypher.claim import Owner
from saedb.cypher.connection import Connection
from saedb.cypher.doctor import Check, examine
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError


@pytest.fixture(scope="module")
def address(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    run = make_run(tmp_path_factory.mktemp("runs"), "checked")
    with Connection(server.address()) as connection:
        load(connection, run)
        yield server.address()
        drop(connection, "checked")


@pytest.fixture
def connection(address: Address) -> Iterator[Connection]:
    with Connection(address) as connection:
        yield connection


def _named(address: Address, name: str) -> list[Check]:
    return [check for check in examine(address) if check.name == name]


def test_a_server_that_has_everything_is_well_and_stays_as_it_is(address: Address, connection: Connection) -> None:
    everything = "MATCH (n) OPTIONAL MATCH (n)-[e]->() RETURN count(DISTINCT n) AS nodes, count(e) AS edges"
    names = "SHOW INDEXES YIELD name RETURN collect(name) AS names"
    before = connection.read(everything), connection.read(names)
    checks = list(examine(address))
    assert {check.name for check in checks} == {"version", "data science", "rights", "indexes", "runs"}
    assert [check for check in checks if check.level != "ok" or check.mend] == []
    assert (connection.read(everything), connection.read(names)) == before


def test_a_server_that_does_not_answer_is_one_check() -> None:
    nowhere = Address(uri="bolt://127.0.0.1:1", username="a", password="pa55word", database="c", origin="")
    (check,) = examine(nowhere)
    assert (check.name, check.level) == ("server", "bad")
    assert "check --uri" in check.mend


def test_an_index_that_is_missing_is_named_with_the_command_that_makes_it(
    address: Address, connection: Connection
) -> None:
    connection.run("DROP INDEX feature_run_layer")
    (check,) = _named(address, "indexes")
    assert (check.level, check.found) == ("warn", "feature_run_layer is missing")
    command, statement = check.mend.rstrip("'").split(" '")
    assert command == "saedb cypher --write"
    connection.run(statement)
    connection.run("CALL db.awaitIndexes(60)")
    assert [check.level for check in _named(address, "indexes")] == ["ok"]


@pytest.mark.parametrize(
    ("status", "owner", "words", "mend"),
    [
        (
            "loading",
            None,
            "left: loading, and its process is gone",
            "saedb load left goes on, saedb drop left removes it",
        ),
        ("dropping", None, "left: dropping, and its process is gone", "saedb drop left"),
        ("loading", "here", "left: loading, by a process that lives", ""),
        ("loading", "elsewhere:1:2.0", "left: loading, and its process is gone", "saedb load left goes on"),
    ],
)
def test_a_run_that_was_left_unfinished_says_how_to_go_on(
    address: Address, connection: Connection, status: str, owner: str | None, words: str, mend: str
) -> None:
    owner = str(Owner.here()) if owner == "here" else owner
    connection.write(
        "CREATE (:Run {id: 'left', status: $status, owner: $owner, heartbeat: 0})", status=status, owner=owner
    )
    try:
        checks = [check for check in _named(address, "runs") if check.found == words]
        assert [check.level for check in checks] == ["warn" if mend else "ok"]
        assert checks[0].mend.startswith(mend)
    finally:
        connection.write("MATCH (r:Run {id: 'left'}) DELETE r")


class Told:
    """A connection to a server that gives these rows, or refuses."""

    def __init__(self, *answers: list[dict[str, Any]] | GraphError) -> None:
        self._answers = list(answers)
        self.address = Address(uri="bolt://a", username="a", password="b", database="c", origin="")

    def read(self, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self._answers.pop(0)
        if isinstance(answer, GraphError):
            raise answer
        return answer

    def transaction(self, work: Any) -> Any:
        return self.read("")


@pytest.mark.parametrize(
    ("version", "level"),
    [("5.26.0", "ok"), ("5.26-aura", "ok"), ("2026.09.0", "ok"), ("5.25.1", "bad"), ("4.4.40", "bad"), ("odd", "bad")],
)
def test_a_server_before_5_26_is_not_enough(version: str, level: str) -> None:
    check = doctor._version(Told([{"version": version, "edition": "enterprise"}]))
    assert check.level == level
    assert ("5.26 or later" in check.mend) == (level == "bad")


def test_a_missing_right_is_bad_and_says_who_gives_it() -> None:
    check = doctor._rights(Told(GraphError("bolt://a does not give ann the right (Create node is not allowed)")))
    assert check.level == "bad"
    assert "Create node is not allowed" in check.found
    assert check.mend == "docker/README.md lists the rights; who administers the server can GRANT them"


def test_a_server_without_data_science_points_to_the_engine_that_needs_none() -> None:
    check = doctor._data_science(Told(GraphError("unknown function")))
    assert (check.level, "--engine local" in check.mend) == ("warn", True)


@pytest.mark.parametrize(
    ("row", "level", "mend"),
    [
        ({"state": "FAILED", "percent": 0.0, "message": "odd\nmore"}, "bad", "'DROP INDEX a', then saedb cypher"),
        ({"state": "POPULATING", "percent": 40.0, "message": ""}, "warn", "wait for it"),
    ],
)
def test_an_index_that_cannot_be_used_says_why(row: dict[str, Any], level: str, mend: str) -> None:
    check = doctor.index_fault("a", "CREATE INDEX a", row)
    assert check is not None
    assert check.level == level
    assert mend in check.mend
    assert "\n" not in check.found


def test_the_guide_has_the_rights_that_the_doctor_points_to() -> None:
    guide = (Path(__file__).parents[2] / "docker" / "README.md").read_text()
    assert "GRANT INDEX MANAGEMENT" in guide
