"""What the real server refuses, in one line."""

from dataclasses import replace

import pytest

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
