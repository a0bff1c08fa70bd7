"""The benchmark of the feature browser asks for every page, and measures what each reads later."""

import pytest
from benchmarks import browser
from benchmarks.figures import Figure, Kind
from benchmarks.graphs import made_up_run
from benchmarks.loading import empty_server

from saedb.cli.browser.site import Site
from saedb.cli.browser.views import views
from saedb.cypher.address import Address
from saedb.cypher.connection import Connection
from saedb.cypher.load import load


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> list[Figure]:
    run = made_up_run(tmp_path_factory.mktemp("runs") / "made-up", browser.QUICK.shape)
    with empty_server() as server:
        with Connection(server.address()) as connection:
            load(connection, run, way="bulk")
        return list(browser.on_server(server, browser.QUICK))


def _cases(figures: list[Figure], kind: Kind) -> list[str]:
    return [figure.case for figure in figures if figure.kind is kind]


def test_every_page_that_needs_no_start_is_asked_for(figures: list[Figure]) -> None:
    asked = {case.split()[0] for case in _cases(figures, browser.PAGE)}
    assert {view.PATH for view in views()} - asked == {"/graph"}


def test_graphs_lists_and_the_overview_are_measured_by_their_parts(figures: list[Figure]) -> None:
    subjects = {case.split()[0].rstrip(",") for case in _cases(figures, browser.PART)}
    assert subjects == {"search", "overview", "graph"}


def test_a_page_has_a_second_and_its_first_paint_two(figures: list[Figure]) -> None:
    goals = {(figure.kind.name, str(figure.goal)) for figure in figures}
    assert goals == {(browser.PAGE.name, "<= 1"), (browser.PART.name, "<= 1"), (browser.PAINT.name, "<= 2")}
    assert all(figure.value is not None or "no Chromium" in figure.measured for figure in figures)


def test_a_page_that_cannot_be_shown_is_no_page() -> None:
    nowhere = Address(uri="bolt://127.0.0.1:1", username="neo4j", password="none", database="neo4j", origin="")
    connection = Connection(nowhere, patience=0)
    with pytest.raises(AssertionError, match="cannot be shown"):
        browser._asking(Site(connection=connection), ("/", {}))()
    connection.__exit__(None, None, None)
