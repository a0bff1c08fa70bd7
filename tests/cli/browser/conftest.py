from collections.abc import Iterator

import pytest

from saedb.cli.browser.site import Site
from saedb.cypher.address import Address
from saedb.cypher.connection import Connection

NOWHERE = Address(uri="bolt://127.0.0.1:1", username="neo4j", password="none", database="neo4j", origin="")


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Return the site of a server that does not answer."""
    connection = Connection(NOWHERE, patience=0)
    yield Site(connection=connection)
    connection.__exit__(None, None, None)
