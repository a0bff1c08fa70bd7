"""What the real server refuses, in one line, and never with the password."""

import logging
import traceback
from dataclasses import replace

import click
import pytest

from saedb.cli.main import main
from saedb.cypher.connection import Connection
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError


@pytest.mark.parametrize(
    ("cypher", "message"),
    [
        ("CREATE (n:X)", "this statement writes, and only reading is allowed here"),
        ("MATCH (n RETURN n", "^not valid Cypher: "),
        ("CALL gds.nothing()", "has no Graph Data Science library|gds.nothing"),
        ("RETURN $absent", "absent"),
        ("RETURN 1/0", "/ by zero"),
    ],
)
def test_what_the_server_refuses_is_one_line(connection: Connection, cypher: str, message: str) -> None:
    with pytest.raises(GraphError, match=message) as caught:
        connection.read(cypher)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_and_a_missing_database_are_one_line(server: LocalServer) -> None:
    address = server.address()
    with (
        pytest.raises(GraphError, match=r"refuses the login; check .*NEO4J_PASSWORD$"),
        Connection(replace(address, password="no")),
    ):
        pass
    with pytest.raises(GraphError, match="has no database 'nowhere'"), Connection(replace(address, database="nowhere")):
        pass


@pytest.mark.parametrize(
    "arguments",
    [
        ["cypher", "RETURN 1"],
        ["cypher", "RETURN 1", "--database", "nowhere"],
        ["cypher", "CREATE (:X)"],
        ["cypher", "MATCH (n RETURN n"],
        ["cypher", "RETURN 1", "--uri", "bolt://127.0.0.1:1"],
        ["cypher", "RETURN 1", "--uri", "bolt+s://127.0.0.1:{port}"],
        ["cypher", "RETURN 1", "--uri", "bolt://127.0.0.1:{http}"],
        ["cypher", "RETURN 1", "--uri", "bolt://neo4j:{password}@127.0.0.1:{port}"],
        ["cypher", "RETURN 1", "--uri", "neo4j:{password}@127.0.0.1"],
        ["cypher", "RETURN 1", "--uri", "bolt://nowhere.invalid"],
        ["cypher", "RETURN 1", "--username", "nobody"],
        ["query", "and-gates", "--run", "nothing"],
        ["feature", "1/1", "--run", "nothing"],
        ["drop", "nothing", "--yes"],
        ["doctor"],
        ["doctor", "--uri", "bolt://127.0.0.1:1"],
        ["status"],
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
def test_no_message_log_or_traceback_ever_has_the_password(
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    arguments: list[str],
    is_local: bool,
) -> None:
    address = server.address()
    ports = {
        "port": address.uri.rpartition(":")[2],
        "http": server.up().browser.split("/browser")[0].rpartition(":")[2],
    }
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.setenv("NEO4J_PASSWORD", address.password)
    monkeypatch.delenv("NEO4J_URI", raising=False)
    if not is_local:
        monkeypatch.setenv("NEO4J_URI", address.uri)
    shown = ""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "neo4j"):
        try:
            given = [argument.format(password=address.password, **ports) for argument in arguments]
            main(["--verbose", *given], standalone_mode=False)
        except click.ClickException as error:
            shown = "".join(traceback.format_exception(error)) + repr(error)
    output = capsys.readouterr()
    assert "Traceback" not in output.err
    for text in (output.out, output.err, caplog.text, shown):
        assert address.password not in text
    assert output.out + output.err + shown
