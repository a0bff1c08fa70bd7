"""A text of one's own in the feature browser, on a tiny run and in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Pages, browsing, in_a_browser
from known_graph import BARE, loaded
from playwright.sync_api import Page, expect

from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.rundir import RunDirectory

pytestmark = in_a_browser

TEXT = "the cat sat on the mat"
WAIT = 120_000
"""Milliseconds in which the model is loaded."""


@pytest.fixture(scope="module")
def run(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunDirectory]:
    from tinyrun import tiny_config  # and with it SAELens, for seconds

    from saedb.ingest.pipeline import ingest

    folder = tmp_path_factory.mktemp("computed")
    ingest(tiny_config(folder), folder / "runs/tiny")
    run = RunDirectory.open(folder / "runs/tiny")
    with Connection(server.address()) as connection:
        load(connection, run)
        yield run
        drop(connection, "tiny")


@pytest.fixture(scope="module")
def pages(server: LocalServer, run: RunDirectory) -> Iterator[Pages]:
    with Connection(server.address()) as connection, browsing(connection) as pages:
        yield pages


def _read(page: Page, text: str) -> None:
    page.locator("#prompt-text").fill(text)
    page.get_by_role("button", name="Read").click()
    page.locator("#prompt-figure .main-svg").first.wait_for(timeout=WAIT)


def _pressed(page: Page) -> list[str]:
    return page.locator("#prompt-strip [aria-pressed=true]").all_inner_texts()


def test_a_text_shows_what_is_active_on_its_last_token(pages: Pages) -> None:
    with pages.opened("/prompt?run=tiny") as page:
        expect(page.locator("#prompt-said")).to_contain_text("Type a text")
        _read(page, TEXT)
        expect(page.locator("#prompt-said")).to_contain_text("active on token 6", timeout=WAIT)
        assert page.locator("#prompt-strip button").count() == 8
        expect(page.locator("#prompt-strip button[disabled]")).to_have_text("0<s>")
        assert _pressed(page) == ["6\u2423mat"]
        page.locator("#prompt-table .ag-row").first.wait_for()
        assert "text=the+cat+sat+on+the+mat" in page.url


def test_another_token_is_shown_and_stays_in_the_address(pages: Pages) -> None:
    with pages.opened(f"/prompt?run=tiny&text={TEXT}") as page:
        expect(page.locator("#prompt-said")).to_contain_text("active on token 6", timeout=WAIT)
        page.locator("#prompt-strip button").nth(3).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#prompt-said")).to_contain_text("active on token 2")
        page.wait_for_url("**token=2**")
        page.reload()
        expect(page.locator("#prompt-said")).to_contain_text("active on token 2", timeout=WAIT)
        expect(page.locator("#prompt-strip button[aria-pressed=true]")).to_have_count(1)  # drawn after the words
        assert _pressed(page) == ["2\u2423cat"]
        page.get_by_role("button", name="all tokens").click()
        expect(page.locator("#prompt-said")).to_contain_text("active on any token")
        page.go_back()
        expect(page.locator("#prompt-said")).to_contain_text("active on token 2")


def test_picture_and_table_agree_and_follow_the_controls(pages: Pages) -> None:
    with pages.opened(f"/prompt?run=tiny&text={TEXT}&top=2") as page:
        rows = page.locator("#prompt-table .ag-center-cols-container .ag-row")
        rows.first.wait_for(timeout=WAIT)
        dots = page.locator("#prompt-figure .scatterlayer .trace.scatter .points path")
        assert 0 < rows.count() == dots.count() <= 6
        page.locator("#prompt-top").fill("1")
        page.locator("#prompt-top").press("Enter")
        page.wait_for_url("**top=1**")
        expect(rows).to_have_count(3)
        assert dots.count() == 3


def test_a_prompt_is_written_only_when_it_is_saved(pages: Pages, run: RunDirectory) -> None:
    with pages.opened(f"/prompt?run=tiny&text={TEXT}") as page:
        expect(page.locator("#prompt-said")).to_contain_text("active on token 6", timeout=WAIT)
        assert StoredPrompts.of(RunDirectory.open(run.path)).ids == []
        page.locator("#prompt-name").fill("cat")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#prompt-saved")).to_contain_text("Saved as cat")
        assert StoredPrompts.of(RunDirectory.open(run.path)).ids == ["cat"]
        page.locator("#prompt-stored").get_by_role("link", name="cat").click()
        page.wait_for_url("**/prompt?run=tiny&prompt=cat")
        expect(page.locator("#prompt-said")).to_contain_text("active on token 6")
        expect(page.locator("#prompt-saving")).to_be_hidden()
        page.get_by_role("link", name="Open in the graph").click()
        page.wait_for_url("**/graph?*prompt=cat%406*")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("text=%20%20", "Type a text and press Read."),
        ("prompt=nothing", "has no prompt 'nothing'"),
        ("text=a&measure=person", "did you mean pearson"),
        ("text=a&token=x", "token in the address must be a position or all, not 'x'"),
        ("text=a&top=0", "from 1 to 100, not 0"),
        ("text=the+cat&token=99", "there is no token 99"),
        ("text=the+cat&token=0", "token 0 '<s>' does not count"),
        ("text=" + "the+cat+" * 60, "shorten it"),
    ],
)
def test_what_cannot_be_read_is_said(pages: Pages, address: str, said: str) -> None:
    with pages.opened(f"/prompt?run=tiny&{address}") as page:
        expect(page.locator("main")).to_contain_text(said, timeout=WAIT)


def test_text_that_holds_html_is_text(pages: Pages) -> None:
    with pages.opened("/prompt?run=tiny") as page:
        _read(page, "cat <img src=x onerror=alert(1)> mat")
        expect(page.locator("#prompt-said")).to_contain_text("active on token", timeout=WAIT)
        assert page.locator("#prompt-strip img").count() == 0


def test_an_import_says_that_it_cannot_read(server: LocalServer, tmp_path: Path, pages: Pages) -> None:
    with loaded(server, tmp_path), pages.opened(f"/prompt?run={BARE}&text=a") as page:
        expect(page.locator("#prompt-said")).to_contain_text("was imported")


def test_a_run_whose_folder_is_gone_says_so(server: LocalServer, run: RunDirectory, pages: Pages) -> None:
    with Connection(server.address()) as connection:
        connection.write("MATCH (r:Run {id: 'tiny'}) SET r.kept = r.path, r.path = '/not/here'")
        try:
            with pages.opened("/prompt?run=tiny&text=a") as page:
                expect(page.locator("#prompt-said")).to_contain_text("/not/here")
        finally:
            connection.write("MATCH (r:Run {id: 'tiny'}) SET r.path = r.kept REMOVE r.kept")
