"""Neo4j Browser on the local server, in a real browser: by the printed link to the first picture.

SAEDB_PICTURES names a folder that keeps the pictures the tests take; else they go with the tests' own files.
"""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from known_graph import KNOWN, MODEL, loaded
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect, sync_playwright

from saedb.cli.main import main
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.neo4jbrowser import colours, question, setup
from saedb.cypher.neo4jbrowser.serving import FileServer
from saedb.cypher.server.local import LocalServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to show the page in: apt-get install chromium")

HERE = ("127.0.0.1", "localhost", "")
SECONDS = 60_000
ASKED = [item for item in (*question.own(), *question.library()) if item.statement is not None]


@pytest.fixture(scope="module", autouse=True)
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[[], BrowserContext]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield lambda: browser.new_context(viewport={"width": 1400, "height": 900})
        browser.close()


class Shown:
    """A page of Neo4j Browser, with what went wrong in it and where it asked."""

    def __init__(self, page: Page, pictures: Path) -> None:
        self.page = page
        self.pictures = pictures
        self.requests: list[Request] = []
        self.errors: list[str] = []
        page.set_default_timeout(SECONDS)
        page.on("request", lambda request: self.requests.append(request))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def strangers(self) -> list[tuple[str, str | None]]:
        """Return what was asked of other machines, unless the browser itself refused to ask."""
        there = [request for request in self.requests if urlsplit(request.url).hostname not in (*HERE, None)]
        return [(request.url, request.failure) for request in there if request.failure != "csp"]

    def await_connection(self) -> None:
        self.page.get_by_text("You are connected as user").first.wait_for()

    def guide(self, heading: str) -> Locator:
        """Turn the guide's slides until one has the heading; return that slide."""
        drawer = self.page.get_by_test_id("guidesDrawer")
        shown, wanted = drawer.locator("h3"), drawer.locator("h3", has_text=heading)
        shown.wait_for()
        while not wanted.is_visible():
            before = shown.inner_text()
            drawer.get_by_test_id("guideNextSlide").click()
            expect(shown).not_to_have_text(before)
        return wanted.locator("xpath=..")

    def run(self, slide: Locator, title: str) -> Locator:
        """Click on the play button of one question; return the frame of its answer."""
        slide.locator("pre.runnable", has_text=title).locator("i").first.click()
        return self.page.get_by_test_id("frame").filter(has_text=title).first

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"{name}.png")


@pytest.fixture
def shown(chromium: Callable[[], BrowserContext], tmp_path: Path) -> Iterator[Shown]:
    pictures = Path(os.environ.get("SAEDB_PICTURES") or tmp_path)
    pictures.mkdir(parents=True, exist_ok=True)
    context = chromium()
    shown = Shown(context.new_page(), pictures)
    yield shown
    context.close()
    assert shown.errors == []
    assert shown.strangers() == []


@pytest.fixture
def link(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the link that ``saedb up`` prints."""
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    result = CliRunner().invoke(main, ["up"], catch_exceptions=False)
    (found,) = re.findall(r"file://\S+", result.stdout)
    assert server.address().password not in result.output
    return found


@pytest.fixture
def logged_in(shown: Shown, link: str) -> Shown:
    shown.page.goto(link)
    shown.await_connection()
    return shown


@pytest.mark.parametrize("item", ASKED, ids=lambda item: f"{item.group}-{item.name}")
def test_every_statement_of_guide_and_favourites_runs(server: LocalServer, item: question.Question) -> None:
    assert item.marked is not None
    marked = item.marked
    for blank in item.blanks:
        marked = marked.replace(blank.mark, blank.example)
    with Connection(server.address()) as connection:
        for statement in (item.statement, marked):
            connection.read(f"EXPLAIN {statement}")
            connection.read(str(statement))


@pytest.mark.parametrize("wanted", ["2/0", f"{MODEL}/2-s/0", "courts", '"courts', ""])
def test_a_feature_is_found_by_its_word_its_id_or_its_number(server: LocalServer, wanted: str) -> None:
    origin = next(item for item in question.own() if item.name == "origin")
    values = {"feature": wanted, "minimum": "0.3", "branches": "3"}
    statement = origin.marked or ""
    for blank in origin.blanks:
        statement = statement.replace(blank.mark, values[blank.name])
    with Connection(server.address()) as connection:
        rows = connection.read(statement)
    steps = {row["step"]["id"].removeprefix(f"{MODEL}/") for row in rows}
    if wanted:
        assert steps == {"0-s/0", "1-s/0", "2-s/0", "3-s/0"}
    else:
        assert steps


@in_a_browser
def test_the_printed_link_logs_in_and_leaves_no_password_in_the_address(logged_in: Shown, server: LocalServer) -> None:
    page = logged_in.page
    password = server.address().password
    assert urlsplit(page.url).path == "/browser/"
    assert password not in page.url
    assert page.evaluate("performance.getEntriesByType('navigation').every(e => !e.name.includes('password'))")
    page.go_back()
    assert password not in page.url
    asked = [request.url for request in logged_in.requests if request.url.startswith("http")]
    assert len(asked) > 10
    assert not any(password in url.partition("#")[0] for url in asked)


@in_a_browser
def test_the_guide_opens_by_itself_and_its_buttons_answer_about_the_newest_run(logged_in: Shown) -> None:
    slide = logged_in.guide("What this graph holds")
    frame = logged_in.run(slide, "The runs of this graph")
    frame.get_by_text(KNOWN).first.wait_for()
    logged_in.picture("holds")


@in_a_browser
def test_a_word_leads_to_the_origin_of_a_feature_in_the_colours_of_its_layers(logged_in: Shown) -> None:
    slide = logged_in.guide("Where does a feature come from?")
    blank = slide.locator('input[value-for="pictures-origin-feature"]')
    blank.fill("")
    blank.press_sequentially("courts")
    frame = logged_in.run(slide, "Where a feature comes from")
    frame.locator("svg .node").nth(3).wait_for()
    expect(frame.locator("svg .relationship").first).to_be_visible()
    fills = frame.locator("svg .node circle.b-outline").evaluate_all("all => all.map(c => c.getAttribute('fill'))")
    expected = {colours.of_layer(layer).lower() for layer in range(4)}
    assert {fill.lower() for fill in fills} == expected
    captions = frame.locator("svg .node").evaluate_all("all => all.map(n => n.textContent)")
    assert any("courts" in caption for caption in captions)
    weights = frame.locator("svg .relationship text").evaluate_all("all => all.map(t => t.textContent)")
    assert any(weight.startswith("0.9") for weight in weights)
    logged_in.picture("origin")


@in_a_browser
@pytest.mark.parametrize(
    ("title", "circles"), [("The longest chains", 4), ("Gates with", 3), ("Splits: features", 3), ("One community", 3)]
)
def test_pictures_are_drawn(logged_in: Shown, title: str, circles: int) -> None:
    slide = logged_in.guide("Pictures")
    frame = logged_in.run(slide, title)
    frame.locator("svg .node").nth(circles - 1).wait_for()
    logged_in.picture(re.sub(r"\W+", "-", title).lower())


@in_a_browser
def test_the_questions_are_favourites_and_a_reload_keeps_everything(logged_in: Shown) -> None:
    page = logged_in.page
    logged_in.guide("What this graph holds")  # which opens in the drawer, by itself, and would close another
    for _ in range(2):
        page.get_by_test_id("navigationFavorites").click()
        page.get_by_text("saedb: pictures").first.wait_for()
        page.get_by_text("saedb: gates").first.click()
        page.get_by_text("AND gates: a feature active where all its inputs are").first.wait_for()
        logged_in.picture("favourites")
        ours = [kept for kept in _stored(page, "neo4j.documents") if not kept.get("isStatic")]  # not Browser's examples
        assert len(ours) == len(ASKED)
        assert _stored(page, "neo4j.grass")["node.L01"]["color"] == colours.of_layer(1)
        page.reload()
        logged_in.await_connection()
        logged_in.guide("What this graph holds")


@in_a_browser
def test_what_browser_setup_writes_works_on_a_server_that_has_none_of_it(shown: Shown, server: LocalServer) -> None:
    page = shown.page
    page.route("**/saedb/*", lambda route: route.abort())
    page.goto(server.up().browser)
    page.get_by_test_id("password").fill(server.address().password)
    page.get_by_test_id("connect").click()
    shown.await_connection()
    assert not [kept for kept in _stored(page, "neo4j.documents") or [] if not kept.get("isStatic")]
    with FileServer(setup.contents(), 0) as files:
        threading.Thread(target=files.serve_forever).start()
        try:
            _type(page, f":guide {files.address(setup.GUIDE)}")
            shown.guide("What this graph holds")
            _type(page, f":style {files.address(setup.STYLE)}")
            page.get_by_text("node.L01").first.wait_for()
            while not _stored(page, "neo4j.grass"):  # kept a moment after it is shown
                page.wait_for_timeout(100)
            assert _stored(page, "neo4j.grass")["node.L01"]["color"] == colours.of_layer(1)
        finally:
            files.shutdown()


def _type(page: Page, command: str) -> None:
    page.locator(".monaco-editor").first.click()
    page.keyboard.insert_text(command)
    page.keyboard.press("Control+Enter")


def _stored(page: Page, key: str) -> Any:
    return page.evaluate("key => JSON.parse(localStorage.getItem(key))", key)
