"""Features found by words, filtered and sorted by the server, however many a run has."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.development.base_component import Component

from saedb.cli.browser.parts import community_name
from saedb.cli.browser.results import grid, reasons, row, summary
from saedb.cli.browser.searching import FILTERS, SIZE, Asked, asked, sort_text
from saedb.cli.browser.site import SEARCH, SHOWN, Site, parsed
from saedb.cli.wording import words
from saedb.cypher.explore.facts import communities
from saedb.cypher.explore.listing import STATES, count, listed
from saedb.ingest.errors import SaedbError

PATH: Final = "/search"
TITLE: Final = "Search"
MENU: Final = True

_COMMUNITIES: Final = 300
"""Communities to choose from; a link or the address names any other."""
_GATES: Final = {"input": "an input of a gate", "output": "the output of a gate", "any": "either"}


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the page."""
    found = asked(site, query)
    total = count(site.connection, found.facts, found.filter)
    return html.Section(
        [
            html.H1("Search"),
            html.Div(_controls(site, query, found), className="filters", role="search"),
            html.Div(summary(site, found, total), id="search-summary", role="status"),
            html.Div(reasons(site, query, found, total), id="search-reasons"),
            dcc.Store(id="search-words", data=query.get("q", "")),
            dcc.Store(id="search-asked", data=dict(query)),
            dcc.Store(id="search-given"),
            dcc.Store(id="search-again"),
            grid(found, query, total),
        ],
        className="search",
    )


def _controls(site: Site, query: Mapping[str, str], found: Asked) -> list[Component]:
    facts = found.facts
    return [
        _labelled("words, or an id", dcc.Input(id="search-q", type="search", value=query.get("q", ""))),
        _labelled("layer", _layers(found)),
        _labelled("density from", _density("min", found.filter.min_density, is_there=facts.has_density)),
        _labelled("to", _density("max", found.filter.max_density, is_there=facts.has_density)),
        _labelled("state", _choice("state", {s: words(s) or s for s in STATES}, query, is_there=facts.has_states)),
        _labelled("community", _community(site, query, found)),
        _labelled("gates", _choice("gate", _GATES, query, is_there=facts.has_gates)),
        dcc.Link("clear", href=site.href(PATH, run=query.get("run")), className="clear"),
    ]


def _layers(found: Asked) -> Component:
    chosen = list(found.filter.layers)
    options = sorted({*found.facts.layers, *chosen})
    return dcc.Dropdown(id="search-layer", options=options, value=chosen, multi=True, placeholder="any")


def _density(end: str, value: float | None, *, is_there: bool) -> Component:
    return dcc.Input(
        id=f"search-{end}_density",
        type="number",
        min=0,
        max=1,
        step="any",
        debounce=0.5,
        value=value,
        disabled=not is_there,
        placeholder="any" if is_there else "none here",
    )


def _labelled(text: str, control: Component) -> Component:
    return html.Label([html.Span(text), control])


def _choice(name: str, options: Mapping[str, str], query: Mapping[str, str], *, is_there: bool) -> Component:
    return dcc.Dropdown(
        id=f"search-{name}",
        options=[{"value": value, "label": label} for value, label in options.items()],
        value=query.get(name) or None,
        placeholder="any" if is_there else "none here",
        disabled=not is_there,
        searchable=False,
    )


def _community(site: Site, query: Mapping[str, str], found: Asked) -> Component:
    known = communities(site.connection, found.facts)
    chosen = found.filter.community
    shown = [c for place, c in enumerate(known) if place < _COMMUNITIES or c.number == chosen]
    options = {str(c.number): f"{community_name(c.number, c.label)} ({c.size:,})" for c in shown}
    if chosen is not None:
        options.setdefault(str(chosen), str(chosen))
    choice = _choice("community", options, query, is_there=bool(known))
    choice.searchable = True  # pyright: ignore[reportAttributeAccessIssue]
    return choice


def register(app: Dash, site: Site) -> None:
    """Tell the app what happens when somebody narrows, sorts or turns the pages."""

    @app.callback(
        Output("search-asked", "data"),
        Output("search-summary", "children"),
        Output("search-reasons", "children"),
        SEARCH,
        SHOWN,
        Input("search-words", "data"),
        *(Input(f"search-{name}", "value") for name in FILTERS[1:]),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def narrow(*values: Any) -> tuple[Any, ...]:  # pyright: ignore[reportUnusedFunction]
        before = parsed(values[-1] or "")
        query = _narrowed(before, values[:-1])
        if query == before:
            return (no_update,) * 5
        found = asked(site, query)
        total = count(site.connection, found.facts, found.filter)
        said = summary(site, found, total), reasons(site, query, found, total)
        return query, *said, *site.moved(PATH, **query)

    @app.callback(
        Output("search-grid", "getRowsResponse"),
        Output("search-given", "data"),
        SEARCH,
        SHOWN,
        Input("search-grid", "getRowsRequest"),
        State("search-asked", "data"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def give(request: dict[str, Any] | None, query: dict[str, str], text: str | None) -> tuple[Any, ...]:  # pyright: ignore[reportUnusedFunction]
        if request is None:
            return (no_update,) * 4
        sort = sort_text(request["sortModel"])
        try:
            response = _response(site, _with(query, sort=sort), request)
        except SaedbError:
            set_props("search-grid", {"getRowsResponse": {"rowData": [], "rowCount": 0}})  # or it would wait for ever
            raise
        before = parsed(text or "")
        if before.get("sort") == sort:
            return response, query, no_update, no_update
        return response, query, *site.moved(PATH, **_with(before, sort=sort))

    @app.callback(
        SEARCH,
        SHOWN,
        Input("search-grid", "paginationInfo"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def turn(info: dict[str, Any] | None, text: str | None) -> tuple[Any, Any]:  # pyright: ignore[reportUnusedFunction]
        before = parsed(text or "")
        page = str(info["currentPage"] + 1) if info and info["currentPage"] else None
        if info is None or not info["rowCount"] or before.get("page") == page:
            return no_update, no_update
        return site.moved(PATH, **_with(before, page=page))

    app.clientside_callback(
        ClientsideFunction("saedb", "typed"),
        Output("search-words", "data"),
        Input("search-q", "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("saedb", "askAgain"),
        Output("search-again", "data"),
        Input("search-asked", "data"),
        Input("search-given", "data"),
        prevent_initial_call=True,
    )


def _narrowed(before: Mapping[str, str], values: Sequence[Any]) -> dict[str, str]:
    """Return an address's values with those of the controls, on the first page."""
    texts = {name: _text(value) for name, value in zip(FILTERS, values, strict=True)}
    if texts == {name: before.get(name) for name in FILTERS}:
        return dict(before)
    return _with(before, **texts, page=None)


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return ",".join(map(str, sorted(value))) or None
    return None if value in (None, "") else str(value)


def _with(query: Mapping[str, str], **changed: str | None) -> dict[str, str]:
    """Return the values of an address with some changed; None takes one out."""
    return {name: value for name, value in {**query, **changed}.items() if value is not None}


def _response(site: Site, query: Mapping[str, str], request: Mapping[str, Any]) -> dict[str, Any]:
    found = asked(site, query)
    skip = int(request["startRow"])
    total = count(site.connection, found.facts, found.filter)
    features = listed(site.connection, found.facts, found.filter, found.sort, skip=skip, limit=SIZE)
    return {"rowData": [row(site, query.get("run"), feature) for feature in features], "rowCount": total}
