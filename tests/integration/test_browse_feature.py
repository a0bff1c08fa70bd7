"""The page of one feature, on the known graph, in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Pages, browsing, in_a_browser
from known_graph import BARE, EDGES, KNOWN, bare_run, known_run, whole
from playwright.sync_api import Page, expect

from saedb.cypher.connection import Connection
from saedb.cypher.explore.edges import edges
from saedb.cypher.load import load
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.rundir import RunDirectory

pytestmark = in_a_browser

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
HUB, MANY = "1/7", 250
HISTOGRAM = [50, 7, 3, 0, 1]
EXAMPLE = {
    "feature": whole("2/4"), "rank": 0, "document": 3, "context": 5, "position": 7, "activation": 5.0,
    "tokens": ["The", " north", "\n", "  ", " <b>", " trade", "."], "activations": [0, 1.25, 0, 2.5, 0, 5, 0], "at": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def pages(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("runs")
    with Connection(server.address()) as connection:
        load(connection, bare_run(folder))
        load(connection, with_examples(folder))
        _add(connection)
        with browsing(connection) as pages:
            yield pages
        connection.run("MATCH (n) WHERE coalesce(n.run, n.id) IN $runs DETACH DELETE n", runs=[BARE, KNOWN])


def with_examples(folder: Path) -> RunDirectory:
    """Return the known run with one example, as if the model had read a text."""
    run = known_run(folder)
    with run.writing():
        rows = tables.rows(tables.EXAMPLES, {name: [value] for name, value in EXAMPLE.items()})
        run.write(tables.EXAMPLES, rundir.EXAMPLES_FILE, [rows])
    return run


def _add(connection: Connection) -> None:
    """Give some features of the graph what the known run does not have, and one very many edges."""
    change = "MATCH (f:Feature {run: $run, id: $id}) SET f += $values"
    for short, values in {
        "2/4": {"histogram": HISTOGRAM, "url": "https://www.neuronpedia.org/tiny/2-s/4", "promoted_tokens": [" ships"],
                "labels": ["northern trade", "trade by sea"], "label_sources": ["neuronpedia", "auto"]},
        "0/2": {"label": HOSTILE, "top_tokens": [HOSTILE], "examples": [f"a [[{HOSTILE}]] b"],
                "url": "javascript:alert(3)"},
    }.items():  # fmt: skip
        connection.write(change, run=KNOWN, id=whole(short), values=values)
    connection.write(
        "MATCH (hub:Feature {run: $run, id: $id}) UNWIND range(0, $last) AS i "
        "CREATE (hub)-[:EVOLVES_TO {run: $run, pearson: toFloat(i) / $last, lift: 1.0 + i}]->"
        "(:Feature {run: $run, id: 'tiny/2-s/' + (100 + i), sae: '2-s', layer: 2, depth: 2, index: 100 + i})",
        run=KNOWN, id=whole(HUB), last=MANY - 1,
    )  # fmt: skip


def path(short: str, run: str = KNOWN, **query: object) -> str:
    return f"/feature?run={run}&id={short}" + "".join(f"&{name}={value}" for name, value in query.items())


def listed(page: Page, side: str) -> list[str]:
    cells = page.locator(f"#feature-{side} .ag-cell[col-id=feature]")
    cells.first.wait_for()
    return cells.all_text_contents()


def facts(page: Page) -> dict[str, str]:
    names, values = (page.locator(f".facts {tag}").all_text_contents() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def test_a_page_tells_what_a_feature_is(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        expect(page.locator("h1")).to_have_text("northern trade")
        expect(page.locator(".ids")).to_contain_text("tiny/2-s/4")
        assert facts(page) == {
            "density": "0.004 of the counted tokens (40)",
            "activation": "mean 0.004, max 5, threshold 1",
            "back": "appearing: best Pearson from the layer before 0.220",
            "forward": "disappearing: best Pearson to the next layer 0.120",
            "copied": "0.200 correlation with the stream of the layer before, 0.10 of its mean (1: carried by the "
            "stream, 0: computed by this layer)",
            "top tokens": "northern trade",
            "promotes": "ships",
            "community": "in none of the default partition",
        }
        expect(page.get_by_text("label from neuronpedia")).to_be_visible()
        page.get_by_text("other labels (1)").click()
        expect(page.get_by_text("trade by sea auto")).to_be_visible()


def test_links_lead_to_the_features_beside_it_and_to_the_same_in_another_run(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        ways = page.locator(".ways")
        hrefs = ways.locator("a").evaluate_all("all => all.map(a => [a.textContent, a.getAttribute('href')])")
        assert dict(hrefs) == {
            "previous": f"/feature?run={KNOWN}&id=tiny%2F2-s%2F3",
            "next": f"/feature?run={KNOWN}&id=tiny%2F2-s%2F5",
            "see as graph": f"/graph?run={KNOWN}&feature=2-s%2F4",
            "Neuronpedia": "https://www.neuronpedia.org/tiny/2-s/4",
            BARE: f"/feature?run={BARE}&id=tiny%2F2-s%2F4",
        }
        ways.get_by_text("next").click()
        expect(page.locator("h1")).to_have_text("islands")
        page.go_back()
        expect(page.locator("h1")).to_have_text("northern trade")
    with pages.opened(path("0/0")) as page:
        assert page.locator(".ways a").first.text_content() == "next"


def test_every_token_of_an_example_has_its_activation(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        tokens = page.locator(".examples .token")
        assert tokens.all_text_contents() == ["The", " north", "↵", "␣␣", " <b>", " trade", "."]
        assert tokens.evaluate_all("all => all.map(t => t.title)")[:2] == ["The: 0", "␣north: 1.25"]
        colours = tokens.evaluate_all("all => all.map(t => t.style.backgroundColor)")
        opaque = [float(c.rpartition(" ")[2].rstrip(")") or 0) for c in colours]
        assert opaque == pytest.approx([0, 0.2125, 0, 0.425, 0, 0.85, 0], abs=0.005)
        expect(page.locator(".examples .at")).to_have_text(" trade")


def test_without_the_run_directory_the_short_examples_are_shown_and_that_is_said(
    pages: Pages, server: LocalServer, tmp_path: Path
) -> None:
    with Connection(server.address()) as connection:
        was = connection.read("MATCH (r:Run {id: $run}) RETURN r.path AS path", run=KNOWN)[0]["path"]
        moved = tmp_path / "moved"
        shutil.move(was, moved)
        try:
            with pages.opened(path("2/4")) as page:
                expect(page.locator("main")).to_contain_text("which is not on this machine")
                expect(page.locator(".examples li")).to_have_text(["one northern trade two"])
                expect(page.locator(".examples mark")).to_have_text("northern trade")
        finally:
            shutil.move(moved, was)


def test_the_histogram_has_a_bar_for_each_count(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        bars = page.locator(".histogram .bars div")
        titles = bars.evaluate_all("all => all.map(b => b.title)")
        assert titles[0] == "50 tokens from 0 to 1"
        assert titles[4] == "1 tokens from 4 to 5"
        heights = bars.evaluate_all("all => all.map(b => b.getBoundingClientRect().height)")
        assert heights[0] > heights[1] > heights[2] > heights[4] > heights[3] == 0
        left = page.locator(".histogram .threshold").evaluate("line => line.style.left")
        assert left == "20%"
        expect(page.locator(".histogram figcaption")).to_contain_text("logarithms")
    with pages.opened(path("2/5")) as page:
        expect(page.locator("h1")).to_have_text("islands")
        assert page.locator(".histogram").count() == 0


def test_the_chain_leads_through_the_layers(pages: Pages) -> None:
    with pages.opened(path("1/0")) as page:
        boxes = page.locator(".chain li:not(.joint) a")
        assert boxes.all_text_contents() == ["0-s/0", "1-s/0", "2-s/0", "3-s/0"]
        assert page.locator(".chain .joint").all_text_contents() == ["0.990", "0.980", "0.970"]
        expect(page.locator(".chain [aria-current]")).to_contain_text("1-s/0")
        expect(page.locator(".facts")).to_contain_text("0 courts (5 features, layers 0 to 3; stays in it in 100%")
        boxes.nth(2).click()
        page.wait_for_url("**id=tiny%2F2-s%2F0")
        expect(page.locator(".chain [aria-current]")).to_contain_text("2-s/0")


def test_the_slider_and_the_measure_change_both_lists_and_the_address_holds_them(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        assert listed(page, "inputs") == ["1-s/4", "1-s/3", "1-s/5"]
        assert listed(page, "outputs") == ["3-s/3"]
        expect(page.locator("#feature-inputs-said")).to_have_text("3 edges")
        slider = page.get_by_role("slider")
        slider.focus()
        for _ in range(20):
            slider.press("ArrowRight")
        expect(page.locator("#feature-inputs-said")).to_have_text("3 edges, 2 of them with pearson of at least 0.2")
        expect(page.locator("#feature-outputs-said")).to_have_text("1 edge, 0 of them with pearson of at least 0.2")
        assert listed(page, "inputs") == ["1-s/4", "1-s/3"]
        page.wait_for_url("**&floor=0.2")
        page.reload()
        assert listed(page, "inputs") == ["1-s/4", "1-s/3"]
        expect(slider).to_have_attribute("aria-valuenow", "0.2")
        page.locator("#feature-measure").click()
        page.get_by_role("option", name="lift").click()
        page.wait_for_url("**&measure=lift")
        expect(page.locator("#feature-inputs-said")).to_have_text("3 edges")
        expect(page.locator("#feature-inputs .ag-cell.chosen").first).to_have_attribute("col-id", "lift")
        assert listed(page, "inputs") == ["1-s/4", "1-s/5", "1-s/3"]
        expect(slider).to_have_attribute("aria-valuemax", "250")  # of an output
        page.go_back()
        expect(page.locator("#feature-inputs-said")).to_have_text("3 edges, 2 of them with pearson of at least 0.2")
        assert listed(page, "inputs") == ["1-s/4", "1-s/3"]


def test_a_list_has_every_measure_of_an_edge(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        listed(page, "inputs")
        row = page.locator("#feature-inputs .ag-center-cols-container .ag-row").first
        cells = row.locator(".ag-cell").evaluate_all("all => all.map(c => [c.getAttribute('col-id'), c.textContent])")
        pearson, necessity, sufficiency, cosine, lift, support = EDGES["1/4", "2/4"]
        assert dict(cells) == {
            "label": "law of trade", "pearson": f"{pearson:.3f}", "necessity": f"{necessity:.3f}",
            "sufficiency": f"{sufficiency:.3f}", "decoder_cosine": f"{cosine:.3f}", "lift": f"{lift:.0f}",
            "support": str(support),
        }  # fmt: skip


def test_of_many_edges_the_highest_are_shown_and_all_are_counted(pages: Pages, server: LocalServer) -> None:
    with pages.opened(path(HUB, measure="lift")) as page:
        expect(page.locator("#feature-outputs-said")).to_have_text(
            "250 edges, the highest 200 shown (all: saedb query neighbours 1-s/7 --run known-graph --measure lift)"
        )
        assert listed(page, "outputs")[0] == "2-s/349"
        expect(page.locator("#feature-outputs .ag-paging-panel")).to_contain_text("1 to 10 of 200")
        expect(page.locator("#feature-inputs-said")).to_have_text("None.")
    with Connection(server.address()) as connection:
        found = edges(connection, KNOWN, whole(HUB), "outputs", measure="pearson", floor=0.5, limit=7)
    assert (len(found.shown), found.passing, found.total, found.lowest, found.highest) == (7, 125, 250, 0.0, 1.0)
    with pytest.raises(ValueError, match="no measure"):
        edges(connection, KNOWN, whole(HUB), "outputs", measure="run", floor=None, limit=1)


def test_a_truth_table_has_the_counts_of_every_combination(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        expect(page.get_by_text("Gates with this output (2)")).to_be_visible()
        gate = page.locator(".gate").first
        expect(gate.locator("h3")).to_have_text("1-s/3 north AND 1-s/4 law of trade → this")
        expect(gate.locator("p")).to_contain_text("F1 0.95, precision 0.95, recall 0.95, gain 0.50, support 38")
        rows = gate.locator("tr").evaluate_all("all => all.map(r => [...r.children].map(c => c.textContent))")
        assert rows == [
            ["1-s/3", "1-s/4", "tokens", "of these active", "share"],
            ["off", "off", "4,000", "0", "0.000"],
            ["off", "on", "10", "1", "0.100"],
            ["on", "off", "280", "1", "0.004"],
            ["on", "on", "20", "18", "0.900"],
        ]
        expect(page.locator("main")).to_contain_text("Candidates that are no gates: 1 imprecise (F1 is too low).")
        expect(page.get_by_text("Gates with this input (1)")).to_be_visible()
        three = page.locator(".gate").nth(2).locator("tbody tr")
        assert three.count() == 8
    with pages.opened(path("2/2")) as page:  # none of its tokens had the first input alone
        expect(page.locator(".gate h3").first).to_have_text("1-s/2 tax OR 1-s/8 first word → this")


def test_splits_have_their_parts(pages: Pages) -> None:
    with pages.opened(path("1/5")) as page:
        split = page.locator(".gate").last
        expect(split.locator("h3")).to_have_text("this into 2 parts")
        expect(split.locator("p")).to_have_text("coverage 0.68, overlap 0.05, support 340")
        assert split.locator("tbody td").all_text_contents() == [
            "2-s/5 islands", "0.40", "0.95", "2-s/4 northern trade", "0.30", "0.92",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (path("0/5"), "It is dead: never active on a counted token"),
        (path(HUB), "It is rare: active too seldom (on 3 tokens)"),
        (path("1/8"), "It is positional: over half of its activation is on one position"),
        (path("1/0", BARE), f"Run {BARE} was imported from a table of edges"),
        (path("0/0"), "no layer before it was compared"),
        (path("3/0"), "None: no layer after this one was compared."),
        (path("1/5", measure="likeness"), "no measure 'likeness'"),
        (path("1/5", floor="high"), "no floor 'high'"),
        (path("9/9"), "9/9"),
        (f"/feature?run={KNOWN}", "the address names no feature"),
    ],
)
def test_what_is_missing_is_said_in_words(pages: Pages, address: str, said: str) -> None:
    with pages.opened(address) as page:
        expect(page.locator("main")).to_contain_text(said)


def test_labels_and_tokens_of_a_stranger_are_only_shown(pages: Pages) -> None:
    with pages.opened(path("0/2")) as page:
        expect(page.locator("h1")).to_have_text(HOSTILE)
        expect(page.locator(".examples mark")).to_have_text(HOSTILE)
        assert page.locator("#main img, #main script").count() == 0
        assert "Neuronpedia" not in page.locator(".ways").all_text_contents()[0]
    with pages.opened(path("1/4")) as page:
        page.locator("#feature-inputs .ag-cell[col-id=label]").get_by_text(HOSTILE).wait_for()
        assert page.locator("#main img, #main script").count() == 0


def test_a_page_needs_no_more_than_the_width_of_the_window(pages: Pages) -> None:
    for width in (1400, 1000):
        with pages.opened(path("2/4"), width=width, height=700) as page:
            listed(page, "inputs")
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_link_in_a_list_is_reached_by_keyboard(pages: Pages) -> None:
    with pages.opened(path("2/4")) as page:
        page.locator("#feature-inputs .ag-cell[col-id=feature]").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**id=tiny%2F1-s%2F4")
        expect(page.locator("h1")).to_have_text("law of trade")
