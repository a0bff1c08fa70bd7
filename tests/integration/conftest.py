from collections.abc import Iterator

import pytest

from saedb.cypher.connection import Connection
from saedb.cypher.server.local import LocalServer


@pytest.fixture
def connection(server: LocalServer) -> Iterator[Connection]:
    with Connection(server.address()) as connection:
        yield connection
