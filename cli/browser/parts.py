"""Pieces that several pages are made of: links to features, numbers, tokens and communities."""

import math
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.site import Site
from saedb.cli.table import clean
from saedb.cli.wording import short_id, words
from saedb.ingest.measures import MEASURES

NO_LABEL: Final = "no label"
_SEEN: Final = str.maketrans({" ": "\u2423", "\n": "\u21b5", "\t": "\u21e5"})


def feature_href(site: Site, feature: str, run: str | None) -> str:
    """Return the address of a feature's page; `run` is what the address of this page names, None for the newest."""
    return site.href("/feature", run=run, id=feature)


def feature_link(site: Site, feature: str, label: str | None = None, *, run: str | None = None) -> Component:
    """Return a link to a feature's page: its short id and, where one is given, its label."""
    href = feature_href(site, feature, run)
    text = short_id(feature)
    return dcc.Link(text if label is None else [text, " ", labelled(label)], href=href, title=feature)


def labelled(label: str | None) -> Component:
    """Return a label as text, or that there is none."""
    if not label:
        return html.Span(NO_LABEL, className="label muted")
    return html.Span(clean(label), className="label")


def number(value: float | None) -> str:
    """Return a number with three digits that count, whatever stands beside it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) or (abs(value) >= 1000 and math.isfinite(value)):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def correlation(value: float | None) -> str:
    """Return a value of at most 1 with three decimals; nothing for None."""
    return "" if value is None else f"{value:.3f}"


def measure_options() -> list[dict[str, str]]:
    """Return what a choice among the measures offers."""
    return [{"value": measure.name, "label": words(measure.name), "title": measure.meaning} for measure in MEASURES]


def token(text: str) -> str:
    """Return a token with its spaces and ends of lines as characters that can be seen."""
    return clean(text.translate(_SEEN))


def tokens(texts: list[str] | None) -> str:
    """Return tokens on one line, without the spaces that most begin with."""
    return " ".join(clean(text.strip()) or token(text) for text in texts or ())


def dot(colour: str) -> Component:
    """Return the mark of a community's colour."""
    return html.Span(className="dot", style={"background": colour})


def community_name(community: int | None, label: str | None) -> str:
    """Return a community as its number and label."""
    return "" if community is None else f"{community} {clean(label or '')}".rstrip()


def aria(**attributes: str) -> dict[str, Any]:
    """Return what a component says to those who do not see it, as its attributes."""
    return {f"aria-{name}": text for name, text in attributes.items()}


def fact(name: str, *value: Any) -> Component:
    """Return a name with its value, for a list of definitions."""
    return html.Div([html.Dt(name), html.Dd(list(value))])
