"""What a search found: the grid, how many there are, and which filter is to blame where there are none."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component
from dash_ag_grid import AgGrid

from saedb.cli.browser.parts import community_name, correlation, feature_href, number, tokens
from saedb.cli.browser.searching import SIZE, Asked
from saedb.cli.browser.site import Site
from saedb.cli.table import clean
from saedb.cli.wording import short_id, words
from saedb.cypher.explore.listing import Listed, counts_without

_NAMES: Final = {
    "text": "q", "id": "q", "layers": "layer", "gate": "gate",
    "min_density": "min_density", "max_density": "max_density", "state": "state", "community": "community",
}  # fmt: skip
"""What an address calls the fields of a filter."""
_OPTIONS: Final[dict[str, Any]] = {
    "pagination": True,
    "paginationPageSize": SIZE,
    "paginationPageSizeSelector": False,
    "cacheBlockSize": SIZE,
    "maxConcurrentDatasourceRequests": 1,  # the grid takes an answer for that to its last question
    "enableCellTextSelection": True,
    "suppressDragLeaveHidesColumns": True,
    "tooltipShowDelay": 400,
    "rowHeight": 32,
    "headerHeight": 38,
    "suppressNoRowsOverlay": True,
}


def _column(
    field: str, width: int = 0, *, name: str = "", meaning: str = "", flex: int = 0, **other: Any
) -> dict[str, Any]:
    size = {"flex": flex, "minWidth": width} if flex else {"width": width}
    tooltip = {"headerTooltip": meaning} if meaning else {"tooltipField": field}
    return {"field": field, "headerName": name or field, **size, **tooltip, **other}


_RIGHT: Final[dict[str, Any]] = {"type": "rightAligned"}
_COLUMNS: Final = (
    _column("feature", 130, cellRenderer="SaedbLinked", pinned="left"),
    _column("label", 150, flex=3, cellRenderer="SaedbLabel"),
    _column("layer", 66, sortable=False, **_RIGHT),
    _column("tokens", 130, name="top tokens", flex=3, sortable=False),
    _column("density", 94, meaning="share of the counted tokens that it is active on", **_RIGHT),
    _column("max", 74, meaning="largest activation on a counted token", **_RIGHT),
    _column("state_in", 126, name="back", meaning="its state, looking at the layer before"),
    _column("best_in", 78, name="best in", meaning="highest Pearson with a feature of the layer before", **_RIGHT),
    _column("state_out", 126, name="forward", meaning="its state, looking at the next layer"),
    _column("best_out", 84, name="best out", meaning="highest Pearson with a feature of the next layer", **_RIGHT),
    _column("community", 110, flex=2, cellRenderer="SaedbCommunity"),
    _column("gates", 66, sortable=False, meaning="gates that hold and that it is a part of", **_RIGHT),
)


def grid(found: Asked, query: Mapping[str, str], total: int) -> Component:
    """Return the grid of what is found, on the page and in the order that the address asks for."""
    by, way = found.sort.by, "desc" if found.sort.is_descending else "asc"
    columns = [
        {**column, "sort": way} if query.get("sort") and column["field"] == by else column for column in _COLUMNS
    ]
    return AgGrid(
        id="search-grid",
        columnDefs=columns,
        defaultColDef={"sortable": True, "resizable": True, "sortingOrder": ["asc", "desc", None]},
        rowModelType="infinite",
        dashGridOptions={**_OPTIONS, "infiniteInitialRowCount": max(total, 1)},
        paginationGoTo=min(found.page, max(total - 1, 0) // SIZE) or None,
        className="ag-theme-alpine listing",
        style={"height": None},
    )


def row(site: Site, run: str | None, feature: Listed) -> dict[str, Any]:
    """Return a feature as a row of the grid; `run` is what the address names."""
    href = site.href("/search", run=run, community=feature.community)
    return {
        "feature": short_id(feature.id),
        "id": feature.id,
        "href": feature_href(site, feature.id, run),
        "label": clean(feature.label or ""),
        "layer": feature.layer,
        "tokens": tokens(feature.top_tokens),
        "density": number(feature.density),
        "max": number(feature.max),
        "state_in": words(feature.state_in),
        "best_in": correlation(feature.best_in),
        "state_out": words(feature.state_out),
        "best_out": correlation(feature.best_out),
        "community": community_name(feature.community, feature.community_label),
        "community_href": None if feature.community is None else href,
        "colour": site.colour(feature.community),
        "gates": feature.gates or "",
    }


def summary(site: Site, found: Asked, total: int) -> list[Any]:
    """Return how many features are found, of how many."""
    del site
    noun = "feature" if total == 1 else "features"
    of = "" if not found.filter.asked() else f" of {found.facts.features:,}"
    return [html.Strong(f"{total:,} {noun}"), of]


def reasons(site: Site, query: Mapping[str, str], found: Asked, total: int) -> list[Component]:
    """Return why nothing is found, and what to leave out; nothing where something is."""
    if total:
        return []
    return [html.Div([*_missing(found), *_blamed(site, query, found)], className="note")]


def _missing(found: Asked) -> Iterator[Component]:
    facts = found.facts
    if found.note:
        yield html.P(found.note)
    if not facts.features:
        yield html.P(f"Run {facts.run} has no features.")
    if found.filter.text and not facts.has_text:
        yield html.P(
            f"Run {facts.run} has neither labels nor top tokens, so no words are found. Labels can be imported: "
            f"saedb labels import"
        )


def _blamed(site: Site, query: Mapping[str, str], found: Asked) -> Iterator[Component]:
    asked = found.filter.asked()
    if not asked:
        return
    if len(asked) == 1:
        yield html.P([f"No feature has {_said(found, asked[0])}. ", _left_out(site, query, asked[0], "Leave it out")])
        return
    counts = counts_without(site.connection, found.facts, found.filter)
    yield html.P("No feature passes all of these filters. There are")
    yield html.Ul(
        [
            html.Li([f"{n:,} ", _left_out(site, query, name, f"without {_said(found, name)}")])
            for name, n in counts.items()
        ]
    )


def _left_out(site: Site, query: Mapping[str, str], name: str, text: str) -> Component:
    kept = {key: value for key, value in query.items() if key not in (_NAMES[name], "page")}
    return dcc.Link(text, href=site.href("/search", **kept))


def _said(found: Asked, name: str) -> str:
    """Return what one field of a filter asks for, in words."""
    asked = found.filter
    match name:
        case "text":
            return f"the words “{clean(asked.text)}”"
        case "id":
            return f"the id {asked.id}"
        case "layers":
            return f"layer {' or '.join(map(str, asked.layers))}"
        case "min_density":
            return f"a density of at least {asked.min_density:g}"
        case "max_density":
            return f"a density of at most {asked.max_density:g}"
        case "state":
            return f"the state {words(asked.state)}"
        case "community":
            return f"community {asked.community}"
        case _:
            return {"input": "a gate that it is an input of", "output": "a gate that it is the output of"}.get(
                asked.gate or "", "a gate"
            )
