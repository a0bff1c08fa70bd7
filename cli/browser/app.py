"""The feature browser as one Dash app: a page is a function of its address, and the address holds its whole state.

1. Whoever follows a link, goes back or reloads changes the address, and the page is made from it.
2. A page whose controls are used changes what it shows, and gives the address its new state by itself (`Site.moved`);
   it is not made anew then, so that the focus stays where it is.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.development.base_component import Component

from saedb.cli.browser.searching import feature_named
from saedb.cli.browser.site import SEARCH, Site, parsed
from saedb.cli.browser.views import View, views
from saedb.ingest.errors import SaedbError

_log = logging.getLogger(__name__)

_NAME: Final = "saedb"
_NAV: Final[dict[str, Any]] = {"aria-label": "Pages"}


def create(site: Site) -> Dash:
    """Return the app over a graph; `guard.protect` has to follow before it is served."""
    pages = views()
    app = Dash(
        __name__,
        title=_NAME,
        update_title="",
        suppress_callback_exceptions=True,
        serve_locally=True,
        on_error=_told,
        include_pages_meta=False,
    )
    app.layout = _frame()
    _route(app, site, {page.PATH: page for page in pages})
    for page in pages:
        page.register(app, site)
    return app


def _frame() -> Component:
    return html.Div(
        [
            dcc.Location(id="address", refresh="callback-nav"),
            dcc.Store(id="shown"),
            dcc.Store(id="title"),
            html.A("Skip to the page", href="#main", className="skip"),
            html.Div(id="notice", role="alert"),
            html.Div(id="page"),
        ]
    )


def _route(app: Dash, site: Site, pages: Mapping[str, View]) -> None:
    @app.callback(
        Output("page", "children"),
        Output("shown", "data"),
        Output("title", "data"),
        Output("notice", "children"),
        Input("address", "pathname"),
        Input("address", "search"),
        State("shown", "data"),
    )
    def show(path: str | None, text: str | None, shown: str | None) -> tuple[Any, ...]:  # pyright: ignore[reportUnusedFunction]
        path, text = path or "/", text or ""
        if path + text == shown:
            return (no_update,) * 4
        title, children = _page(site, pages, path, text)
        return children, path + text, f"{title} - {_NAME}", None

    @app.callback(
        SEARCH,
        Output("address", "pathname", allow_duplicate=True),
        Input("menu-search", "n_submit"),
        State("menu-search", "value"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def find(submitted: int | None, words: str | None, text: str | None) -> tuple[Any, Any]:  # pyright: ignore[reportUnusedFunction]
        if not submitted:
            return no_update, no_update
        query = parsed(text or "")
        run = query.get("run")
        if feature := feature_named(site, query, words or ""):
            return site.href("", run=run, id=feature), "/feature"
        return site.href("", run=run, q=words or None), "/search"

    @app.callback(
        SEARCH,
        Output("address", "pathname", allow_duplicate=True),
        Input("menu-run", "value"),
        State("menu-run", "options"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def change_run(  # pyright: ignore[reportUnusedFunction]
        run: str | None, runs: list[str] | None, path: str, text: str | None
    ) -> tuple[Any, Any]:
        if run is None or run == _shown(runs or [], parsed(text or "").get("run")):
            return no_update, no_update  # the menu was made, and nobody chose
        return site.href("", run=run), path if path in ("/", "/search", "/prompt") else "/"

    app.clientside_callback(
        ClientsideFunction("saedb", "title"), Output("title", "modified_timestamp"), Input("title", "data")
    )


def _page(site: Site, pages: Mapping[str, View], path: str, text: str) -> tuple[str, Sequence[Component]]:
    """Return the title of a page, and its menu and body; what is not there is said in place of the body."""
    page = pages.get(path)
    query: Mapping[str, str] = {}
    try:
        query = parsed(text)
        if page is None:
            body = message("There is no such page.", "The menu above leads to those that there are.")
        else:
            body = page.layout(site, query)
    except SaedbError as error:
        body = message("This cannot be shown.", str(error))
    title = page.TITLE if page else "Not found"
    return title, [_menu(site, pages.values(), path, query), html.Main(body, id="main", tabIndex="-1")]


def message(heading: str, text: str) -> Component:
    """Return a page that only says something."""
    return html.Section([html.H1(heading), html.P(text, className="wrapped")], className="message")


def _menu(site: Site, pages: Any, path: str, query: Mapping[str, str]) -> Component:
    named = query.get("run")
    links = [
        dcc.Link(
            page.TITLE,
            href=site.href(page.PATH, run=named),
            className="current" if path == page.PATH else "",
        )
        for page in pages
        if page.MENU
    ]
    return html.Header(
        [
            dcc.Link(_NAME, href=site.href("/", run=named), className="brand"),
            html.Nav(links, **_NAV),
            dcc.Input(  # without debounce, which puts the cursor back while somebody types on
                id="menu-search",
                type="search",
                placeholder="Find features ( / )",
                value="" if path != "/search" else query.get("q", ""),
            ),
            *_runs(site, named),
        ],
        className="menu",
    )


def _runs(site: Site, named: str | None) -> Iterator[Component]:
    """Yield the choice among runs; none where the server does not answer, which the page then says."""
    try:
        runs: list[str] = [str(run) for run in site.graph.runs()["id"]]
    except SaedbError:
        return
    if runs:
        choice = dcc.Dropdown(id="menu-run", options=runs, value=_shown(runs, named), clearable=False, searchable=False)
        yield html.Label(["run ", choice], className="run")


def _shown(runs: Sequence[str], named: str | None) -> str | None:
    """Return the run that the menu shows: the one that the address names, else the newest."""
    return named if named in runs else next(iter(runs), None)


def _told(error: Exception) -> None:
    """Say above the page why a control did nothing."""
    if not isinstance(error, SaedbError):
        _log.error("the feature browser failed", exc_info=error)
    text = str(error) if isinstance(error, SaedbError) else "something went wrong; the terminal says what"
    set_props("notice", {"children": html.P(text)})
