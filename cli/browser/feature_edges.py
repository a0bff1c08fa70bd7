"""The inputs and outputs of a feature: a list each, by a measure and from a floor on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component
from dash_ag_grid import AgGrid

from saedb.cli.browser.feature_facts import Shown
from saedb.cli.browser.parts import aria, feature_href, measure_options, number
from saedb.cli.table import clean
from saedb.cli.wording import effect_in_words, short_id, words
from saedb.cypher import measured
from saedb.cypher.explore.edges import Edge, Edges, Side, edges
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME, EFFECT, MEASURES, Evidence, Measure
from saedb.ingest.naming import quoted

MEASURE: Final = "pearson"
"""The usual one."""
SIDES: Final[tuple[Side, Side]] = ("inputs", "outputs")
SCALE: Final = ("min", "max", "step", "marks", "value")
"""What depends on the measure, of the slider of the floor."""
LIMIT: Final = 200
_KNOWN: Final[dict[str, Measure | Evidence]] = {**BY_NAME, EFFECT.name: EFFECT}
"""What has a column, where any of the edges has it."""
_ROWS: Final = 10
"""Of a list, before it has pages."""
_OPTIONS: Final[dict[str, Any]] = {
    "domLayout": "autoHeight", "paginationPageSize": _ROWS, "paginationPageSizeSelector": False,
    "enableCellTextSelection": True, "suppressDragLeaveHidesColumns": True, "suppressNoRowsOverlay": True,
    "rowHeight": 30, "headerHeight": 36, "tooltipShowDelay": 400,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """By which measure, and from which value on, edges are shown."""

    measure: Measure
    floor: float | None


def choice(query: Mapping[str, str]) -> Choice:
    """Return what an address chooses.

    Raises:
        InputError: there is no such measure, or the floor is no number.
    """
    name, floor = query.get("measure") or MEASURE, query.get("floor")
    measure = measured.named(name)
    try:
        return Choice(measure=measure, floor=float(floor) if floor else None)
    except ValueError:
        raise InputError(f"no floor {quoted(floor or '')}; it is a number") from None


def found_edges(shown: Shown, chosen: Choice) -> dict[Side, Edges]:
    """Return both lists."""
    record = shown.record
    return {
        side: edges(
            shown.site.connection, record.run, record.id, side,
            measure=chosen.measure.name, floor=chosen.floor, limit=LIMIT,
        )
        for side in SIDES
    }  # fmt: skip


def section(shown: Shown, chosen: Choice) -> Component:
    """Return the controls and both lists."""
    found = found_edges(shown, chosen)
    return html.Div(
        [
            html.Div(_controls(chosen, found), className="edge-controls"),
            *(part for side in SIDES for part in _list(shown, side, found[side], chosen)),
        ]
    )


def _controls(chosen: Choice, found: Mapping[Side, Edges]) -> list[Component]:
    return [
        html.Label(
            [
                html.Span("measure"),
                dcc.Dropdown(
                    id="feature-measure",
                    options=measure_options(),
                    value=chosen.measure.name,
                    clearable=False,
                    searchable=False,
                ),
            ]
        ),
        html.Div(
            [html.Span("at least", id="feature-floor-name"), slider(chosen, found)],
            className="floor",
            role="group",
            **aria(labelledby="feature-floor-name"),
        ),
    ]


def slider(chosen: Choice, found: Mapping[Side, Edges]) -> Component:
    """Return the slider of the floor; at its lowest end every edge is shown."""
    return dcc.Slider(id="feature-floor", tooltip={"placement": "bottom"}, updatemode="mouseup", **scale(chosen, found))


def scale(chosen: Choice, found: Mapping[Side, Edges]) -> dict[str, Any]:
    """Return what the slider's properties named in `SCALE` are."""
    low, high = _bounds(chosen, found)
    value = low if chosen.floor is None else chosen.floor
    values = (low, high, (high - low) / 100, {low: "all", high: number(high)}, value)
    return dict(zip(SCALE, values, strict=True))


def _bounds(chosen: Choice, found: Mapping[Side, Edges]) -> tuple[float, float]:
    """Return the ends of the slider: the measure's own, or its highest value on these edges where it has no end."""
    measure = chosen.measure
    highest = [e.highest for e in found.values() if e.highest is not None]
    high = measure.high if measure.high is not None else max((*highest, chosen.floor or 0.0, 1.0))
    low = 0.0 if all((e.lowest or 0) >= 0 for e in found.values()) else measure.low
    return min(low, chosen.floor or 0.0), float(high)


def _list(shown: Shown, side: Side, found: Edges, chosen: Choice) -> list[Component]:
    return [
        html.H2(side.capitalize()),
        html.P(said(shown, side, found, chosen), id=f"feature-{side}-said", className="muted", role="status"),
        AgGrid(
            id=f"feature-{side}",
            columnDefs=columns(found, chosen),
            rowData=rows(shown, found),
            defaultColDef={"sortable": True, "resizable": True, "sortingOrder": ["desc", "asc", None]},
            dashGridOptions={**_OPTIONS, "pagination": len(found.shown) > _ROWS},
            className=f"ag-theme-alpine listing{'' if found.total else ' empty'}",
            style={"height": None},
        ),
    ]


def said(shown: Shown, side: Side, found: Edges, chosen: Choice) -> str:
    """Return how many edges there are, and why no more are shown."""
    around = shown.around
    is_compared = around.is_compared_back if side == "inputs" else around.is_compared_on
    if not found.total:
        where = "before" if side == "inputs" else "after"
        return "None." if is_compared else f"None: no layer {where} this one was compared."
    parts = [f"{found.total:,} {'edge' if found.total == 1 else 'edges'}"]
    if chosen.floor is not None:
        parts.append(f"{found.passing:,} of them with {words(chosen.measure.name)} of at least {number(chosen.floor)}")
    if found.passing > len(found.shown):
        of = f"{short_id(shown.record.id)} --run {shown.record.run}"
        command = f"saedb query neighbours {of} --measure {chosen.measure.name}"
        parts.append(f"the highest {len(found.shown):,} shown (all: {command})")
    return ", ".join(parts)


def columns(found: Edges, chosen: Choice) -> list[dict[str, Any]]:
    """Return the columns of a list: the chosen measure first, then all that any of its edges has."""
    names = [chosen.measure.name, EFFECT.name, *(m.name for m in MEASURES if m is not chosen.measure)]
    known = [n for n in names if n == chosen.measure.name or any(n in edge.values for edge in found.shown)]
    return [
        {"field": "feature", "width": 130, "pinned": "left", "cellRenderer": "SaedbLinked"},
        {"field": "label", "flex": 1, "minWidth": 150, "cellRenderer": "SaedbLabel", "tooltipField": "label"},
        *(
            {
                "field": name, "headerName": words(name), "headerTooltip": _KNOWN[name].meaning,
                "width": 98, "wrapHeaderText": True, "cellRenderer": "SaedbMeasure",
                "headerClass": "ag-right-aligned-header",
                "cellClass": ["ag-right-aligned-cell", *(["chosen"] if name == chosen.measure.name else [])],
            }
            for name in known
        ),
    ]  # fmt: skip


def rows(shown: Shown, found: Edges) -> list[dict[str, Any]]:
    """Return the rows of a list."""
    return [_row(shown, edge) for edge in found.shown]


def _row(shown: Shown, edge: Edge) -> dict[str, Any]:
    values = {name: value for name, value in edge.values.items() if name in _KNOWN}
    return {
        "feature": short_id(edge.id),
        "id": edge.id,
        "href": feature_href(shown.site, edge.id, shown.run),
        "label": clean(edge.label or ""),
        **values,
        "written": {name: _written(name, edge.values) for name in values},
        "meant": {name: _trust(name, edge.values) for name in values},
    }


def _written(name: str, values: Mapping[str, float]) -> str:
    if name == EFFECT.name:
        return effect_in_words(values) or ""
    measure, value = BY_NAME[name], values[name]
    if measure.integer:
        return f"{value:,}"
    return f"{value:.3f}" if measure.high == 1 else number(value)


def _trust(name: str, values: Mapping[str, float]) -> str:
    """Return how far a value can be trusted, where that was computed."""
    if name == EFFECT.name:
        control, z = (values.get(f"{name}_{of}") for of in ("control", "z"))
        of_control = [] if control is None else [f"{control:.2f} for features without an edge"]
        return "; ".join([*of_control, *([] if z is None else [f"{z:.1f} standard errors above these"])])
    low, high, moved = (values.get(f"{name}_{end}") for end in ("low", "high", "moved"))
    parts = [] if low is None or high is None else [f"95 % interval {low:.3f} to {high:.3f}"]
    parts += [] if moved is None else [f"{moved:.3f} apart in the two halves of the documents"]
    return "; ".join(parts)
