"""The graph page in a real Chromium: picture and table agree, all of it has a key and an address."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import networkx
import pytest
from browsing import Pages, browsing, in_a_browser
from known_graph import BARE, EDGES, GATES, KNOWN, loaded, whole
from playwright.sync_api import Locator, Page, expect

from saedb.cypher.graph import Graph
from saedb.cypher.server.local import LocalServer

pytestmark = in_a_browser

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title = 2</script> & "quoted"'


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        graph.connection.write(
            "MATCH (f:Feature {run: $run, id: $id}) SET f.label = $label", run=BARE, id=whole("1/0"), label=HOSTILE
        )
        yield graph


@pytest.fixture(scope="module")
def pages(graph: Graph) -> Iterator[Pages]:
    with browsing(graph.connection) as pages:
        yield pages


def counts(page: Page) -> tuple[int, int]:
    """Return the features and edges that the picture has drawn."""
    features, edges = (page.locator("#graph-pane").get_attribute("data-drawn") or "0 0").split()
    return int(features), int(edges)


def expect_drawn(page: Page, features: int, edges: int) -> None:
    """Wait until picture, table and sentence show so much, all of them."""
    expect(page.locator("#graph-pane")).to_have_attribute("data-drawn", f"{features} {edges}")
    names = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in ((features, "feature"), (edges, "edge"))]
    expect(page.locator("#graph-shown")).to_have_text(f"Showing {names[0]} and {names[1]}")
    expect(rows(page)).to_have_count(edges)


def rows(page: Page) -> Locator:
    return page.locator("#graph-edges .ag-center-cols-container .ag-row")


def table(page: Page) -> set[tuple[str, str]]:
    """Return the ends of the edges in the table."""
    ends = (page.locator(f'#graph-edges .ag-cell[col-id="{end}"]').all_text_contents() for end in ("source", "target"))
    return {(short(a), short(b)) for a, b in zip(*ends, strict=True)}


def short(feature: str) -> str:
    return feature.replace("-s/", "/")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def choose(page: Page, feature: str) -> None:
    """Choose a feature by its name in the table."""
    page.locator("#graph-edges .ag-cell.end", has_text=re.compile(f"^{feature}$")).first.click()
    expect(page.locator("#graph-about")).to_contain_text(feature)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_feature_is_drawn_and_listed_with_its_edges(pages: Pages) -> None:
    with pages.opened("/graph?feature=1/0&floor=0.9&hops=1") as page:
        expect_drawn(page, 4, 3)
        expect(page.locator("h1")).to_have_text("Feature 1/0: courts")
        assert table(page) == {("0/0", "1/0"), ("0/1", "1/0"), ("1/0", "2/0")}
        expect(page.locator("#graph-rows")).to_have_text("layer 2layer 1layer 0")
        expect(page.locator("#graph-legend")).to_contain_text("courts (4)")


def test_expanding_hiding_and_undo_change_picture_table_and_address_alike(pages: Pages) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        expect_drawn(page, 4, 3)
        choose(page, "0-s/1")
        button(page, "Expand outputs").click()
        expect_drawn(page, 6, 5)
        assert ("0/1", "1/8") in table(page)
        assert query(page)["out"] == "0-s/1"
        button(page, "Hide").click()
        expect_drawn(page, 3, 2)
        assert query(page)["hide"] == "0-s/1"
        button(page, "Undo").click()
        expect_drawn(page, 6, 5)
        button(page, "Undo").click()
        expect_drawn(page, 4, 3)
        expect(button(page, "Undo")).to_be_disabled()
        button(page, "Redo").click()
        button(page, "Redo").click()
        expect_drawn(page, 3, 2)
        button(page, "Show hidden (1)").click()
        expect_drawn(page, 6, 5)


def test_an_address_gives_the_same_view_again(pages: Pages) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        choose(page, "0-s/1")
        button(page, "Expand outputs").click()
        expect_drawn(page, 6, 5)
        address = page.url.removeprefix(pages.address)
    with pages.opened(address) as again:
        expect_drawn(again, 6, 5)
        expect(again.locator("#graph-about")).to_contain_text("rivers")
        again.go_back()


def test_back_shows_what_was_before(pages: Pages) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        expect_drawn(page, 4, 3)
        page.locator("#graph-floor input").fill("0.96")
        page.keyboard.press("Enter")
        expect_drawn(page, 3, 2)
        page.go_back()
        expect_drawn(page, 4, 3)


def test_the_threshold_changes_picture_and_table_alike(pages: Pages) -> None:
    with pages.opened("/graph?community=main/0") as page:
        expect_drawn(page, 5, 4)
        page.locator("#graph-floor input").fill("0.98")
        page.keyboard.press("Enter")
        expect_drawn(page, 5, 2)
        assert table(page) == {("0/0", "1/0"), ("1/0", "2/0")}
        page.locator("#graph-floor [role=slider]").focus()
        page.keyboard.press("Home")
        expect_drawn(page, 5, 4)
        assert query(page)["floor"] == "0"


def test_another_measure_draws_its_own_edges(pages: Pages) -> None:
    with pages.opened(f"/graph?gate={quote(GATES[0].id)}") as page:
        expect_drawn(page, 6, 5)
        expect(page.locator("#graph-measure")).to_contain_text("necessity")
        page.locator("#graph-measure").click()
        page.get_by_role("option", name="support", exact=True).click()
        expect(page.locator("#graph-shown")).to_contain_text("features and")
        expect(page.locator('#graph-edges .ag-header-cell[col-id="support"]')).to_be_visible()
        assert query(page)["measure"] == "support"


def test_another_partition_gives_other_colours_and_the_same_features(pages: Pages) -> None:
    with pages.opened("/graph?community=main/0") as page:
        expect(page.locator("#graph-legend")).to_have_text("courts (5)")
        page.locator("#graph-partition").click()
        page.get_by_role("option", name="main.1", exact=True).click()
        expect(page.locator("#graph-legend")).to_have_text("courts (3)early courts (2)")
        expect_drawn(page, 5, 4)
        assert query(page)["partition"] == "main.1"


def test_a_view_without_edges_says_why_and_what_to_do(pages: Pages) -> None:
    with pages.opened("/graph?feature=1/0&floor=0.999&hops=1") as page:
        expect_drawn(page, 1, 0)
        expect(page.locator("#graph-nothing")).to_contain_text("the strongest has 0.99. Lower the threshold.")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/graph?feature=1/99", "the nearest is"),
        ("/graph?feature=1/0&floor=high", "'high' under floor is no number"),
        ("/graph?feature=1/0&nodes=3", "a graph has no 'nodes' in its address"),
        ("/graph?feature=1/0&gate=2", "starts from one thing"),
        ("/graph?community=main/77", "no community 'main/77'"),
    ],
)
def test_a_damaged_address_says_what_is_wrong(pages: Pages, address: str, said: str) -> None:
    with pages.opened(address) as page:
        expect(page.locator("main")).to_contain_text(said)


def test_without_a_start_the_page_offers_some(pages: Pages) -> None:
    with pages.opened("/graph") as page:
        page.get_by_placeholder("A feature").fill("1/0")
        page.keyboard.press("Enter")
        expect(page.locator("#graph-shown")).to_contain_text("features and")
    with pages.opened("/graph") as page:
        page.get_by_role("link", name="courts", exact=True).first.click()
        expect_drawn(page, 5, 4)


def test_every_action_is_reached_by_keys(pages: Pages) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        expect_drawn(page, 4, 3)
        page.locator("#graph-pane").focus()
        page.keyboard.press("ArrowUp")  # the start is chosen first
        expect(page.locator("#graph-about")).to_contain_text("1-s/0")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#graph-about")).to_contain_text("0-s/0")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.locator(":focus").get_attribute("id") == "graph-hide":
                break
        outline = page.locator("#graph-hide").evaluate("button => getComputedStyle(button).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        expect_drawn(page, 3, 2)
        page.locator("#graph-pane").focus()
        page.keyboard.press("Escape")


def test_a_pinned_feature_stays_where_it_is(pages: Pages) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        choose(page, "0-s/1")
        button(page, "Pin").click()
        expect(button(page, "Unpin")).to_be_visible()
        assert query(page)["pin"].startswith("0-s/1@")
        button(page, "Unpin").click()
        expect(button(page, "Pin")).to_be_visible()
        assert "pin" not in query(page)


def test_a_choice_in_the_table_marks_the_edge_and_reads_nothing_anew(pages: Pages) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        expect_drawn(page, 4, 3)
        before = counts(page)
        rows(page).first.locator('[col-id="pearson"]').click()
        marked = "() => document.getElementById('graph-picture')._cyreg.cy.edges('.chosen').map(edge => edge.id())"
        page.wait_for_function(f"() => ({marked})().join() === '0-s/0 1-s/0'")
        assert counts(page) == before


def test_a_hostile_label_is_text_everywhere(pages: Pages, tmp_path: Path) -> None:
    with pages.opened(f"/graph?run={BARE}&feature=1-s/0&selected=1-s/0") as page:
        expect(page.locator("h1")).to_contain_text(HOSTILE)
        expect(page.locator("#graph-about")).to_contain_text(HOSTILE)
        for name in ("SVG", "HTML"):
            with page.expect_download() as download:
                button(page, name).click()
            download.value.save_as(tmp_path / f"view.{name.lower()}")
        assert page.title() == "Graph - saedb"
        assert page.locator("main img").count() == 0
    tags = {element.tag.rpartition("}")[2] for element in ET.parse(tmp_path / "view.svg").iter()}
    assert tags <= {"svg", "g", "rect", "text", "line", "circle", "title"}
    check_sent_page(pages, tmp_path / "view.html", HOSTILE)


def check_sent_page(pages: Pages, file: Path, label: str) -> None:
    """Open the page that is sent to somebody, from the disk: it draws, finds, and asks for nothing."""
    context = pages.browser.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("tbody")).to_contain_text(label)
    page.get_by_label("Find features").fill("quoted")
    expect(page.locator("svg.dim")).to_be_visible()
    expect(page.locator(".n.on title").first).to_contain_text("tiny/")
    page.locator("#fit").click()
    assert "graph" in page.title().lower() or "feature" in page.title().lower()
    assert said == [file.as_uri()]
    context.close()


def test_exports_hold_what_the_picture_shows(pages: Pages, tmp_path: Path) -> None:
    with pages.opened("/graph?community=main/0") as page:
        expect_drawn(page, 5, 4)
        shown = table(page)
        for name in ("PNG", "SVG", "HTML", "JSON", "CSV"):
            with page.expect_download() as download:
                button(page, name).click()
            assert download.value.suggested_filename == f"{KNOWN}-community-main-0.{name.lower()}"
            download.value.save_as(tmp_path / name)
    found = networkx.node_link_graph(json.loads((tmp_path / "JSON").read_text()), edges="links")
    assert {tuple(short(end.removeprefix("tiny/")) for end in ends) for ends in found.edges} == shown
    assert found.edges[whole("0/0"), whole("1/0")]["similarity"] == EDGES["0/0", "1/0"][0]
    listed = list(csv.DictReader(io.StringIO((tmp_path / "CSV").read_text())))
    assert [row["pearson"] for row in listed] == ["0.99", "0.98", "0.97", "0.955"]
    drawn = ET.parse(tmp_path / "SVG")
    assert len(drawn.findall(".//{*}line")) == 4
    assert (tmp_path / "PNG").read_bytes().startswith(b"\x89PNG")


def test_the_cypher_behind_the_view_gives_it(pages: Pages, graph: Graph) -> None:
    with pages.opened("/graph?feature=1-s/0&floor=0.9&hops=1") as page:
        page.get_by_text("Cypher behind this view").click()
        statement = page.locator("#graph-cypher").inner_text()
        assert len([row for row in graph.connection.read(statement) if row["e"]]) == counts(page)[1]
