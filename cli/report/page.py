"""A report as one page of HTML that needs nothing else: no network, no other file, no script but Plotly's.

A page is chapters, a chapter sections, and a section sentences with figures, tables and the numbers behind them. Every
text is escaped here, or where a drawing is made: labels come from files that anyone may have written.
"""

import base64
import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from saedb.cli.report.look import CONFIG, STYLE
from saedb.cli.table import clean, cut, number_format
from saedb.ingest.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame, Series
    from plotly.graph_objects import Figure

_GENERATOR: Final = '<meta name="generator" content="saedb report">'
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a browser lets the page do: nothing that asks another machine, whatever a label says."""
_HEAD: Final = 4096
"""Bytes of a file in which the mark of a report must stand."""
_LONGEST: Final = 200
"""Characters of a text in a cell."""
_SHORT: Final = 24
"""Characters up to which it is not broken into lines."""
_NOTHING: Final = "-"
_CODE: Final = re.compile(r"`([^`]+)`")
_WORD: Final = re.compile(r"[^ ]+")
_UNBROKEN: Final = r"<span>\g<0></span>"
"""A word of a command: browsers end lines within options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under the names of their columns; numbers are aligned by their type."""

    title: str
    rows: "DataFrame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture that stands still, with a line on what it is."""

    svg: str
    """An element, its texts escaped: what `saedb.cli.drawing.svg.part` returns."""
    caption: str
    """With commands in backticks, as the texts of a section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One thing that a chapter shows. Texts may have commands in backticks, and no other marks."""

    anchor: str
    """What a link to it ends with: the same in every report."""
    heading: str
    text: tuple[str, ...]
    """Paragraphs: what is to be seen, and how it is read."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values."""
    figure: "Figure | None" = None
    drawings: tuple[Drawing, ...] = ()
    note: str | None = None
    """What stands in place of a figure that cannot be drawn."""
    tables: tuple[Table, ...] = ()
    data: "DataFrame | None" = None
    """The numbers behind it, for a download: whatever a figure or a drawing shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Sections on one subject."""

    anchor: str
    heading: str
    text: tuple[str, ...]
    sections: tuple[Section, ...] = ()
    note: str | None = None
    """What stands in place of sections where their data were not computed: the command that does."""


def check_writable(file: Path, *, force: bool) -> None:
    """Check that a report may take the place of a file: there is none yet, it is one, or `force` is given.

    Raises:
        InputError: it is something else, or there is no folder for it.
    """
    if not file.parent.is_dir():
        raise InputError(f"there is no folder {file.parent}; make it, or give another file with --out")
    if file.exists() and not force and not _is_report(file):
        raise InputError(f"{file} is there and is no report; give another file with --out, or --force")


def _is_report(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return _GENERATOR.encode() in stream.read(_HEAD)


def page(run: str, summary: str, chapters: Sequence[Chapter]) -> str:
    """Return the report of a run as HTML.

    Args:
        run: its name, with which the names of downloaded files begin.
        summary: one line on what it is.
        chapters: in order.
    """
    from plotly.offline import get_plotlyjs

    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            _GENERATOR,
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(run)}: saedb report</title>",
            f"<style>{STYLE}</style>",
            f"<script>{get_plotlyjs()}</script>",
            '</head>\n<body>\n<main class="page">',
            f"<header>\n<h1>Report on run {_text(run)}</h1>",
            f'<p class="summary">{_text(summary)}<br>Made by saedb {_text(version("saedb"))}</p>\n</header>',
            *_contents(chapters),
            *(part for chapter in chapters for part in _chapter(chapter, run)),
            "</main>\n</body>\n</html>\n",
        )
    )


def _contents(chapters: Iterable[Chapter]) -> Iterator[str]:
    yield '<nav aria-label="Contents">'
    for chapter in chapters:
        yield f'<strong><a href="#{chapter.anchor}">{_text(chapter.heading)}</a></strong>'
        if chapter.sections:
            links = (f'<li><a href="#{s.anchor}">{_text(s.heading)}</a></li>' for s in chapter.sections)
            yield f"<ul>{''.join(links)}</ul>"
    yield "</nav>"


def _chapter(chapter: Chapter, run: str) -> Iterator[str]:
    yield f'<h2 id="{chapter.anchor}">{_text(chapter.heading)}</h2>'
    yield from map(_paragraph, chapter.text)
    if chapter.note is not None:
        yield _note(chapter.note)
    for section in chapter.sections:
        yield from _section(section, run)


def _section(section: Section, run: str) -> Iterator[str]:
    yield f'<section id="{section.anchor}">\n<h3>{_text(section.heading)}</h3>'
    yield from map(_paragraph, section.text)
    if section.facts:
        rows = (f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>' for name, value in section.facts)
        yield f'<div class="wide"><table class="facts"><tbody>{"".join(rows)}</tbody></table></div>'
    if section.figure is not None:
        yield f'<figure aria-label="{_text(section.heading)}">{_drawn(section.figure, section.anchor)}</figure>'
    if section.drawings:
        yield f'<div class="drawings">{"".join(map(_drawing, section.drawings))}</div>'
    if section.note is not None:
        yield _note(section.note)
    yield from map(_table, section.tables)
    if section.data is not None:
        yield _download(section.data, csv_name(run, section))
    yield "</section>"


def _drawn(figure: "Figure", anchor: str) -> str:
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config=CONFIG,
        default_height=f"{figure.layout.height}px",
        div_id=f"{anchor}-figure",
    )


def _drawing(drawing: Drawing) -> str:
    return f'<figure class="drawing">{drawing.svg}<figcaption>{_marked(drawing.caption)}</figcaption></figure>'


def _note(text: str) -> str:
    return f'<p class="note">{_marked(text)}</p>'


def _table(table: Table) -> str:
    columns: list[Series] = [column for _, column in table.rows.items()]
    cells = [_cells(column) for column in columns]
    classes = [_class(column, of) for column, of in zip(columns, cells, strict=True)]
    named = zip(table.rows.columns, classes, strict=True)
    heads = [f'<th scope="col" class="{class_}">{_text(str(name))}</th>' for name, class_ in named]
    rows = "\n".join(f"<tr>{_line(row, classes)}</tr>" for row in zip(*cells, strict=True))
    return (
        f'<div class="wide"><table>\n<caption>{_text(table.title)}</caption>\n'
        f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _line(cells: Iterable[str], classes: Iterable[str]) -> str:
    return "".join(f'<td class="{class_}">{_text(cell)}</td>' for cell, class_ in zip(cells, classes, strict=True))


def _class(column: "Series", cells: Sequence[str]) -> str:
    """Return how a column is set: numbers to the right, short texts unbroken."""
    if column.dtype.kind in "iuf":
        return "number"
    return "word" if all(len(cell) <= _SHORT for cell in cells) else "text"


def _cells(column: "Series") -> list[str]:
    """Return the values of a column as people read them."""
    values = [None if is_missing else value for value, is_missing in zip(column, column.isna(), strict=True)]
    write = number_format([value for value in values if isinstance(value, float)])
    return [_cell(value, write) for value in values]


def _cell(value: Any, write: Callable[[float], str]) -> str:
    match value:
        case None:
            return _NOTHING
        case float():
            return write(value)
        case str():
            return cut(clean(value), _LONGEST)
        case _:
            return f"{value:,}"


def csv_name(run: str, section: Section) -> str:
    """Return the name of the file with the numbers of a section."""
    return f"{run}-{section.anchor}.csv"


def csv_text(rows: "DataFrame") -> str:
    """Return the numbers of a section as CSV."""
    return rows.to_csv(index=False, lineterminator="\n")


def _download(rows: "DataFrame", name: str) -> str:
    content = base64.b64encode(csv_text(rows).encode()).decode()
    return (
        f'<p class="download"><a download="{_text(name)}" href="data:text/csv;charset=utf-8;base64,{content}">'
        f"The numbers as CSV</a> ({len(rows):,} rows)</p>"
    )


def _paragraph(text: str) -> str:
    return f"<p>{_marked(text)}</p>"


def _marked(text: str) -> str:
    return _CODE.sub(lambda found: f"<code>{_WORD.sub(_UNBROKEN, found[1])}</code>", _text(text))


def _text(text: str) -> str:
    return html.escape(clean(text))
