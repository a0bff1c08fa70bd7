"""The graph page: a part of a run in rows, one for each layer, the first at the bottom."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dash import Dash, dcc, html
from dash.development.base_component import Component
from dash_ag_grid import AgGrid
from dash_cytoscape import Cytoscape

from saedb.cli.browser import graph_content as content
from saedb.cli.browser import graph_updates as updates
from saedb.cli.browser.graph_look import STYLES
from saedb.cli.browser.graph_starts import starts
from saedb.cli.browser.graph_state import ORDERS, GraphView, from_query, start_of
from saedb.cli.browser.layering import Order
from saedb.cli.browser.parts import measure_options
from saedb.cli.browser.site import Site
from saedb.cypher.explore.scope import MAX_HOPS
from saedb.cypher.explore.usual import usual

PATH: Final = updates.PATH
TITLE: Final = "Graph"
MENU: Final = True

_ORDERS: Final[Mapping[Order, str]] = {
    "straight": "straight chains",
    "crossings": "fewest crossings",
    "index": "by index",
}
_PANE: Final[dict[str, Any]] = {
    "role": "group",
    "tabIndex": "0",
    "aria-label": "Picture. Arrow keys choose a feature, Escape chooses none.",
}
_THRESHOLD: Final[dict[str, Any]] = {"role": "group", "aria-label": "Threshold: lowest value of the measure"}
_SPOKEN: Final[dict[str, Any]] = {"aria-live": "polite"}
_GRID: Final[dict[str, Any]] = {
    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
    "rowHeight": 27,
    "headerHeight": 32,
    "tooltipShowDelay": 400,
}


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the page at an address; where that has no start, what one may start from."""
    run, start = site.run(query), start_of(query)
    if start is None:
        return html.Section([html.H1("Graph"), *starts(site, run)], className="graph-starts")
    view = from_query(query, run, start, lambda: usual(site.connection, run, start))
    found = content.shown(site, view)
    view = replace(view, partition=found.subgraph.scope.partition)
    drawn, marks = updates.drawn(found, view.to_query()), updates.marks(site, found)
    return html.Section(
        [
            *_stores(view.to_query(), drawn, marks),
            html.Div(
                [html.H1(drawn["title"], id="graph-title"), html.P(drawn["shown"], id="graph-shown", role="status")],
                className="graph-head",
            ),
            _tools(view, drawn, content.partitions(site, run)),
            html.Div(
                [_pane(drawn), html.Div([_feature(found, drawn, marks), _table(drawn)], className="graph-side")],
                className="graph-panes",
            ),
            *_foot(drawn),
        ],
        className="graph",
    )


def register(app: Dash, site: Site) -> None:
    """Tell the app what happens when somebody uses the page."""
    updates.register(app, site)


def _stores(query: Mapping[str, str], drawn: Mapping[str, Any], marks: Mapping[str, Any]) -> list[Component]:
    data = {
        "history": {"present": query, "past": [], "future": []},
        "key": drawn["key"],
        "drawing": drawn["drawing"],
        "selected": marks["selected"],
        "event": None,
        "png": None,
        "drawn": None,
    }
    stores = [dcc.Store(id=f"graph-{name}", data=value) for name, value in data.items()]
    return [*stores, dcc.Download(id="graph-download")]


def _tools(view: GraphView, drawn: Mapping[str, Any], partitions: Sequence[str]) -> Component:
    colours = _choice("partition", partitions, view.partition)
    slider = dcc.Slider(
        id="graph-floor", min=drawn["low"], max=drawn["high"], step=drawn["step"], value=view.floor, marks=None,
        updatemode="mouseup",
    )  # fmt: skip
    threshold = html.Div([html.Span("threshold"), slider], className="graph-floor", **_THRESHOLD)
    return html.Div(
        [
            _choice("measure", measure_options(), view.measure),
            threshold,
            _choice("hops", [{"label": str(hops), "value": hops} for hops in range(MAX_HOPS + 1)], view.hops),
            _choice("order", [{"label": _ORDERS[order], "value": order} for order in ORDERS], view.order),
            html.Div(colours, hidden=len(partitions) < 2),
            html.Div(
                [
                    html.Button("Undo", id="graph-undo", disabled=True),
                    html.Button("Redo", id="graph-redo", disabled=True),
                    html.Button(drawn["hidden"], id="graph-show-hidden", disabled=drawn["none_hidden"]),
                ],
                className="graph-buttons",
            ),
        ],
        className="graph-tools",
    )


def _choice(name: str, options: Sequence[Any], value: Any) -> Component:
    choice = dcc.Dropdown(id=f"graph-{name}", options=list(options), value=value, clearable=False, searchable=False)
    return html.Label([html.Span(name), choice], className=f"graph-choice graph-choice-{name}")


def _pane(drawn: Mapping[str, Any]) -> Component:
    looks = {"fit": ("Fit", "Show all of the picture"), "larger": ("+", "Enlarge"), "smaller": ("-", "Make smaller")}
    buttons = [html.Button(text, id=f"graph-{name}", title=title) for name, (text, title) in looks.items()]
    return html.Div(
        [
            html.Div(id="graph-rows"),
            Cytoscape(
                id="graph-picture", elements=[], stylesheet=STYLES, layout={"name": "preset", "fit": False},
                minZoom=0.01, maxZoom=6, style={}, responsive=True,
            ),
            html.P(drawn["nothing"], id="graph-nothing"),
            html.Div(buttons, className="graph-zoom"),
            html.P(drawn["legend"], id="graph-legend"),
        ],
        id="graph-pane",
        **_PANE,
    )  # fmt: skip


def _feature(found: content.Shown, drawn: Mapping[str, Any], marks: Mapping[str, Any]) -> Component:
    texts = {
        "expand-in": "Expand inputs", "expand-out": "Expand outputs", "hide": "Hide", "pin": marks["pin"],
        "centre": "Centre", "restart": "Start here",
    }  # fmt: skip
    choose = dcc.Dropdown(
        id="graph-choose", options=drawn["choices"], value=found.view.selected, placeholder="Choose a feature"
    )
    return html.Div(
        [
            choose,
            html.Div(marks["about"], id="graph-about", **_SPOKEN),
            html.Div(
                [html.Button(text, id=f"graph-{name}", disabled=marks[f"no_{name}"]) for name, text in texts.items()],
                className="graph-buttons",
            ),
        ],
        className="graph-feature",
    )


def _table(drawn: Mapping[str, Any]) -> Component:
    return AgGrid(
        id="graph-edges",
        columnDefs=drawn["columns"],
        rowData=drawn["rows"],
        getRowId="params.data.id",
        defaultColDef={"sortable": True, "resizable": True, "filter": True, "suppressHeaderFilterButton": True},
        dashGridOptions=_GRID,
        className="ag-theme-alpine graph-edges",
        style={},
    )


def _foot(drawn: Mapping[str, Any]) -> list[Component]:
    buttons = [html.Button(ending.upper(), id=f"graph-save-{ending}") for ending in ("png", *updates.FILES)]
    text = html.Pre(drawn["cypher"], id="graph-cypher")
    copy = dcc.Clipboard(target_id="graph-cypher", title="Copy", className="graph-copy")
    return [
        html.Div([html.Span("Save as"), *buttons], className="graph-buttons graph-save"),
        html.Details([html.Summary("Cypher behind this view"), html.Div([copy, text], className="graph-text")]),
    ]
