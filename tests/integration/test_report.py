"""The report of the known graph, on the real server and in a real browser."""

import base64
import io
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import known_graph
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from known_graph import BARE, COMMUNITIES, KNOWN, RESOLUTIONS, loaded
from playwright.sync_api import Page, sync_playwright

from saedb.cli.main import main
from saedb.cli.report import community_figures as figures
from saedb.cli.report import residuals
from saedb.cli.report.page import Chapter, Section, page
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to show the page in: apt-get install chromium")

SECTIONS = {
    "run": ["text", "rules", "quality"],
    "activations": ["maxima", "densities"],
    "flow": ["states", "thresholds"],
    "motifs": ["chains", "appearing", "disappearing", "and-gates", "or-gates", "specialisation", "splits"],
    "gates": ["gate-counts", "gate-tables"],
    "communities": ["partition", "sizes", "layers", "resolutions", "stability", "coherence", "lists", "bridges"],
    "prompt": ["prompt-features"],
    "similarity": ["distributions", "chance", "labels"],
    "ablation": ["effects", "causes"],
    "residuals": ["recovery", "error-maps", "copied"],
    "convergence": [],
}
"""Anchors of links into reports: a change breaks those that people keep."""
DRAWN = [
    "quality", "maxima", "densities", "states", "thresholds", "gate-tables", "sizes", "layers", "resolutions",
    "stability", "coherence", "prompt-features", "distributions", "effects", "copied",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.fixture
def saedb(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return Command()


class Command:
    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), catch_exceptions=False)

    def report(self, *arguments: str) -> str:
        """Return the page that a report of the known graph is."""
        result = self("report", KNOWN, *arguments)
        assert result.exit_code == 0, result.output
        return Path(result.stdout.strip()).read_text()


def _section(content: str, anchor: str) -> str:
    start = content.index(f'<section id="{anchor}">')
    return content[start : content.index("</section>", start)]


def _numbers(content: str, anchor: str) -> pd.DataFrame:
    link = re.search(rf'download="{KNOWN}-{anchor}\.csv" href="[^"]*base64,([^"]*)"', content)
    assert link is not None
    return pd.read_csv(io.BytesIO(base64.b64decode(link[1])))


def _cells(content: str, title: str) -> list[list[str]]:
    """Return the rows of the table of a title, the heads first."""
    table = content[content.index(f"<caption>{title}</caption>") :].split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def _note(content: str, anchor: str) -> str:
    note = re.search(r'<p class="note">(.*?)</p>', _section(content, anchor))
    assert note is not None
    assert "plotly-graph-div" not in _section(content, anchor)
    return unescape(re.sub("</?code>", "`", re.sub("</?span>", "", note[1])))


def test_residual_streams_have_their_numbers_and_say_what_is_missing(saedb: Command, graph: Graph) -> None:
    content = saedb.report()
    numbers = _numbers(content, "recovery").set_index("sae")
    assert numbers.loc["0-s", ["low_necessity", "passed_through", "dead_or_rare"]].tolist() == [3, 1, 1]
    assert numbers.loc["0-s", "recovered"] == pytest.approx(0.55)  # not that of 5 tokens
    copied = _numbers(content, "copied").set_index(["sae", "state"])
    assert copied.loc[("2-s", "passed_through"), "copied_50"] == pytest.approx(0.695)
    assert copied.loc[("2-s", "passed_through"), "rebuilt"] == pytest.approx(2 / 3)
    assert 'id="copied-figure"' in content
    assert _note(content, "error-maps") == "No feature of any layer was active."
    bare = residuals.chapter(graph, BARE)
    assert [section.anchor for section in bare.sections] == SECTIONS["residuals"]
    assert {section.note for section in bare.sections} == {f"This was not measured; it is by `saedb residuals {BARE}`."}


def test_a_report_has_every_section_and_says_where_it_is(saedb: Command, tmp_path: Path) -> None:
    result = saedb("report", KNOWN)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{KNOWN}-report.html\n"
    content = (tmp_path / f"{KNOWN}-report.html").read_text()
    assert re.findall(r'<h2 id="([\w-]+)">', content) == list(SECTIONS)
    anchors = [anchor for sections in SECTIONS.values() for anchor in sections]
    assert re.findall(r'<section id="([\w-]+)">', content) == anchors
    assert [a for a in anchors if f'id="{a}-figure"' in content] == DRAWN
    nav = content[content.index("<nav") : content.index("</nav>")]
    linked = re.findall(r'href="#([\w-]+)"', nav)
    assert linked == [anchor for chapter, sections in SECTIONS.items() for anchor in (chapter, *sections)]
    assert [file.name for file in tmp_path.iterdir()] == [f"{KNOWN}-report.html"]


def test_the_newest_run_is_reported_on_where_none_is_named(saedb: Command) -> None:
    assert saedb("report").stdout == f"{KNOWN}-report.html\n"


def test_the_numbers_of_a_report_are_those_of_the_queries(saedb: Command, graph: Graph) -> None:
    content = saedb.report()
    communities = graph.query("communities", run=KNOWN, min_size=1)
    for anchor, columns in {
        "sizes": ["community", "label", "size", "stability"],
        "stability": ["community", "label", "size", "stability"],
        "coherence": ["community", "label", "size", "coherence", "chance"],
        "lists": list(communities.columns),
    }.items():
        _assert_same(_numbers(content, anchor)[columns], communities[columns])
    assert _numbers(content, "sizes")["rank"].tolist() == [1, 2, 3]
    _assert_same(_numbers(content, "resolutions"), graph.query("resolutions", run=KNOWN))
    _assert_same(_numbers(content, "bridges"), graph.query("bridges", run=KNOWN))
    by_layer = _numbers(content, "layers").groupby("community")["features"].sum()
    assert by_layer.to_dict() == {c.number: len(c.members) for c in COMMUNITIES if c.partition == "main"}
    assert len(RESOLUTIONS) == len(_numbers(content, "resolutions"))


def _assert_same(*tables: pd.DataFrame) -> None:
    """Check that tables hold the same, whatever stands for what is missing."""
    one, other = (table.astype(object).where(table.notna(), None) for table in tables)
    pd.testing.assert_frame_equal(one, other)


def test_the_tables_list_what_their_titles_say(saedb: Command) -> None:
    content = saedb.report()
    assert _cells(content, "The largest") == [
        ["number", "label", "size", "layers", "coherence", "stability", "recovery", "conductance"],
        ["0", "courts", "5", "0 to 3", "0.3000", "0.8200", "0.7200", "0.1986"],
        ["4", "tax", "3", "1 to 2", "0.8000", "1.0000", "0.9000", "0.2740"],
        ["1", "rivers", "2", "1 to 2", "-", "0.5000", "0.4000", "0.3806"],
    ]
    assert [row[1] for row in _cells(content, "The least stable, by recovery")[1:]] == ["rivers", "courts", "tax"]
    assert "The most coherent" not in content  # of ten features and more there is none
    assert [row[:3] for row in _cells(content, "Partitions of this run")] == [
        ["partition", "algorithm", "measure"],
        ["main", "leiden", "pearson"],
        ["main.1", "leiden", "pearson"],
        ["rough", "leiden", "pearson"],
    ]
    assert [row[0] for row in _cells(content, "Likeness to main")] == ["partition", "main.1", "rough"]
    bridges = _cells(content, "Features between communities")
    assert bridges[0][:4] == ["feature", "label", "inside", "its community"]
    assert ["0-s/1", "rivers"] in [row[:2] for row in bridges]
    assert "Communities that reach 0.75: 1 of 2." in _section(content, "coherence")
    assert "no layer has two of their features: 1." in _section(content, "coherence")


def test_what_is_not_known_of_a_partition_is_said_with_the_command_that_finds_it(saedb: Command) -> None:
    content = saedb.report("--partition", "rough")
    again = f"`saedb communities {KNOWN} --name rough --measure pearson"
    assert _note(content, "resolutions") == f"Other resolutions were not tried. This does: {again} --sweep`"
    assert _note(content, "stability") == f"Other seeds were not tried. This does: {again} --runs 20`"
    assert _note(content, "coherence").startswith("Not known: the run has no decoder directions.")
    assert "The least stable" not in content
    assert f"saedb query community NUMBER --run {KNOWN} --partition rough" in re.sub("</?span>", "", content)


def test_a_level_sends_its_reader_to_the_partition_it_belongs_to(saedb: Command) -> None:
    content = saedb.report("--partition", "main.1")
    for anchor in ("resolutions", "stability"):
        assert _note(content, anchor).endswith(f"`saedb report {KNOWN} --partition main`")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (BARE, "--partition", "main"),
            f"run {BARE} has no partition 'main'; it has none; first: saedb communities",
        ),
        ((KNOWN, "--prompt", "lwa"), f"run {KNOWN} has no prompt 'lwa'; the last are law, rivers"),
        ((KNOWN, "--measure", "pearsn"), "there is no measure 'pearsn'"),
        ((KNOWN, "--csv", "missing/csv"), "there is no folder missing"),
        ((KNOWN, "--partition", "ruogh"), f"run {KNOWN} has no partition 'ruogh'; did you mean rough?"),
        (("nothing",), "no run 'nothing'"),
        ((KNOWN, "--out", "missing/report.html"), "there is no folder missing"),
    ],
)
def test_what_cannot_be_reported_is_one_line(
    saedb: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = saedb("report", *arguments)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"Error: {message}")
    assert list(tmp_path.iterdir()) == []


def test_a_report_takes_the_place_of_a_report_and_of_nothing_else(saedb: Command, tmp_path: Path) -> None:
    file = tmp_path / f"{KNOWN}-report.html"
    file.write_text("mine")
    assert "is there and is no report" in saedb("report", KNOWN).stderr
    assert file.read_text() == "mine"
    first = saedb.report("--force")
    assert saedb.report() == first


def test_every_csv_is_written_to_a_folder_as_it_is_in_the_page(saedb: Command, tmp_path: Path) -> None:
    result = saedb("report", KNOWN, "--csv", "numbers")
    assert result.stdout == f"{KNOWN}-report.html\n"
    content = (tmp_path / f"{KNOWN}-report.html").read_text()
    names = re.findall(r'download="([^"]+)"', content)
    assert sorted(file.name for file in (tmp_path / "numbers").iterdir()) == sorted(names)
    assert f"{len(names)} CSV files in numbers" in result.stderr
    for anchor in ("states", "thresholds", "gate-tables"):
        _assert_same(pd.read_csv(tmp_path / "numbers" / f"{KNOWN}-{anchor}.csv"), _numbers(content, anchor))


def test_an_imported_run_without_anything_but_edges_has_a_report(saedb: Command, tmp_path: Path) -> None:
    assert saedb("report", BARE).exit_code == 0
    content = (tmp_path / f"{BARE}-report.html").read_text()
    assert re.findall(r'<h2 id="([\w-]+)">', content) == list(SECTIONS)
    assert f"<span>communities</span> <span>{BARE}</span>" in content


@dataclass
class Shown:
    """A page in a browser, with what it asked for and what went wrong."""

    page: Page
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def number(self, selector: str) -> int:
        return self.page.locator(selector).count()


@contextmanager
def _shown(file: Path, width: int = 1280) -> Generator[Shown]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = Shown(browser.new_page(viewport={"width": width, "height": 900}))
        shown.page.on("request", lambda request: shown.requests.append(request.url))
        shown.page.on("pageerror", lambda error: shown.problems.append(str(error)))
        shown.page.on("console", lambda message: shown.problems.append(message.text))
        shown.page.goto(file.as_uri())
        yield shown
        browser.close()


@in_a_browser
def test_a_browser_draws_every_figure_and_asks_no_other_machine(saedb: Command, tmp_path: Path) -> None:
    saedb.report("--out", "report.html")
    with _shown(tmp_path / "report.html") as shown:
        for anchor in DRAWN:
            shown.page.locator(f"#{anchor}-figure .main-svg").first.wait_for()
        assert shown.number("#sizes .point") == 3
        assert shown.number("#resolutions .point") == 6
        assert shown.number("#coherence .point") == 4
        assert shown.number("#layers .heatmaplayer image") == 1
        assert shown.number("#and-gates .drawing svg circle") == 3 + 4
        assert shown.number("#prompt-features .point") > 0
        buttons = shown.page.locator("#sizes .modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
        assert buttons == ["Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]
        assert shown.requests == [(tmp_path / "report.html").as_uri()]
        assert shown.problems == []


@in_a_browser
def test_a_browser_saves_the_numbers_and_the_picture_of_a_figure(saedb: Command, tmp_path: Path) -> None:
    content = saedb.report("--out", "report.html")
    with _shown(tmp_path / "report.html") as shown:
        with shown.page.expect_download() as numbers:
            shown.page.click("#sizes .download a")
        assert numbers.value.suggested_filename == f"{KNOWN}-sizes.csv"
        _assert_same(pd.read_csv(numbers.value.path()), _numbers(content, "sizes"))
        shown.page.hover("#sizes .nsewdrag")
        with shown.page.expect_download() as picture:
            shown.page.click("#sizes .modebar-btn >> nth=0")
        assert picture.value.path().read_bytes().startswith(b"\x89PNG")
        assert shown.problems == []


@in_a_browser
@pytest.mark.parametrize("width", [1280, 1000, 375])
def test_a_report_is_no_wider_than_the_window(saedb: Command, tmp_path: Path, width: int) -> None:
    saedb.report("--out", "report.html")
    with _shown(tmp_path / "report.html", width) as shown:
        shown.page.locator("#coherence-figure .main-svg").first.wait_for()
        assert shown.page.evaluate("document.documentElement.scrollWidth") == width
        for figure in shown.page.locator("figure").all():
            box = figure.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        if width >= 1000:  # on a phone wide tables are moved sideways
            hidden = "all => all.map(e => e.scrollWidth - e.clientWidth)"
            assert set(shown.page.locator(".wide").evaluate_all(hidden)) == {0}


@in_a_browser
def test_a_label_of_a_stranger_is_only_shown(tmp_path: Path) -> None:
    label = '<b>x</b></script><script>window.hacked=1</script><img src="http://127.0.0.1/x" onerror="window.hacked=1">'
    communities = pd.DataFrame(
        {
            "rank": [1, 2], "community": [0, 1], "label": pd.Series([label, None], dtype=object), "size": [9, 2],
            "stability": [0.5, 1.0], "coherence": [0.3, 0.9], "chance": [0.1, 0.0],
        }
    )  # fmt: skip
    drawn = {
        "sizes": figures.sizes(communities),
        "layers": figures.spans(communities, pd.DataFrame([[5.0, 4.0], [2.0, float("nan")]], columns=["<b>0", "1"])),
        "stability": figures.stability(communities, communities),
        "coherence": figures.coherence(communities),
    }
    sections = [Section(anchor=name, heading=label, text=(label,), figure=figure) for name, figure in drawn.items()]
    chapter = Chapter(anchor="communities", heading=label, text=(label,), sections=tuple(sections))
    file = tmp_path / "hostile.html"
    file.write_text(page(label, label, [chapter]))
    with _shown(file) as shown:
        for name in drawn:
            shown.page.locator(f"#{name}-figure .main-svg").first.wait_for()
        shown.page.hover("#sizes .point >> nth=0", force=True)
        hover = shown.page.locator("#sizes .hovertext").first
        hover.wait_for()
        assert "<b>x</b></script>" in (hover.text_content() or "")
        assert shown.page.evaluate("window.hacked") is None
        assert shown.number("img") == 0
        assert (shown.requests, shown.problems) == ([file.as_uri()], [])


@in_a_browser
def test_hostile_labels_of_a_run_are_only_shown_in_every_chapter(
    saedb: Command, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = '</svg></script><img src="http://127.0.0.1/x" onerror="window.hacked=1"><script>window.hacked=1</script>'
    monkeypatch.setattr(known_graph, "KNOWN", "hostile")
    for feature, (_, *known) in known_graph.FEATURES.items():
        monkeypatch.setitem(known_graph.FEATURES, feature, (f"{label}{feature}", *known))
    run = known_graph.known_run(tmp_path)
    with Connection(server.address()) as connection:
        load(connection, run)
        try:
            assert saedb("report", "hostile", "--prompt", "law", "--out", "report.html").exit_code == 0
        finally:
            drop(connection, "hostile")
    with _shown(tmp_path / "report.html") as shown:
        for anchor in DRAWN:
            shown.page.locator(f"#{anchor}-figure .main-svg").first.wait_for()
        told = shown.page.locator("#and-gates .drawing title").all_text_contents()
        assert any(label in text for text in told)
        assert label in (shown.page.locator("#labels").text_content() or "")
        assert shown.number("img") == 0
        assert shown.page.evaluate("window.hacked") is None
        assert (shown.requests, shown.problems) == ([(tmp_path / "report.html").as_uri()], [])
