"""What the prompt page shows of a text: its tokens, what is active there as a table, and the stored ones."""

from collections.abc import Sequence
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.listing import grid
from saedb.cli.browser.parts import aria, dot, token
from saedb.cli.browser.picture import Picture
from saedb.cli.browser.prompt_state import ALL, PATH, Asked
from saedb.cli.browser.site import Site
from saedb.cli.prompt_page import COLUMNS
from saedb.cli.table import clean
from saedb.cypher.connection import Row
from saedb.cypher.promptview import PromptView
from saedb.cypher.query import Column
from saedb.ingest.prompts.prompt import Prompt

_UNCOUNTED: Final = "does not count in this run (special, first, or an attention sink)"
_LONGEST: Final = 70


def strip(prompt: Prompt) -> list[Component]:
    """Return a button for each token, and one for all of them."""
    counted = set(prompt.counted)
    buttons = [_token(position, text, position in counted) for position, text in enumerate(prompt.tokens)]
    all_ = html.Button("all tokens", id={"type": "prompt-token", "position": ALL}, className="token all")
    return [all_, *buttons]


def _token(position: int, text: str, is_counted: bool) -> Component:
    said = f"token {position}: {text!r}{'' if is_counted else f', which {_UNCOUNTED}'}"
    return html.Button(
        [html.Span(f"{position}", className="position"), token(text)],
        id={"type": "prompt-token", "position": position},
        className="token" if is_counted else "token uncounted",
        disabled=not is_counted,
        title=said,
        **aria(label=said),
    )


def rows(site: Site, run: str, view: PromptView) -> Component:
    """Return the features that the picture shows, with the strongest edge into each, as a grid."""
    names = {"value": view.measure}
    columns = [
        Column(name=names.get(column.name, column.name), type=column.type, unit=column.unit)
        for column in COLUMNS
        if view.position is None or column.name not in ("position", "token")
    ]
    found = [{names.get(name, name): value for name, value in row.items()} for row in view.rows()]
    return grid("prompt-grid", columns, found, site, run)


def said(view: PromptView) -> str:
    """Return how much of the prompt is shown."""
    where = "any token" if view.position is None else f"token {view.position}"
    active, shown = sum(view.active.values()), len(view.features)
    if not shown:
        return f"No feature is active on {where}; try a lower threshold, or another token."
    edges = f"{len(view.edges):,} edges among them with {view.measure.replace('_', ' ')} from {view.floor:g} on"
    return f"Showing {shown:,} of {active:,} features that are active on {where}, and {edges}."


def legend(found: Picture) -> list[Component]:
    """Return the colours of the communities that the picture shows most of."""
    return [
        html.Span([dot(colour), f" {number} {clean(label)} ({size:,})"], className="community")
        for number, label, colour, size in found.legend
    ]


def stored(site: Site, run: str | None, found: Sequence[Row]) -> Component:
    """Return the stored prompts of a run as links."""
    if not found:
        return html.P("None yet.", className="muted")
    links = [
        html.Li(
            [dcc.Link(row["prompt"], href=site.href(PATH, run=run, prompt=row["prompt"])), f" {_short(row['text'])}"]
        )
        for row in found
    ]
    return html.Ul(links)


def _short(text: str) -> str:
    return clean(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def opened(site: Site, run: str | None, asked: Asked, view: PromptView) -> Component:
    """Return the link that opens a stored prompt in the graph."""
    at = "" if view.position is None else f"@{view.position}"
    values: dict[str, Any] = {"measure": asked.measure, "floor": asked.floor}
    return dcc.Link("Open in the graph", href=site.href("/graph", run=run, prompt=f"{view.prompt.id}{at}", **values))
