"""What a run is, as a whole: how its features flow through the layers, its communities, and how its edges spread."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from dash import Dash, dcc, html
from dash.development.base_component import Component

from saedb.cli.browser import overview_tables as tables
from saedb.cli.browser import overview_updates as updates
from saedb.cli.browser.overview_state import PATH as _PATH
from saedb.cli.browser.overview_state import TOPS, Asked, checked, usual_measure
from saedb.cli.browser.overview_updates import HIDDEN
from saedb.cli.browser.parts import measure_options
from saedb.cli.browser.site import Site
from saedb.cli.report.look import CONFIG
from saedb.cypher.explore import flow
from saedb.cypher.explore.flow import Summary

PATH: Final = _PATH
TITLE: Final = "Overview"
MENU: Final = True

FLOW: Final = "From layer to layer"
COMMUNITIES: Final = "Communities by layer"
SPREAD: Final = "How edges spread over a measure"

_FIGURE: Final[Any] = {**CONFIG, "modeBarButtons": [["toImage"]], "displayModeBar": "hover"}


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the page; what needs all features or edges comes after it."""
    run, asked = site.run(query), Asked.of(query)
    known = flow.summary(site.connection, run)
    checked(asked, known)
    return html.Div(
        [
            html.H1(f"Run {run}"),
            *tables.facts(site, query.get("run"), known),
            _part(FLOW, _flow_controls(asked), "flow"),
            html.Div(
                [_communities(known, asked), _part(SPREAD, _spread_controls(known, asked), "spread")], className="pair"
            ),
            dcc.Store(id="overview-bar", data=_chosen(known, asked)),
            html.Div(id="overview-edges", role="status"),
            html.Section([html.H2("Layers"), html.Div(_waiting(), id="overview-layers")]),
        ],
        className="overview",
    )


def _communities(known: Summary, asked: Asked) -> Component:
    if known.partition is None:
        text = f"This run has no communities yet; find them with: saedb communities {known.id}"
        return html.Section([html.H2(COMMUNITIES), html.P(text, className="note")])
    return _part(COMMUNITIES, _community_controls(asked), "communities")


def _chosen(known: Summary, asked: Asked) -> list[Any] | None:
    """Return the bar whose edges are listed, with what it is a bar of."""
    return None if asked.bar is None else [asked.bar, asked.measure or usual_measure(known), asked.sae or ""]


def _part(heading: str, controls: Iterable[Component], name: str) -> Component:
    """Return a section whose figure, note and table come later."""
    table = html.Details([html.Summary("The same as a table"), html.Div(id=f"overview-{name}-table")])
    return html.Section(
        [
            html.H2(heading),
            html.Div(list(controls), className="controls"),
            html.Div(_waiting(), id=f"overview-{name}-note", role="status"),
            dcc.Graph(id=f"overview-{name}-figure", config=_FIGURE, style=HIDDEN),
            table,
        ],
        className=f"part {name}",
    )


def _waiting() -> Component:
    """Return what stands where a figure comes, as high as it, so that nothing moves."""
    return html.P("Counting ...", className="muted waiting")


def _flow_controls(asked: Asked) -> Iterator[Component]:
    yield _slider("passed on from a Pearson of", "passed", asked.passed)
    yield _slider("appearing and disappearing below", "vanishing", asked.vanishing)
    yield _tick("silent", "count dead and rare features, as the paper does", asked.counts_silent)


def _community_controls(asked: Asked) -> Iterator[Component]:
    yield _choice("the largest", "top", [{"label": str(n), "value": n} for n in TOPS], asked.top)
    yield _tick("count", "colour by number of features", asked.by_count)


def _spread_controls(known: Summary, asked: Asked) -> Iterator[Component]:
    yield _choice("measure", "measure", measure_options(), asked.measure or usual_measure(known))
    sources = [{"label": "all", "value": ""}, *({"label": f"from {sae}", "value": sae} for sae in known.sources)]
    yield _choice("edges", "from", sources, asked.sae or "")
    yield _tick("log", "logarithmic", asked.is_logarithmic)


def _slider(text: str, name: str, value: float) -> Component:
    id_ = f"overview-{name}"
    slider = dcc.Slider(id=id_, min=0, max=1, step=0.01, value=value, updatemode="mouseup", marks=None)
    shown = html.Output(tables.written(value), id=f"{id_}-value")
    named: dict[str, Any] = {"role": "group", "aria-label": text}
    return html.Div([html.Span([text, " ", shown]), slider], className="slider", **named)


def _choice(text: str, name: str, options: Sequence[Any], value: Any) -> Component:
    choice = dcc.Dropdown(id=f"overview-{name}", options=list(options), value=value, clearable=False, searchable=False)
    return html.Label([html.Span(text), choice], className=f"choice {name}")


def _tick(name: str, text: str, value: bool) -> Component:
    return dcc.Checklist(id=f"overview-{name}", options=[{"label": text, "value": "on"}], value=["on"] if value else [])


def register(app: Dash, site: Site) -> None:
    """Draw the figures, follow clicks, and keep the state in the address."""
    updates.register(app, site)
