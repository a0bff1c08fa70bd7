import traceback
from pathlib import Path

import pytest

from saedb.cypher.address import Address
from saedb.cypher.connection import Connection, local, resolve
from saedb.ingest.errors import GraphError, ServerError

VARIABLES = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_arguments_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, f"bolt://{name}")
    named = resolve(uri="bolt://a", username="b", password="c", database="d")
    assert (named.uri, named.username, named.password, named.database) == ("bolt://a", "b", "c", "d")
    found = resolve()
    assert (found.uri, found.username, found.password, found.database) == tuple(f"bolt://{name}" for name in VARIABLES)
    assert (named.origin, found.origin) == ("bolt://a (given)", "bolt://NEO4J_URI (NEO4J_URI)")


def test_a_named_server_without_a_password_is_an_error() -> None:
    with pytest.raises(GraphError, match=r"^no password for bolt://a; set NEO4J_PASSWORD$"):
        resolve(uri="bolt://a")


def test_without_a_name_it_is_the_local_server_of_the_home(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=f"{tmp_path}.*saedb up"):
        resolve(home=tmp_path)


def test_the_local_server_is_not_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://elsewhere")
    monkeypatch.setenv("NEO4J_PASSWORD", "x")
    with pytest.raises(ServerError):
        local(tmp_path)


def test_the_password_is_not_in_what_is_printed_of_an_address() -> None:
    assert "secret" not in repr(resolve(uri="bolt://a", password="secret"))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("bolt://127.0.0.1:1", "^no Neo4j server answers at bolt://127.0.0.1:1 .*saedb up"),
        ("127.0.0.1:7687", "is no address of a Neo4j server"),
        ("http://127.0.0.1:7687", "is no address of a Neo4j server"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(uri: str, message: str) -> None:
    with pytest.raises(GraphError, match=message) as caught, Connection(resolve(uri=uri, password="x")):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["bolt://ann:pa55word@a", "neo4j+s://pa55word@a:7687", "ann:pa55word@a", "bolt://a?x=ann:pa55word@b"]
)
@pytest.mark.parametrize("how", ["argument", "environment", "address"])
def test_a_login_inside_the_address_is_refused_and_not_repeated(
    uri: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "environment":
        monkeypatch.setenv("NEO4J_URI", uri)
    address = Address(uri=uri, username="", password="", database="", origin="")
    with pytest.raises(GraphError, match="set NEO4J_USERNAME and NEO4J_PASSWORD") as caught:
        Connection(address) if how == "address" else resolve(uri=uri if how == "argument" else None)
    assert "pa55word" not in "".join(traceback.format_exception(caught.value))


def test_the_driver_tells_nobody_how_it_is_used() -> None:
    address = Address(uri="bolt://127.0.0.1:1", username="a", password="b", database="c", origin="")
    connection = Connection(address)
    assert connection._driver._pool.pool_config.telemetry_disabled
    connection.__exit__(None, None, None)
