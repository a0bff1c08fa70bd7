"""How the overview answers who uses it: figures, lists, and the address."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from dash import Dash, Input, Output, State, ctx, no_update

from saedb.cli.browser import flow as drawing
from saedb.cli.browser import overview_figures as figures
from saedb.cli.browser import overview_tables as tables
from saedb.cli.browser.overview_state import PATH, Asked, listed, usual_measure
from saedb.cli.browser.site import SEARCH, SHOWN, Site, parsed
from saedb.cypher import measured
from saedb.cypher.explore import flow, spread
from saedb.cypher.explore.flow import Layer, Span, Summary
from saedb.cypher.explore.spread import Bar

HIDDEN: Final = {"display": "none"}
_ADDRESS: Final = State("address", "search")


def register(app: Dash, site: Site) -> None:
    """Draw the figures, follow clicks, and keep the state in the address."""
    _register_figures(app, site)
    _register_edges(app, site)
    _register_state(app, site)
    _register_clicks(app, site)


def _register_figures(app: Dash, site: Site) -> None:
    @app.callback(
        Output("overview-flow-figure", "figure"),
        Output("overview-flow-figure", "style"),
        Output("overview-flow-note", "children"),
        Output("overview-flow-table", "children"),
        Output("overview-layers", "children"),
        Output("overview-passed-value", "children"),
        Output("overview-vanishing-value", "children"),
        Input("overview-passed", "value"),
        Input("overview-vanishing", "value"),
        Input("overview-silent", "value"),
        _ADDRESS,
    )
    def show_flow(passed: float, vanishing: float, silent: list[str], text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        query = parsed(text or "")
        asked = Asked(passed=passed, vanishing=vanishing, counts_silent=bool(silent))
        found = _layers(site, site.run(query), asked)
        bands = drawing.bands(found)
        by_sae = {layer.sae: layer for layer in found}
        addresses = [listed(site, query.get("run"), band.state, by_sae[band.sae], asked) for band in bands]
        is_known = any(layer.appearing is not None or layer.disappearing is not None for layer in found)
        note = tables.flow_note(found) if is_known else tables.NO_FLOW
        return (
            *_shown(drawing.drawn(bands, addresses) if is_known else None),
            note,
            tables.states(site, query.get("run"), found, asked),
            tables.layers(site, query.get("run"), found, asked),
            tables.written(passed),
            tables.written(vanishing),
        )

    @app.callback(
        Output("overview-communities-figure", "figure"),
        Output("overview-communities-figure", "style"),
        Output("overview-communities-note", "children"),
        Output("overview-communities-table", "children"),
        Input("overview-top", "value"),
        Input("overview-count", "value"),
        _ADDRESS,
    )
    def show_communities(top: int, count: list[str], text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        query = parsed(text or "")
        known = flow.summary(site.connection, site.run(query))
        spans = _spans(site, known, top)
        if not spans:
            return *_shown(None), tables.NO_COMMUNITIES, None
        note = tables.communities_note(known, spans)
        shown = tables.communities(site, query.get("run"), spans)
        return *_shown(figures.communities(spans, by_count=bool(count))), note, shown

    @app.callback(
        Output("overview-spread-figure", "figure"),
        Output("overview-spread-figure", "style"),
        Output("overview-spread-note", "children"),
        Output("overview-spread-table", "children"),
        Input("overview-measure", "value"),
        Input("overview-from", "value"),
        Input("overview-log", "value"),
        Input("overview-bar", "data"),
        _ADDRESS,
    )
    def show_spread(name: str, sae: str, log: list[str], chosen: Any, text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        query = parsed(text or "")
        of = measured.named(name)
        counts = _counts(_bars(site, site.run(query), name), sae)
        if not counts:
            return *_shown(None), tables.no_values(of, sae), None
        figure = figures.spread(counts, of, chosen=_bar(chosen, name, sae), logarithmic=bool(log))
        return *_shown(figure), tables.spread_note(counts), tables.spread(site, query, counts, of)


def _shown(figure: Any) -> tuple[Any, dict[str, str]]:
    """Return what a Graph shows, and its style: without its height it would lie over what follows."""
    return (no_update, HIDDEN) if figure is None else (figure, {"height": f"{figure.layout.height}px"})


def _register_edges(app: Dash, site: Site) -> None:
    @app.callback(
        Output("overview-edges", "children"),
        Input("overview-bar", "data"),
        Input("overview-measure", "value"),
        Input("overview-from", "value"),
        _ADDRESS,
    )
    def show_edges(chosen: Any, name: str, sae: str, text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        bar = _bar(chosen, name, sae)
        if bar is None:
            return None
        run, of = site.run(parsed(text or "")), measured.named(name)
        found = [each for each in _bars(site, run, name) if each.number == bar and sae in ("", each.sae)]
        saes = None if of.selects and not sae else [each.sae for each in found]
        edges = spread.edges(site.connection, run, of, bar, saes, tables.EDGES)
        return tables.edges(site, run, of, bar, edges, sum(each.edges for each in found))

    @app.callback(
        Output("overview-bar", "data"),
        Input("overview-spread-figure", "clickData"),
        State("overview-measure", "value"),
        State("overview-from", "value"),
        prevent_initial_call=True,
    )
    def choose(clicked: Any, name: str, sae: str) -> Any:  # pyright: ignore[reportUnusedFunction]
        return [clicked["points"][0]["customdata"], name, sae] if clicked else no_update


def _register_state(app: Dash, site: Site) -> None:
    @app.callback(
        SEARCH,
        SHOWN,
        Input("overview-passed", "value"),
        Input("overview-vanishing", "value"),
        Input("overview-silent", "value"),
        Input("overview-measure", "value"),
        Input("overview-from", "value"),
        Input("overview-log", "value"),
        Input("overview-bar", "data"),
        Input("overview-top", "value", allow_optional=True),
        Input("overview-count", "value", allow_optional=True),
        _ADDRESS,
        State("address", "pathname"),
        prevent_initial_call=True,
    )
    def keep(*values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        passed, vanishing, silent, measure, sae, log, chosen, top, count, text, path = values
        query = parsed(text or "")
        before = Asked.of(query)
        first = usual_measure(flow.summary(site.connection, site.run(query)))
        asked = Asked(
            passed=passed, vanishing=vanishing, counts_silent=bool(silent), top=top or before.top,
            by_count=bool(count), measure=None if measure == first else measure, sae=sae or None,
            is_logarithmic=bool(log), bar=_bar(chosen, measure, sae),
        )  # fmt: skip
        if path != PATH or asked == before:
            return no_update, no_update
        return site.moved(PATH, run=query.get("run"), **asked.query())


def _register_clicks(app: Dash, site: Site) -> None:
    @app.callback(
        SEARCH,
        Output("address", "pathname", allow_duplicate=True),
        Input("overview-flow-figure", "clickData"),
        Input("overview-communities-figure", "clickData", allow_optional=True),
        State("overview-top", "value", allow_optional=True),
        _ADDRESS,
        prevent_initial_call=True,
    )
    def follow(band: Any, cell: Any, top: int | None, text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        query = parsed(text or "")
        if ctx.triggered_id == "overview-flow-figure" and band:
            return _parts(band["points"][0]["customdata"][0])
        if ctx.triggered_id == "overview-communities-figure" and cell:
            point = cell["points"][0]
            spans = _spans(site, flow.summary(site.connection, site.run(query)), top or 0)
            address = tables.within(site, query.get("run"), spans[int(point["y"])], int(point["x"]))
            return _parts(address)
        return no_update, no_update


def _bar(chosen: Any, name: str, sae: str) -> int | None:
    """Return the bar that was chosen, unless another measure is shown now, or the edges of other layers."""
    return chosen[0] if chosen and chosen[1:] == [name, sae] else None


def _parts(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return f"?{parts.query}", parts.path


def _layers(site: Site, run: str, asked: Asked) -> tuple[Layer, ...]:
    key = ("layers", run, _content(site, run), asked.passed, asked.vanishing, asked.counts_silent)
    return site.kept.get(
        key,
        lambda: flow.layers(
            site.connection, run, passed=asked.passed, vanishing=asked.vanishing, dead_and_rare=asked.counts_silent
        ),
    )


def _bars(site: Site, run: str, name: str) -> tuple[Bar, ...]:
    of = measured.named(name)
    return site.kept.get(("bars", run, _content(site, run), name), lambda: spread.bars(site.connection, run, of))


def _content(site: Site, run: str) -> str:
    return flow.summary(site.connection, run).content


def _spans(site: Site, known: Summary, top: int) -> Sequence[Span]:
    return flow.spans(site.connection, known.id, known.partition, top) if known.partition else ()


def _counts(bars: Sequence[Bar], sae: str) -> Counter[int]:
    found: Counter[int] = Counter()
    for bar in bars:
        if sae in ("", bar.sae):
            found[bar.number] += bar.edges
    return found
