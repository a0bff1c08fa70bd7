"""A view as one page of HTML to send to somebody: it needs no network, no other file and no saedb.

The picture can be moved, enlarged and searched, and pointing at a feature shows its edges alone; below stands the table
of the edges. Every text is escaped, and the page's policy lets a browser run its one script and ask nobody.
"""

import base64
import hashlib
import html
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from saedb.cli.browser.picture import Picture
from saedb.cli.browser.svg import part
from saedb.cli.table import clean
from saedb.ingest.measures import MEASURES

_FILES: Final = files(__name__.rpartition(".")[0]) / "sent"


def page(picture: Picture, title: str) -> str:
    """Return the page; `title` says what the view shows."""
    style, script = ((_FILES / name).read_text() for name in ("style.css", "script.js"))
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{_text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<header>",
            f"<h1>{_text(title)}</h1>\n<p>{_text(picture.shown)}. Made by saedb {_text(version('saedb'))}.</p>\n",
            '<div class="tools"><input id="search" type="search" placeholder="Find" aria-label="Find features">'
            '<button type="button" data-zoom="0.7" aria-label="Enlarge">+</button>'
            '<button type="button" data-zoom="1.4" aria-label="Make smaller">&minus;</button>'
            '<button type="button" id="fit">Fit</button></div></header>\n',
            f'<p class="legend">{"".join(_communities(picture))}</p>\n',
            f'<div id="picture">{part(picture)}</div>\n',
            "<details><summary>Cypher behind this view</summary>",
            f"<pre>{_text_lines(picture.subgraph.cypher)}</pre></details>\n",
            *_table(picture),
            f"<script>{script}</script>\n</body>\n</html>\n",
        )
    )


def _communities(picture: Picture) -> Iterator[str]:
    for _, label, colour, size in picture.legend:
        yield f'<span><i style="background:{colour}"></i>{_text(label)} ({size:,})</span>'


def _policy(script: str) -> str:
    """Return what a browser lets the page do: run this script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = (f"script-src 'sha256-{digest}'", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'")
    return "; ".join(("default-src 'none'", *rules))


def _table(picture: Picture) -> Iterator[str]:
    known = [m.name for m in MEASURES if any(e.measures[m.name] is not None for e in picture.subgraph.edges)]
    heads = "".join(f'<th scope="col" class="number">{name}</th>' for name in known)
    yield '<div class="wide"><table><thead><tr><th scope="col">source</th><th scope="col">label</th>'
    yield f'<th scope="col">target</th><th scope="col">label</th>{heads}</tr></thead>\n<tbody>\n'
    for line in reversed(picture.lines):
        ends = "".join(
            f'<td>{_text(dot.node.short)}</td><td class="label">{_text(dot.name if dot.node.label else "-")}</td>'
            for dot in (line.source, line.target)
        )
        cells = "".join(f'<td class="number">{_number(line.edge.measures[name])}</td>' for name in known)
        yield f"<tr>{ends}{cells}</tr>\n"
    yield "</tbody></table></div>\n"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _text(text: str) -> str:
    return html.escape(clean(text))


def _text_lines(text: str) -> str:
    return "\n".join(map(_text, text.split("\n")))
