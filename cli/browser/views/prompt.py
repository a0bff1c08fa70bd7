"""A text of one's own: the features that are active on its tokens, layer by layer, with the edges among them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dash import Dash, dcc, html
from dash.development.base_component import Component

from saedb.cli.browser import prompt_parts as parts
from saedb.cli.browser import prompt_updates as updates
from saedb.cli.browser.parts import aria, measure_options
from saedb.cli.browser.prompt_state import PATH as _PATH
from saedb.cli.browser.prompt_state import Asked
from saedb.cli.browser.site import Site
from saedb.cli.report.look import CONFIG
from saedb.cypher.library import find

PATH: Final = _PATH
TITLE: Final = "Prompt"
MENU: Final = True

_FIGURE: Final[Any] = {**CONFIG, "modeBarButtons": [["toImage"], ["pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]]}
_STORED: Final = 50


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the page; what a text activates comes after it, once the model is there."""
    run, asked = site.run(query), Asked.of(query)
    text = updates.text_of(site, run, asked)
    stored = site.graph.rows(find("prompts"), {"run": run, "limit": _STORED})
    return html.Div(
        [
            html.H1("Prompt"),
            html.P(
                f"What of run {run} is active on a text of your own, read by its model and SAEs.", className="muted"
            ),
            html.Div([_form(text), _stored(site, query.get("run"), stored)], className="top"),
            html.Div(list(_controls(asked)), className="controls"),
            dcc.Store(id="prompt-state", data=updates.state(asked, text)),
            dcc.Interval(id="prompt-poll", interval=700, disabled=True),
            html.Div(id="prompt-said", role="status"),
            html.Div(id="prompt-strip", role="group", **aria(label="Tokens")),
            html.Div(id="prompt-legend", className="legend"),
            dcc.Graph(id="prompt-figure", config=_FIGURE, style={"display": "none"}),
            html.Div(id="prompt-table"),
            html.Div(_saving(), id="prompt-saving", style={"display": "none"}),
        ],
        className="prompt",
    )


def _form(text: str) -> Component:
    hint = "The capital of France is"
    area = dcc.Textarea(id="prompt-text", value=text, placeholder=hint, rows=4)
    label = html.Label([html.Span("text", className="muted"), area])
    return html.Div([label, html.Button("Read", id="prompt-read")], className="form")


def _stored(site: Site, run: str | None, found: Any) -> Component:
    heading = html.H2("Stored prompts")
    return html.Section([heading, html.Div(parts.stored(site, run, found), id="prompt-stored")], className="stored")


def _controls(asked: Asked) -> Iterator[Component]:
    yield _labelled("threshold", _number("threshold", asked.threshold, "as in the run", 0.01))
    yield _labelled("features per layer", _number("top", asked.top, "5", 1))
    choice = dcc.Dropdown(
        id="prompt-measure", options=measure_options(), value=asked.measure, clearable=False, searchable=False
    )
    yield _labelled("edges by", choice)
    yield _labelled("from", _number("floor", asked.floor, "0.1", 0.05))


def _number(name: str, value: float | None, hint: str, step: float) -> Component:
    return dcc.Input(id=f"prompt-{name}", type="number", min=0, step=step, value=value, placeholder=hint, debounce=True)


def _labelled(text: str, control: Component) -> Component:
    return html.Label([html.Span(text), control])


def _saving() -> list[Component]:
    name = dcc.Input(id="prompt-name", type="text", value="", placeholder="made of its text", maxLength=60)
    return [
        html.Label([html.Span("name"), name]),
        html.Button("Save", id="prompt-save"),
        html.Span("stores the prompt in the run and in the graph", className="muted"),
        html.Span(id="prompt-saved", role="status"),
    ]


def register(app: Dash, site: Site) -> None:
    """Read texts, follow the controls, and save."""
    updates.register(app, site)
