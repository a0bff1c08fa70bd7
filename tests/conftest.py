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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the tests that take long, and only these")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests marked soak for ``--soak``, whatever else selects tests."""
    soak = [item for item in items if item.get_closest_marker("soak")]
    chosen = soak if config.getoption("--soak") else [item for item in items if item not in soak]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
