"""The query library: every query as a form, what it finds as a grid, and its Cypher."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from saedb.cli.browser.listing import grid
from saedb.cli.browser.site import SEARCH, Site, parsed
from saedb.cli.query_command import conditions
from saedb.cli.wording import words
from saedb.cypher.library import find, library
from saedb.cypher.parameter import Parameter, Value
from saedb.cypher.query import PRESET, Query
from saedb.ingest.errors import InputError, SaedbError

PATH: Final = "/query"
TITLE: Final = "Queries"
MENU: Final = True

_NAME: Final = "name"
"""In the address: the query; beside it stand the values of its parameters that are not their defaults."""
_LOOKED_UP: Final = {"run": "the newest", "partition": "the run's default", "feature": "like 6/2320"}


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the list of queries, or one of them with what it finds."""
    run = site.run(query)
    if _NAME not in query:
        return html.Section([html.H1("Queries"), *_groups(site, query.get("run"))], className="library")
    asked = find(query[_NAME])
    return html.Section(
        [
            html.P(dcc.Link("All queries", href=site.href(PATH, run=query.get("run"))), className="muted"),
            html.H1(asked.title),
            *(html.P(part) for part in asked.description.split("\n\n") if part),
            _form(asked, query),
            dcc.Store(id="query-asked", data={"name": asked.name, "run": run}),
            html.Div(html.P("Asking ...", className="muted"), id="query-found", role="status"),
        ],
        className="library",
    )


def _groups(site: Site, run: str | None) -> Iterator[Component]:
    for group, members in groupby(library().values(), key=lambda asked: asked.group):
        links = [(site.href(PATH, run=run, name=asked.name), asked) for asked in members]
        yield html.H2(group.capitalize())
        yield html.Ul([html.Li([dcc.Link(asked.title, href=href), f"  {asked.name}"]) for href, asked in links])


def _form(asked: Query, query: Mapping[str, str]) -> Component:
    fields = [_field(p, query.get(p.name)) for p in asked.parameters if p.type != "run"]
    if asked.presets:
        names = [preset.name for preset in asked.presets]
        fields.append(_labelled("preset", "values of several parameters", _choice(PRESET, names, query.get(PRESET))))
    return html.Div([*fields, html.Button("Ask", id="query-ask")], className="form")


def _field(parameter: Parameter, given: str | None) -> Component:
    name = {"type": "query-value", "name": parameter.name}
    value: Any = parameter.default if given is None else _shown(parameter, given)
    if parameter.allowed:
        control = _choice(parameter.name, parameter.allowed, value)
    elif parameter.type == "boolean":
        control = _choice(parameter.name, ("true", "false"), "true" if value in (True, "true") else "false")
    elif parameter.type == "list":
        lines = value if isinstance(value, str) else "\n".join(value or ())
        control = dcc.Textarea(id=name, value=lines, rows=3)
    else:
        hint = _LOOKED_UP.get(parameter.type, "needed" if parameter.required else "any")
        control = dcc.Input(id=name, value="" if value is None else str(value), placeholder=hint)
    return _labelled(words(parameter.name), parameter.meaning, control)


def _choice(name: str, options: Any, value: Any) -> Component:
    id_ = {"type": "query-value", "name": name}
    return dcc.Dropdown(id=id_, options=list(options), value=value, clearable=name == PRESET, searchable=False)


def _labelled(name: str, meaning: str, control: Component) -> Component:
    return html.Label([html.Span(name, className="name"), control, html.Span(meaning, className="meaning")])


def _shown(parameter: Parameter, given: str) -> str:
    return "\n".join(_list(given)) if parameter.type == "list" else given


def values(asked: Query, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what an address gives for the parameters of a query, each in its type.

    Raises:
        InputError: a text is no value of its parameter's type.
    """
    types = {p.name: p for p in asked.parameters}
    found: dict[str, Any] = {name: _value(types[name], query[name]) for name in types if name in query}
    return {**found, PRESET: query[PRESET]} if query.get(PRESET) else found


def _value(parameter: Parameter, given: str) -> Value:
    try:
        match parameter.type:
            case "integer" | "layer" | "hops":
                return int(given)
            case "float":
                return float(given)
            case "boolean":
                return {"true": True, "false": False}[given]
            case "list":
                return _list(given)
            case _:
                return given
    except (ValueError, KeyError) as error:
        raise InputError(f"{words(parameter.name)} cannot be {given!r}") from error


def _list(given: str) -> list[str]:
    try:
        found = json.loads(given)
    except ValueError:
        return given.splitlines()
    return [str(item) for item in found] if isinstance(found, list) else [given]


def register(app: Dash, site: Site) -> None:
    """Ask when the form is sent, and show what is found once the page is there."""

    @app.callback(
        SEARCH,
        Input("query-ask", "n_clicks"),
        Input({"type": "query-value", "name": ALL}, "n_submit"),
        State({"type": "query-value", "name": ALL}, "id"),
        State({"type": "query-value", "name": ALL}, "value"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def ask(  # pyright: ignore[reportUnusedFunction]
        clicks: int | None, submits: list[int | None], ids: list[dict[str, str]], given: list[Any], text: str | None
    ) -> Any:
        if not ctx.triggered or not (clicks or any(submits)):
            return no_update
        before = parsed(text or "")
        entered = {id_["name"]: value for id_, value in zip(ids, given, strict=True)}
        asked = find(before[_NAME])
        return site.href("", run=before.get("run"), name=asked.name, **_asked(asked, entered))

    @app.callback(Output("query-found", "children"), Input("query-asked", "data"), State("address", "search"))
    def show(data: dict[str, str], text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        asked = find(data["name"])
        try:
            return _found(site, asked, values(asked, {**parsed(text or ""), "run": data["run"]}), data["run"])
        except SaedbError as error:
            return html.P(f"{error}.", className="note", role="alert")


def _asked(asked: Query, entered: Mapping[str, Any]) -> dict[str, str]:
    """Return what the address has of a form: no defaults, and nothing that is empty."""
    defaults = {p.name: p.default for p in asked.parameters}
    found = {name: _as_text(value) for name, value in entered.items() if value not in (None, "")}
    return {name: value for name, value in found.items() if value != _as_text(defaults.get(name))}


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return "\n".join(value)
        case _:
            return str(value)


def _found(site: Site, asked: Query, given: Mapping[str, Any], run: str) -> list[Component]:
    rows = site.graph.rows(asked, given)
    whole = site.graph.resolved(asked, given)
    if not rows:
        return [html.P(_nothing(asked, whole)), *_cypher(asked, whole)]
    is_cut = len(rows) == whole.get("limit")
    said = f"{len(rows):,} rows{', as many as the limit lets through: there may be more' if is_cut else ''}."
    return [html.P(said), grid("query-grid", asked.columns, rows, site, run), *_cypher(asked, whole)]


def _nothing(asked: Query, given: Mapping[str, Value]) -> str:
    """Return what to say where nothing was found: which conditions to relax."""
    relaxed = [f"{verb} {words(p.name)} (now {given[p.name]:g})" for p, verb in conditions(asked) if given[p.name]]
    relaxed += [f"leave out {p.name}" for p in asked.parameters if p.type == "layer" and given[p.name] is not None]
    hint = f" {asked.nothing[0].upper()}{asked.nothing[1:]}." if asked.nothing else ""
    return f"Nothing found.{hint}" + (f" To relax it: {', '.join(relaxed)}." if relaxed else "")


def _cypher(asked: Query, given: Mapping[str, Any]) -> Iterator[Component]:
    if asked.cypher is None:
        yield html.P(f"No single statement answers this; its steps are in {asked.file.name}.", className="muted")
        return
    copy = dcc.Clipboard(target_id="query-cypher", title="Copy the statement", className="copy")
    yield html.Details([html.Summary("The Cypher of this"), copy, html.Pre(asked.render(given), id="query-cypher")])
