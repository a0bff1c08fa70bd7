from collections.abc import Iterator

import pytest

from saedb.cypher.server.local import LocalServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One running local server for every integration test, in a temporary home; the jars come from the user's cache."""
    local = LocalServer(tmp_path_factory.mktemp("home"))
    local.up()
    yield local
    local.down()
