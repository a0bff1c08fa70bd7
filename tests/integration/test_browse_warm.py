"""What `saedb browse` asks for before anybody does."""

import threading
from collections.abc import Iterator
from threading import Event

import pytest
from known_graph import KNOWN, loaded

from saedb.cli.browser import warm
from saedb.cli.browser.site import Site
from saedb.cli.browser.views import views
from saedb.cypher.server.local import LocalServer


@pytest.fixture(scope="module")
def site(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield Site(connection=graph.connection)


def test_every_kind_of_page_is_made(site: Site) -> None:
    assert warm.warm(site, KNOWN, Event()) == [page.PATH for page in views()]


def test_a_run_that_is_gone_stops_nothing(site: Site) -> None:
    assert warm.warm(site, "gone", Event()) == []


def test_no_page_is_begun_after_the_end(site: Site) -> None:
    ended = Event()
    ended.set()
    assert warm.warm(site, KNOWN, ended) == []


def test_the_end_waits_for_the_page_that_is_being_made(site: Site) -> None:
    with warm.warming(site, KNOWN):
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "warm")
    assert not thread.is_alive()
