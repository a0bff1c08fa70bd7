"""The frame of the feature browser: what every page has."""

from collections.abc import Iterator

import pytest
from browsing import Pages, browsing, in_a_browser
from known_graph import KNOWN, loaded
from playwright.sync_api import expect

from saedb.cypher.server.local import LocalServer

pytestmark = in_a_browser


@pytest.fixture(scope="module")
def pages(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph, browsing(graph.connection) as pages:
        yield pages


def test_the_newest_ready_run_is_shown_first(pages: Pages) -> None:
    with pages.opened("/") as page:
        expect(page.locator("h1")).to_contain_text(KNOWN)


def test_what_is_not_there_is_said(pages: Pages) -> None:
    with pages.opened("/nowhere") as page:
        expect(page.locator("h1")).to_have_text("There is no such page.")
    with pages.opened("/?run=knwon-graph") as page:
        expect(page.locator("main")).to_contain_text(f"did you mean {KNOWN}")
