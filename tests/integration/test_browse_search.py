"""The search page, on the known graph and on a larger one, in a real browser."""

from collections.abc import Iterator

import pytest
from browsing import Pages, browsing, in_a_browser
from known_graph import BARE, FEATURES, KNOWN, loaded
from playwright.sync_api import Page, expect
from toygraph import LAYERS, WIDTH, make_run

from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer

pytestmark = in_a_browser

TOY = "toy-graph"
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


@pytest.fixture(scope="module")
def pages(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("runs")
    with loaded(server, folder) as graph:
        toy = make_run(folder, TOY)
        load(graph.connection, toy)
        graph.connection.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
        with browsing(graph.connection) as pages:
            yield pages
        drop(graph.connection, TOY)


CELLS = """
name => [...document.querySelectorAll(`#search-grid .ag-cell[col-id=${name}]`)]
  .map(cell => [Number(cell.parentElement.getAttribute('row-index')), cell.textContent])
  .sort((one, other) => one[0] - other[0]).map(cell => cell[1])
"""


def column(page: Page, name: str) -> list[str]:
    """Return what the rows show in one column, from the first to the last."""
    return page.evaluate(CELLS, name)


def filled(page: Page, name: str, *values: str, count: int | None = None) -> None:
    """Wait until the first rows show some values in a column, and there are so many rows."""
    page.wait_for_function(
        f"([name, values, count]) => {{ const found = ({CELLS})(name);"
        "return [null, found.length].includes(count) && values.every((value, i) => value === found[i]) }",
        arg=[name, values, count],
        timeout=10_000,
    )


def shows(page: Page, *features: str) -> None:
    """Wait until the rows are those of some features and no more, in this order."""
    filled(page, "feature", *(f.replace("/", "-s/") for f in features), count=len(features))


def summary(page: Page, text: str) -> None:
    expect(page.locator("#search-summary")).to_have_text(text)


def choose(page: Page, name: str, option: str) -> None:
    """Choose from a list by the keyboard or the mouse, as its label names it."""
    page.locator(f"#search-{name}").click()
    page.get_by_role("option").filter(has_text=option).first.click()


def test_every_feature_is_listed_by_layer_and_index(pages: Pages) -> None:
    with pages.opened(f"/search?run={KNOWN}") as page:
        summary(page, "27 features")
        first = sorted(FEATURES)[:10]
        filled(page, "feature", *(f.replace("/", "-s/") for f in first))


def test_words_find_features_as_they_are_typed_and_the_address_holds_them(pages: Pages) -> None:
    with pages.opened(f"/search?run={KNOWN}") as page:
        box = page.locator("#search-q")
        box.press_sequentially("nort")
        summary(page, "3 features of 27")
        filled(page, "label", "north", "northern trade", "northern islands")
        expect(box).to_be_focused()
        box.press_sequentially("hern isl")
        shows(page, "3/3")
        page.wait_for_url(f"**/search?run={KNOWN}&q=northern+isl")
        page.reload()
        shows(page, "3/3")
        expect(box).to_have_value("northern isl")


def test_going_back_shows_what_was_asked_before(pages: Pages) -> None:
    with pages.opened(f"/search?run={KNOWN}&q=tax") as page:
        summary(page, "5 features of 27")
        page.locator("#search-q").fill("rivers")
        summary(page, "3 features of 27")
        page.go_back()
        summary(page, "5 features of 27")
        expect(page.locator("#search-q")).to_have_value("tax")


def test_filters_narrow_together(pages: Pages) -> None:
    with pages.opened(f"/search?run={KNOWN}") as page:
        choose(page, "layer", "2")
        page.keyboard.press("Escape")
        summary(page, "7 features of 27")
        choose(page, "state", "appearing")
        shows(page, "2/4", "2/5", "2/6")
        page.locator("#search-min_density").fill("0.004")
        shows(page, "2/4", "2/5")
        choose(page, "gate", "output")
        page.wait_for_url("**&gate=output")
        shows(page, "2/4", "2/5")
        page.locator("#search-max_density").fill("0.01")
        shows(page, "2/4")
        page.get_by_text("clear", exact=True).click()
        summary(page, "27 features")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("layer=1,3&state=passed_through", ["1/0", "1/1", "1/2", "1/8", "3/0", "3/2"]),
        ("state=dead", ["0/5"]),
        ("state=rare", ["1/7"]),
        ("state=disappearing&max_density=0.003", ["0/3", "0/4", "2/6"]),
        ("community=4", ["1/2", "2/2", "2/3"]),
        ("gate=input&layer=0", ["0/3", "0/4"]),
        ("gate=output", ["1/6", "2/2", "2/4", "2/5", "3/3"]),
        ("layer=2&sort=-density", ["2/0", "2/1", "2/2", "2/3", "2/5", "2/4", "2/6"]),
        ("layer=0&sort=best_out", ["0/4", "0/3", "0/2", "0/1", "0/0", "0/5"]),
        ("q=1/4", ["1/4"]),
        ("q=tiny/2-s/3", ["2/3"]),
    ],
)
def test_an_address_says_what_is_found(pages: Pages, query: str, found: list[str]) -> None:
    with pages.opened(f"/search?run={KNOWN}&{query}") as page:
        shows(page, *found)


def test_a_row_tells_what_a_feature_is(pages: Pages) -> None:
    with pages.opened(f"/search?run={KNOWN}&q=2/4") as page:
        shows(page, "2/4")
        names = ("label", "layer", "tokens", "density", "max", "state_in", "best_in", "state_out", "gates")
        assert [column(page, name)[0] for name in names] == [
            "northern trade", "2", "northern trade", "0.004", "5", "appearing", "0.220", "disappearing", "3",
        ]  # fmt: skip
    with pages.opened(f"/search?run={KNOWN}&q=1/2") as page:
        shows(page, "1/2")
        page.locator("#search-grid .ag-cell[col-id=community] a").click()
        page.wait_for_url(f"**/search?run={KNOWN}&community=4")
        shows(page, "1/2", "2/2", "2/3")


def test_a_click_on_a_head_sorts_all_of_them_on_the_server(pages: Pages) -> None:
    with pages.opened(f"/search?run={TOY}") as page:
        summary(page, f"{len(LAYERS) * WIDTH} features")
        head = page.locator("#search-grid .ag-header-cell[col-id=best_out]")
        head.click()
        head.click()
        page.wait_for_url(f"**/search?run={TOY}&sort=-best_out")
        expect(head).to_have_attribute("aria-sort", "descending")
        page.wait_for_function(
            f"() => {{ const v = ({CELLS})('best_out');"
            "return v.length > 9 && v[0] > '0.98' && v.every((x, i) => !i || x <= v[i - 1]) }"
        )


def test_pages_are_turned_and_the_address_holds_the_page(pages: Pages) -> None:
    with pages.opened(f"/search?run={TOY}") as page:
        expect(page.locator(".ag-paging-panel")).to_contain_text("1 to 50 of 240")
        page.get_by_label("Next Page").click()
        page.wait_for_url(f"**/search?run={TOY}&page=2")
        page.locator("#search-grid .ag-cell[col-id=feature]").get_by_text("0-res/50", exact=True).wait_for()
        page.get_by_label("Last Page").click()
        page.wait_for_url(f"**/search?run={TOY}&page=5")
        page.reload()
        expect(page.locator(".ag-paging-panel")).to_contain_text("201 to 240 of 240")
        page.locator("#search-grid .ag-cell[col-id=feature]").get_by_text("10-res/20", exact=True).wait_for()
        filled(page, "feature", *(f"10-res/{i}" for i in range(20, 30)))
        page.locator("#search-q").fill("topic3")
        page.wait_for_url(f"**/search?run={TOY}&q=topic3")
        expect(page.locator(".ag-paging-panel")).to_contain_text("1 to 40 of 40")


def test_where_nothing_is_found_the_filter_to_blame_is_named(pages: Pages) -> None:
    with pages.opened(f"/search?run={KNOWN}&q=tax&layer=0&community=1") as page:
        summary(page, "0 features of 27")
        blamed = page.locator("#search-reasons li")
        expect(blamed).to_have_text(
            ["0 without the words “tax”", "0 without layer 0", "0 without community 1"]
        )  # fmt: skip
    with pages.opened(f"/search?run={KNOWN}&q=tax&layer=0") as page:
        expect(page.locator("#search-reasons li")).to_have_text(["6 without the words “tax”", "5 without layer 0"])
        page.get_by_text("without layer 0").click()
        page.wait_for_url(f"**/search?run={KNOWN}&q=tax")
        summary(page, "5 features of 27")


def test_what_a_run_does_not_have_is_said(pages: Pages) -> None:
    with pages.opened(f"/search?run={BARE}&q=tax") as page:
        expect(page.locator("#search-reasons")).to_contain_text("neither labels nor top tokens")
        for name in ("min_density", "max_density"):
            expect(page.locator(f"#search-{name}")).to_be_disabled()
    with pages.opened(f"/search?run={KNOWN}&q=1/99") as page:
        expect(page.locator("#search-reasons")).to_contain_text("the nearest is tiny/1-s/8")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("layer=x", "no layer 'x'"),
        ("state=alive", "no state 'alive'; one of passed_through"),
        ("sort=id; DROP", "features cannot be sorted by 'id; DROP'"),
        ("min_density=7", "no min_density '7'; a density is from 0 to 1"),
        ("gate=all", "no gate 'all'"),
        ("page=-1", "no page '-1'"),
    ],
)
def test_an_address_that_asks_for_what_cannot_be_says_so(pages: Pages, query: str, said: str) -> None:
    with pages.opened(f"/search?run={KNOWN}&{query}") as page:
        expect(page.locator("main")).to_contain_text(said)


def test_the_menu_finds_words_and_leads_to_a_feature_by_its_id(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}") as page:
        page.keyboard.press("/")
        page.keyboard.type("rivers")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/search?run={KNOWN}&q=rivers")
        shows(page, "0/1", "1/1", "2/1")
        page.locator("#menu-search").fill("1/4")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/feature?run={KNOWN}&id=tiny%2F1-s%2F4")


def test_a_label_of_a_stranger_is_only_shown(pages: Pages, server: LocalServer) -> None:
    from saedb.cypher.connection import Connection

    with Connection(server.address()) as connection:
        connection.write(
            "MATCH (f:Feature {run: $run, id: 'toy/1-res/7'}) SET f.label = $text, f.top_tokens = [$text]",
            run=TOY, text=HOSTILE,
        )  # fmt: skip
    with pages.opened(f"/search?run={TOY}&q=1/7") as page:
        for name in ("label", "tokens"):
            filled(page, name, HOSTILE)
        assert page.locator("#main img, #main script").count() == 0
