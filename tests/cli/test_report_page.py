import base64
import io
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from saedb.cli.report import numbers
from saedb.cli.report.community_figures import DRAWN, drawn
from saedb.cli.report.community_tables import Answers, layers
from saedb.cli.report.look import styled
from saedb.cli.report.page import Chapter, Drawing, Section, Table, check_writable, page
from saedb.ingest.errors import InputError

HOSTILE = """</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;'`\x00\x1b[31m\u202e"""
TAGS = {
    "html", "head", "meta", "title", "style", "script", "body", "main", "header", "br", "h1", "h2", "h3", "p",
    "nav", "strong", "a", "ul", "li", "section", "figure", "div", "code", "span",
    "table", "caption", "figcaption", "svg", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


class Parsed(HTMLParser):
    """What a browser finds in a page: its tags with their attributes, and the texts between them."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        """Return the values of an attribute, wherever it is."""
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


def _page(*sections: Section, run: str = "toy") -> str:
    return page(run, "a toy", [Chapter(anchor="chapter", heading="Chapter", text=("one",), sections=sections)])


def _figure(label: str = "one") -> go.Figure:
    return styled(go.Figure(go.Scatter(x=[1], y=[2], customdata=[label])), 200)


def _cells(content: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", content, re.DOTALL)
    return [re.findall(r'<t[hd][^>]*class="(\w+)">(.*?)</t[hd]>', row) for row in rows]


def test_no_text_of_strangers_becomes_a_part_of_the_page() -> None:
    rows = pd.DataFrame({HOSTILE: [HOSTILE, None]}, dtype=object)
    section = Section(
        anchor="section",
        heading=HOSTILE,
        text=(HOSTILE,),
        facts=((HOSTILE, HOSTILE),),
        figure=_figure(HOSTILE),
        drawings=(Drawing(svg="<svg></svg>", caption=HOSTILE),),
        note=HOSTILE,
        tables=(Table(title=HOSTILE, rows=rows),),
        data=rows,
    )
    content = page(
        HOSTILE, HOSTILE, [Chapter(anchor="c", heading=HOSTILE, text=(HOSTILE,), sections=(section,), note=HOSTILE)]
    )
    parsed = Parsed(content)
    assert {tag for tag, _ in parsed.tags} <= TAGS
    assert [tag for tag, _ in parsed.tags].count("script") == 2  # Plotly, and one figure
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert "\x00" not in content
    assert "\x1b" not in content
    shown = HOSTILE.replace("\x00", r"\x00").replace("\x1b", r"\x1b")
    assert "".join(parsed.texts).count(shown) == 17


def test_the_page_asks_for_nothing_and_holds_plotly_once() -> None:
    content = _page(
        Section(anchor="one", heading="One", text=(), figure=_figure(), data=pd.DataFrame({"a": [1]})),
        Section(anchor="two", heading="Two", text=(), figure=_figure()),
    )
    parsed = Parsed(content)
    assert parsed.values("src") == []
    assert all(href.startswith(("#", "data:text/csv")) for href in parsed.values("href"))
    assert content.count("plotly.js v") == 1
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    (policy,) = (value for value in parsed.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_the_contents_lead_to_every_section() -> None:
    parsed = Parsed(_page(*(Section(anchor=name, heading=name, text=()) for name in ("one", "two"))))
    anchors = parsed.values("id")
    assert anchors == ["chapter", "one", "two"]
    assert [href.removeprefix("#") for href in parsed.values("href")] == anchors


def test_the_numbers_behind_a_figure_are_a_csv_in_the_page() -> None:
    rows = pd.DataFrame({"label": ["a, b", 'say "x"\n', None], "size": pd.array([3, 2, None], "Int64")})
    parsed = Parsed(_page(Section(anchor="sizes", heading="Sizes", text=(), data=rows), run="toy"))
    (link,) = (attributes for tag, attributes in parsed.tags if tag == "a" and "download" in attributes)
    assert link["download"] == "toy-sizes.csv"
    kind, content = str(link["href"]).split(",", 1)
    assert kind == "data:text/csv;charset=utf-8;base64"
    found = pd.read_csv(io.BytesIO(base64.b64decode(content)), dtype={"size": "Int64"})
    pd.testing.assert_frame_equal(found, rows, check_dtype=False)


def test_numbers_stand_right_and_what_is_missing_is_a_dash() -> None:
    rows = pd.DataFrame(
        {
            "label": ["x" * 300, None],
            "short": ["no break", "here"],
            "size": pd.array([12345, None], "Int64"),
            "share": [0.5, float("nan")],
        }
    )
    head, first, second = _cells(
        _page(Section(anchor="s", heading="S", text=(), tables=(Table(title="T", rows=rows),)))
    )
    assert head == list(zip(("text", "word", "number", "number"), rows.columns, strict=True))
    assert [cell for _, cell in first] == ["x" * 199 + "…", "no break", "12,345", "0.5000"]
    assert [cell for _, cell in second] == ["-", "here", "-", "-"]


def test_a_chapter_without_sections_is_in_the_contents_and_says_why() -> None:
    content = page("toy", "a toy", [Chapter(anchor="gone", heading="Gone", text=(), note="do `saedb this`")])
    assert [href for href in Parsed(content).values("href")] == ["#gone"]
    assert 'id="gone"' in content
    assert '<p class="note">do <code><span>saedb</span> <span>this</span></code></p>' in content


def test_the_numbers_of_every_section_are_written_as_files(tmp_path: Path) -> None:
    rows = pd.DataFrame({"label": ["a, b", "c\nd"], "size": [1, 2]})
    sections = (
        Section(anchor="one", heading="One", text=(), data=rows),
        Section(anchor="two", heading="Two", text=()),
    )
    folder = tmp_path / "csv"
    numbers.check_folder(folder)
    chapters = [Chapter(anchor="c", heading="C", text=(), sections=sections)]
    for _ in range(2):
        assert numbers.write(folder, "toy", chapters) == [folder / "toy-one.csv"]
    pd.testing.assert_frame_equal(pd.read_csv(folder / "toy-one.csv"), rows, check_dtype=False)


def test_a_folder_for_numbers_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is a file; give a folder with --csv"):
        numbers.check_folder(tmp_path / "file")
    with pytest.raises(InputError, match=r"there is no folder .*missing; make it"):
        numbers.check_folder(tmp_path / "missing" / "csv")


def test_commands_in_a_text_are_set_as_code() -> None:
    content = _page(Section(anchor="s", heading="S", text=("do: `saedb <x>` now",)))
    assert "do: <code><span>saedb</span> <span>&lt;x&gt;</span></code> now" in content


def test_the_same_content_is_the_same_page() -> None:
    section = Section(anchor="one", heading="One", text=("one",), figure=_figure(), data=pd.DataFrame({"a": [1]}))
    assert _page(section) == _page(section)


def test_a_report_takes_the_place_of_a_report_only(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    check_writable(file, force=False)
    file.write_text(_page())
    check_writable(file, force=False)
    file.write_text("<!doctype html><title>mine</title>")
    with pytest.raises(InputError, match=r"report\.html is there and is no report; .* --force"):
        check_writable(file, force=False)
    check_writable(file, force=True)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, force: bool) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*missing; make it, or give another file with --out"):
        check_writable(tmp_path / "missing" / "report.html", force=force)


def test_of_many_communities_figures_show_all_large_ones_and_ever_fewer_of_the_others() -> None:
    many = pd.DataFrame({"rank": range(1, 50_001)})
    shown = drawn(many)["rank"].tolist()
    assert len(shown) <= DRAWN
    assert shown[:300] == list(range(1, 301))
    assert shown[-1] == 50_000
    steps = [after - before for before, after in pairwise(shown)]
    assert max(steps[:1000]) < max(steps[-1000:])
    few = many.head(DRAWN)
    assert drawn(few) is few


@pytest.mark.parametrize(
    ("saes", "names"), [({"2-res": 2, "5-res": 5}, ["2", "5"]), ({"2-att": 2, "2-mlp": 2}, ["2-att", "2-mlp"])]
)
def test_layers_are_named_by_their_number_where_that_tells_them_apart(saes: dict[str, int], names: list[str]) -> None:
    nothing = pd.DataFrame()
    first, second = saes
    answers = Answers(
        run="toy",
        partition={},
        partitions=nothing,
        likeness=nothing,
        communities=pd.DataFrame({"community": [7, 3]}),
        evolution=pd.DataFrame({"community": [3, 7, 7], "sae": [second, second, first], "features": [4, 2, 1]}),
        resolutions=nothing,
        bridges=nothing,
        saes=pd.DataFrame({"sae": list(saes), "layer": list(saes.values())}),
    )
    expected = pd.DataFrame([[1.0, 2.0], [None, 4.0]], index=[7, 3], columns=names)
    pd.testing.assert_frame_equal(layers(answers), expected, check_names=False)
