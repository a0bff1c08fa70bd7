"""The overview and the pages of the library's queries, in a real browser."""

from collections.abc import Iterator

import pytest
from browsing import Pages, browsing, in_a_browser
from known_graph import BARE, COMMUNITIES, KNOWN, loaded, whole
from playwright.sync_api import Page, expect

from saedb.cypher.explore import flow
from saedb.cypher.graph import Graph
from saedb.cypher.server.local import LocalServer

pytestmark = in_a_browser

HIGH = 2000
"""Pixels of a window that has all of the page: the mouse does not scroll."""
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.fixture(scope="module")
def pages(graph: Graph) -> Iterator[Pages]:
    with browsing(graph.connection) as pages:
        yield pages


def _table(page: Page, name: str) -> list[list[str]]:
    """Open the table below a figure and return its rows."""
    page.locator(f".part.{name} summary").click()
    rows = page.locator(f"#overview-{name}-table tbody tr")
    rows.first.wait_for()
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def _drawn(page: Page, name: str) -> None:
    page.locator(f"#overview-{name}-figure .main-svg").first.wait_for()


def test_every_figure_is_drawn_and_has_its_numbers_as_a_table(graph: Graph, pages: Pages) -> None:
    layers = flow.layers(graph.connection, KNOWN, passed=0.95, vanishing=0.3, dead_and_rare=False)
    with pages.opened(f"/?run={KNOWN}") as page:
        for name in ("flow", "communities", "spread"):
            _drawn(page, name)
        rows = _table(page, "flow")
        assert [row[0] for row in rows] == [layer.sae for layer in layers]
        assert [row[6] for row in rows] == ["-" if n is None else str(n) for n in (x.disappearing for x in layers)]
        largest = next(each for each in COMMUNITIES if (each.partition, each.number) == ("main", 0))
        assert _table(page, "communities")[0][:3] == ["0", "courts", str(len(largest.members))]
        assert _table(page, "spread")[-1] == ["0.95 to 1", "10"]


def test_a_number_leads_to_a_list_of_as_many(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}&vanishing=0.5") as page:
        _drawn(page, "flow")
        row = _table(page, "flow")[1]
        link = page.locator("#overview-flow-table tbody tr").nth(1).locator("td").nth(6).locator("a")
        assert link.inner_text() == row[6]
        link.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#query-found > p")).to_have_text(f"{row[6]} rows.")
        assert "max_pearson=0.5" in page.url


def test_a_click_on_a_band_leads_to_its_list(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}") as page:
        _drawn(page, "flow")
        box = page.locator("#overview-flow-figure .nsewdrag").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.45
        page.mouse.move(x, y)
        page.locator("#overview-flow-figure .hoverlayer .hovertext").wait_for()
        page.mouse.click(x, y)
        page.locator("#query-found .ag-row").first.wait_for()
        assert "layer=0" in page.url
        page.go_back()
        _drawn(page, "flow")


def test_a_click_on_a_cell_leads_to_the_features_of_a_community_in_a_layer(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}", height=HIGH) as page:
        _drawn(page, "communities")
        box = page.locator("#overview-communities-figure .nsewdrag").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.locator("#overview-communities-figure .hoverlayer .hovertext").wait_for()
        page.mouse.click(box["x"] + 5, box["y"] + 5)
        page.wait_for_url("**/search?*")
        assert page.url.endswith(f"/search?run={KNOWN}&community=0&layer=0")


def test_a_click_on_a_bar_lists_its_edges_and_the_address_keeps_them(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}", height=HIGH) as page:
        _drawn(page, "spread")
        box = page.locator("#overview-spread-figure .nsewdrag").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] - 8)
        heading = page.locator("#overview-edges h3")
        expect(heading).to_have_text("10 edges with pearson 0.95 to 1")
        assert "bar=19" in page.url
        page.reload()
        expect(heading).to_have_text("10 edges with pearson 0.95 to 1")
        page.locator("#overview-edges .ag-row a").first.click()
        page.wait_for_url("**/feature?*")
        assert f"id={whole('1/2').replace('/', '%2F')}" in page.url


def test_another_measure_forgets_the_bar(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}&bar=19") as page:
        page.locator("#overview-edges h3").wait_for()
        page.locator("#overview-measure").click()
        page.get_by_role("option", name="lift", exact=True).click()
        expect(page.locator("#overview-edges h3")).to_have_count(0)
        page.wait_for_url(f"**/?run={KNOWN}&measure=lift")


def test_a_slider_moved_by_the_keyboard_changes_figure_and_address(pages: Pages) -> None:
    with pages.opened(f"/?run={KNOWN}") as page:
        _drawn(page, "flow")
        slider = page.locator("#overview-vanishing [role=slider]")
        slider.focus()
        page.keyboard.press("End")
        page.wait_for_url("**vanishing=1**")
        expect(page.locator("#overview-vanishing-value")).to_have_text("1.00")
        expect(slider).to_be_focused()
        assert all(row[5] in ("0", "-") for row in _table(page, "flow"))
        page.go_back()
        expect(page.locator("#overview-vanishing-value")).to_have_text("0.30")


def test_what_a_run_does_not_say_is_said(pages: Pages) -> None:
    with pages.opened(f"/?run={BARE}") as page:
        expect(page.locator(".overview")).to_contain_text(f"saedb communities {BARE}")
        expect(page.locator("#overview-layers tbody tr")).to_have_count(4)
    with pages.opened(f"/?run={KNOWN}&measure=jaccard") as page:
        expect(page.locator("#overview-spread-note")).to_contain_text("No edge has a value of jaccard")
    with pages.opened(f"/?run={KNOWN}&measure=person") as page:
        expect(page.locator("main")).to_contain_text("did you mean pearson")
    with pages.opened(f"/?run={KNOWN}&from=9-res") as page:
        expect(page.locator("main")).to_contain_text("no edges start from '9-res'")


def test_labels_that_hold_html_are_text(graph: Graph, pages: Pages) -> None:
    set_ = "MATCH (n:Feature|Community {run: $run}) WHERE n.label = $old SET n.label = $new"
    graph.connection.write(set_, run=KNOWN, old="courts", new=HOSTILE)
    try:
        with pages.opened(f"/?run={KNOWN}&bar=19") as page:
            _drawn(page, "communities")
            expect(page.locator("#overview-communities-figure .ytick").first).to_contain_text("<img src=x")
            assert _table(page, "communities")[0][1] == HOSTILE
            expect(page.locator("#overview-edges .ag-row").nth(2)).to_contain_text(HOSTILE)
    finally:
        graph.connection.write(set_, run=KNOWN, old=HOSTILE, new="courts")


def test_every_query_is_listed_and_its_form_changes_the_address(pages: Pages) -> None:
    with pages.opened("/query") as page:
        page.get_by_role("link", name="Features that nothing in the next layer resembles").click()
        expect(page.locator("h1")).to_have_text("Features that nothing in the next layer resembles")
        page.locator("#query-found .ag-row").first.wait_for()
        page.get_by_label("layer", exact=False).first.fill("2")
        page.keyboard.press("Enter")
        page.wait_for_url("**layer=2**")
        expect(page.locator("#query-found > p")).to_have_text("5 rows.")
        page.locator("#query-found summary").click()
        expect(page.locator("#query-cypher")).to_contain_text("// Features that nothing in the next layer resembles")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("name=trace", "trace needs a value for feature"),
        ("name=disappearing&layer=x", "layer cannot be 'x'"),
        ("name=pass-through&min_pearson=2", "min_pearson must be at most 1"),
        ("name=communities&min_size=500", "To relax it: lower min size (now 500)"),
        ("name=nothing", "no query 'nothing'"),
    ],
)
def test_what_cannot_be_asked_is_said(pages: Pages, address: str, said: str) -> None:
    with pages.opened(f"/query?run={KNOWN}&{address}") as page:
        expect(page.locator("main")).to_contain_text(said)
