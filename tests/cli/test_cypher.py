import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from saedb.cli.main import main
from saedb.cypher.connection import Connection
from saedb.cypher.server.local import LocalServer
from saedb.cypher.statement import loads_csv

SAEDB = (sys.executable, "-c", "from saedb.cli.main import main; main()")
ENDLESS = "UNWIND range(1, 100000000) AS a UNWIND range(1, 1000) AS b RETURN sum(a % 7 * b) AS endless"
RUNNING = (
    "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery STARTS WITH 'UNWIND range(1, 10000' RETURN count(*) AS n"
)

LOADING = [
    "LOAD CSV FROM 'http://127.0.0.1:1/x' AS row RETURN row",
    "load\n\tcsv WITH HEADERS FROM 'file:///x' AS row RETURN row",
    "LOAD/* between */CSV FROM 'file:///x' AS row RETURN row",
    "LOAD // between\nCSV FROM 'file:///x' AS row RETURN row",
    "// before\rLOAD CSV FROM 'file:///x' AS row RETURN row",
    "L\\u004FAD\\u0020C\\u0053V FROM 'file:///x' AS row RETURN row",
    "LOAD\u00a0CSV FROM 'file:///x' AS row RETURN row",
    "LOAD\u2003CSV FROM 'file:///x' AS row RETURN row",
    "RETURN 1 AS x UNION LOAD CSV FROM 'file:///x' AS x RETURN x",
    "WITH 'it\\'s' AS a LOAD CSV FROM 'file:///x' AS x RETURN x",
    "WITH '\\\\' AS a LOAD CSV FROM 'file:///x' AS x RETURN x //'",
    "WITH '\\\\u0027 AS a' AS a LOAD CSV FROM 'file:///x' AS x RETURN x //'",
    "WITH '\\\\u005C' AS a LOAD CSV FROM 'file:///x' AS x RETURN x //'",
    "WITH '\\u005C\\u005C' AS a LOAD CSV FROM 'file:///x' AS x RETURN x //'",
    "WITH 1 AS `a``` LOAD CSV FROM 'file:///x' AS x RETURN x //`",
    "CALL () { LOAD CSV FROM 'file:///x' AS x RETURN x } RETURN x",
]
READING = [
    "RETURN 'LOAD CSV' AS x",
    'RETURN "LOAD CSV FROM" AS x',
    "RETURN 1 AS `LOAD CSV`",
    "RETURN 1 AS x // LOAD CSV",
    "RETURN /* LOAD CSV */ 1 AS x",
    "WITH 1 AS load, 2 AS csv RETURN load, csv",
    "WITH 1 AS reload, 2 AS csv RETURN reload + csv",
    "RETURN 'it\\'s LOAD CSV' AS x",
]


@pytest.fixture
def saedb(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    return Command()


class Command:
    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["cypher", *arguments], catch_exceptions=False)


@pytest.mark.parametrize("statement", [*LOADING, *READING])
def test_load_csv_is_found_where_the_server_finds_it(server: LocalServer, statement: str) -> None:
    """The plan of the server tells what it read; a statement that is no Cypher has none."""
    from neo4j import GraphDatabase
    from neo4j.exceptions import CypherSyntaxError

    address = server.address()
    with GraphDatabase.driver(address.uri, auth=(address.username, address.password)) as driver:
        try:
            plan = driver.execute_query(f"EXPLAIN {statement}").summary.plan  # pyright: ignore[reportArgumentType]
            loads = "LoadCSV" in json.dumps(plan, default=str)
        except CypherSyntaxError as error:
            pytest.fail(str(error))
    assert loads_csv(statement) == loads == (statement in LOADING)


@pytest.mark.parametrize(
    "statement",
    [
        "WITH 1 AS `\\\\u0060` LOAD CSV FROM 'file:///x' AS x RETURN x //`",
        "WITH 1 AS a /*\\\\u002a/ LOAD CSV FROM 'file:///x' AS x RETURN x //*/",
    ],
)
def test_what_two_versions_of_neo4j_may_read_differently_is_refused(statement: str) -> None:
    """Behind a backslash an escape counts or not; in each of these one reading has LOAD CSV, the other hides it."""
    assert loads_csv(statement)


def test_load_csv_needs_write(saedb: Command) -> None:
    result = saedb(LOADING[1])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: LOAD CSV makes the server fetch a file or an address; allow it with --write\n"
    assert "Couldn't load the external resource" in saedb("--write", LOADING[0]).stderr


def test_a_statement_that_writes_needs_write_and_tells_what_it_changed(saedb: Command, server: LocalServer) -> None:
    create = "CREATE (n:Note {text: 'x'}) RETURN n.text AS text"
    result = saedb(create)
    assert result.exit_code == 1
    assert "this statement writes, and only reading is allowed here" in result.stderr
    result = saedb("--write", "--output", "json", create)
    assert json.loads(result.stdout) == [{"text": "x"}]
    assert result.stderr.splitlines()[-1] == "labels added: 1, nodes created: 1, properties set: 1"
    assert "nodes deleted: 1" in saedb("--write", "MATCH (n:Note) DELETE n").stderr
    assert saedb("--write", "MATCH (n:Note) DELETE n").stderr.endswith("No rows.\nNothing was changed.\n")


def test_a_statement_that_commits_by_itself_can_write(saedb: Command) -> None:
    batches = "UNWIND [1, 2] AS i CALL (i) { CREATE (n:Note) DELETE n } IN TRANSACTIONS OF 1 ROW"
    result = saedb("--write", batches)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        0,
        "labels added: 2, nodes created: 2, nodes deleted: 2",
    )


def test_the_server_ends_what_takes_too_long(saedb: Command, server: LocalServer) -> None:
    result = saedb("--timeout", "0.5", ENDLESS)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: the statement took longer than it may and was stopped; raise --timeout, or make it narrower"
    )
    with Connection(server.address()) as connection:
        assert connection.read(RUNNING) == [{"n": 0}]


def test_ctrl_c_ends_the_command_and_the_statement_on_the_server(saedb: Command, server: LocalServer) -> None:
    arguments = [*SAEDB, "cypher", "--timeout", "300", ENDLESS]
    with (
        subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as command,
        Connection(server.address()) as connection,
    ):
        while connection.read(RUNNING) != [{"n": 1}]:
            assert command.poll() is None
        command.send_signal(signal.SIGINT)
        try:
            _, messages = command.communicate(timeout=60)  # the statement alone would take hours
        finally:
            command.kill()
        assert command.returncode == 130, messages
        while connection.read(RUNNING) != [{"n": 0}]:
            os.sched_yield()
