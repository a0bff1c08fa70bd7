"""How the graph page answers who uses it.

1. A control, or the page's script, changes the state; the address is given the new one.
2. The picture, the table and what stands beside them are made of that state together, so that they agree. Where only
   another feature is chosen, they stay.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from saedb.cli.browser import graph_content as content
from saedb.cli.browser.graph_files import as_csv, as_json
from saedb.cli.browser.graph_page import page
from saedb.cli.browser.graph_state import Action, GraphView, History, apply, from_query, start_of
from saedb.cli.browser.picture import APART
from saedb.cli.browser.site import SEARCH, SHOWN, Site, parsed
from saedb.cli.browser.svg import svg
from saedb.cypher.explore.usual import FLOOR
from saedb.ingest.measures import BY_NAME

PATH: Final = "/graph"
CONTROLS: Final = ("measure", "floor", "hops", "order", "partition")
_ACTS: Final[Mapping[str, Any]] = {"expand-in": "expand in", "expand-out": "expand out", "hide": "hide"}
_BUTTONS: Final = ("undo", "redo", "show-hidden", *_ACTS, "pin", "restart")
_BY_HAND: Final = {"in", "out", "hide", "pin", "partition", "selected"}
"""What may change while the picture stays where it is."""

FILES: Final[Mapping[str, Callable[[content.Shown], str]]] = {
    "svg": lambda found: svg(found.picture, _heading(found)),
    "html": lambda found: page(found.picture, _heading(found)),
    "json": lambda found: as_json(found.subgraph),
    "csv": lambda found: as_csv(found.subgraph),
}


def _heading(found: content.Shown) -> str:
    return f"{found.title} (run {found.view.run})"


def register(app: Dash, site: Site) -> None:
    """Follow the controls, draw, and save."""
    _register_state(app, site)
    _register_drawing(app, site)
    _register_files(app, site)
    _register_begin(app, site)
    looks = [Input(f"graph-{name}", "n_clicks") for name in ("fit", "larger", "smaller", "centre")]
    scripts: Mapping[str, Sequence[Input | Output]] = {
        # with an output, so that it is called for a page that has just come
        "draw": [Output("graph-drawn", "data"), Input("graph-drawing", "data"), Input("graph-selected", "data")],
        "mark": [Input("graph-edges", "selectedRows")],
        "look": looks,
        "png": [Input("graph-png", "data")],
    }
    for name, given in scripts.items():
        app.clientside_callback(ClientsideFunction("saedbGraph", name), *given)


def _register_state(app: Dash, site: Site) -> None:
    @app.callback(
        Output("graph-history", "data"),
        SEARCH,
        SHOWN,
        *(Output(f"graph-{name}", "value") for name in (*CONTROLS, "choose")),
        *(Input(f"graph-{name}", "value") for name in (*CONTROLS, "choose")),
        *(Input(f"graph-{name}", "n_clicks") for name in _BUTTONS),
        Input("graph-event", "data"),
        State("graph-history", "data"),
        prevent_initial_call=True,
    )
    def change(*given: Any) -> tuple[Any, ...]:  # pyright: ignore[reportUnusedFunction]
        values = dict(zip((*CONTROLS, "choose"), given, strict=False))
        *_, event, data = given
        history = History(present=data["present"], past=tuple(data["past"]), future=tuple(data["future"]))
        trigger = str(ctx.triggered_id).removeprefix("graph-")
        moved = _moved(site, history, trigger, {**values, "event": event})
        if moved.present == history.present:
            return (no_update,) * (len(CONTROLS) + 4)
        view = view_of(moved.present)
        return (
            asdict(moved),
            *site.moved(PATH, **moved.present),
            *(getattr(view, name) for name in CONTROLS),
            view.selected,
        )


def view_of(query: Mapping[str, str]) -> GraphView:
    """Return the view of a whole address."""
    start = start_of(query)
    assert start is not None
    return from_query(query, query["run"], start, lambda: ("pearson", FLOOR))


def _moved(site: Site, history: History, trigger: str, given: Mapping[str, Any]) -> History:
    """Return the history after what was done."""
    view = view_of(history.present)
    match trigger:
        case "undo":
            return history.undone()
        case "redo":
            return history.redone()
        case "restart":
            return history.moved(_restarted(view))
        case "measure" | "floor" | "hops" | "order" | "partition":
            return history.moved(_controlled(view, trigger, given[trigger]))
        case _:
            action = _action(site, view, trigger, given)
            return history.moved(apply(view, action)) if action else history


def _restarted(view: GraphView) -> GraphView:
    """Return the view that starts from the selected feature."""
    if view.selected is None:
        return view
    query = {"run": view.run, "feature": view.selected, "order": view.order, "selected": view.selected}
    return replace(view_of({**query, "partition": view.partition or ""}), measure=view.measure, floor=view.floor)


def _controlled(view: GraphView, name: str, value: Any) -> GraphView:
    if value is None:
        return view
    if name == "measure" and not BY_NAME[view.measure].high == BY_NAME[value].high == 1:
        return replace(view, measure=value, floor=FLOOR)  # thresholds of two scales have nothing in common
    return replace(view, **{name: float(value) if name == "floor" else value})


def _action(site: Site, view: GraphView, trigger: str, given: Mapping[str, Any]) -> Action | None:
    """Return what a button, the list of features or the page's script asks for."""
    feature, event = view.selected or "", given["event"]
    match trigger:
        case "choose":
            return Action(kind="select", feature=given["choose"] or "")
        case "show-hidden":
            return Action(kind="show hidden")
        case "event" if event and event["kind"] == "select":
            return Action(kind="select", feature=event["feature"])
        case "event" if event:
            return Action(kind="pin", feature=event["feature"], x=event["x"] / APART)
        case "pin" if feature in dict(view.pinned):
            return Action(kind="unpin", feature=feature)
        case "pin" if feature:
            dots = content.shown(site, view).picture.dots
            place = next((dot.x for dot in dots if dot.node.short == feature), None)
            return None if place is None else Action(kind="pin", feature=feature, x=place / APART)
        case _ if feature and trigger in _ACTS:
            return Action(kind=_ACTS[trigger], feature=feature)
        case _:
            return None


_DRAWN: Final[Mapping[str, Output]] = {
    "key": Output("graph-key", "data"),
    "drawing": Output("graph-drawing", "data"),
    "title": Output("graph-title", "children"),
    "shown": Output("graph-shown", "children"),
    "nothing": Output("graph-nothing", "children"),
    "legend": Output("graph-legend", "children"),
    "choices": Output("graph-choose", "options"),
    "columns": Output("graph-edges", "columnDefs"),
    "rows": Output("graph-edges", "rowData"),
    "cypher": Output("graph-cypher", "children"),
    "low": Output("graph-floor", "min"),
    "high": Output("graph-floor", "max"),
    "step": Output("graph-floor", "step"),
    "hidden": Output("graph-show-hidden", "children"),
    "none_hidden": Output("graph-show-hidden", "disabled"),
}
"""What changes with the features and edges shown."""
_CHOSEN: Final[Mapping[str, Output]] = {
    "selected": Output("graph-selected", "data"),
    "about": Output("graph-about", "children"),
    "pin": Output("graph-pin", "children"),
    "no_past": Output("graph-undo", "disabled"),
    "no_future": Output("graph-redo", "disabled"),
    **{f"no_{name}": Output(f"graph-{name}", "disabled") for name in (*_ACTS, "pin", "restart", "centre")},
}
"""What changes with the selected feature, too."""


def _register_drawing(app: Dash, site: Site) -> None:
    @app.callback(
        output={**_DRAWN, **_CHOSEN},
        inputs=[Input("graph-history", "data"), State("graph-key", "data")],
        prevent_initial_call=True,
    )
    def draw(data: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        query: Mapping[str, str] = data["present"]
        found = content.shown(site, view_of(query))
        chosen = {**marks(site, found), "no_past": not data["past"], "no_future": not data["future"]}
        changed = {name for name in {*query, *before} if query.get(name) != before.get(name)}
        if changed <= {"selected"}:
            return {**dict.fromkeys(_DRAWN, no_update), **chosen}
        return {**drawn(found, query, stays=changed <= _BY_HAND), **chosen}


def drawn(found: content.Shown, query: Mapping[str, str], *, stays: bool = False) -> dict[str, Any]:
    """Return what the page shows of a view, by the names of `_DRAWN`."""
    hidden = len(found.view.hidden)
    low, high, step = content.floors(found)
    return {
        "key": dict(query),
        "drawing": {**content.drawing(found), "stays": stays},
        "title": found.title,
        "shown": found.picture.shown,
        "nothing": found.nothing,
        "legend": content.legend(found),
        "choices": content.choices(found),
        "columns": content.columns(found),
        "rows": content.edge_rows(found),
        "cypher": found.subgraph.cypher,
        "low": low,
        "high": high,
        "step": step,
        "hidden": f"Show hidden ({hidden})",
        "none_hidden": not hidden,
    }


def marks(site: Site, found: content.Shown) -> dict[str, Any]:
    """Return what the page shows of the selected feature."""
    view = found.view
    is_there = any(dot.node.short == view.selected for dot in found.picture.dots)
    is_start = view.start.kind == "feature" and view.start.value == view.selected
    return {
        "selected": view.selected,
        "about": content.about(site, found),
        "pin": "Unpin" if view.selected in dict(view.pinned) else "Pin",
        **{f"no_{name}": not is_there for name in (*_ACTS, "pin", "centre")},
        "no_restart": not is_there or is_start,
    }


def _register_files(app: Dash, site: Site) -> None:
    @app.callback(
        Output("graph-download", "data"),
        Output("graph-png", "data"),
        *(Input(f"graph-save-{ending}", "n_clicks") for ending in ("png", *FILES)),
        State("graph-history", "data"),
        prevent_initial_call=True,
    )
    def save(*given: Any) -> tuple[Any, Any]:  # pyright: ignore[reportUnusedFunction]
        ending = str(ctx.triggered_id).removeprefix("graph-save-")
        found = content.shown(site, view_of(given[-1]["present"]))
        if ending == "png":
            return no_update, {"svg": FILES["svg"](found), "file": f"{found.file}.png", "clicks": given[0]}
        return {"content": FILES[ending](found), "filename": f"{found.file}.{ending}"}, no_update


def _register_begin(app: Dash, site: Site) -> None:
    @app.callback(
        SEARCH,
        Input("graph-begin-button", "n_clicks"),
        Input("graph-begin", "n_submit"),
        State("graph-begin", "value"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def begin(clicks: int | None, submitted: int | None, feature: str | None, text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not (feature and (clicks or submitted)):
            return no_update
        return site.href("", run=parsed(text or "").get("run"), feature=feature.strip())
