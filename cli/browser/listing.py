"""Rows as a grid and as a small table: numbers to the right, features as links to their pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component
from dash_ag_grid import AgGrid

from saedb.cli.browser.site import Site
from saedb.cli.table import clean, number_format
from saedb.cli.wording import words
from saedb.cypher.query import Column
from saedb.cypher.values import plain, text

Cell = str | int | float | Component | None

_TEXT: Final = ":text"
"""Behind the name of a column of numbers: these as they are written."""
_OPTIONS: Final[dict[str, Any]] = {
    "domLayout": "autoHeight",
    "pagination": True,
    "paginationPageSize": 20,
    "paginationPageSizeSelector": [20, 50, 100],
    "enableCellTextSelection": True,
    "suppressDragLeaveHidesColumns": True,
    "rowHeight": 30,
    "headerHeight": 34,
    "tooltipShowDelay": 400,
    "autoSizeStrategy": {"type": "fitCellContents", "defaultMaxWidth": 340},
}


def grid(id_: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], site: Site, run: str) -> Component:
    """Return rows with declared columns as a grid that sorts and filters in the page."""
    return AgGrid(
        id=id_,
        columnDefs=[_definition(column, site, run) for column in columns],
        rowData=_data(columns, rows),
        defaultColDef={"sortable": True, "resizable": True, "filter": True, "wrapHeaderText": True},
        dashGridOptions=_OPTIONS,
        className="ag-theme-alpine listing",
    )


def _definition(column: Column, site: Site, run: str) -> dict[str, Any]:
    name, unit = words(column.name), f" ({column.unit})" if column.unit else ""
    found: dict[str, Any] = {
        "field": column.name, "headerName": f"{name}{unit}", "headerTooltip": f"{column.meaning}{unit}",
    }  # fmt: skip
    if column.type == "feature":
        base = site.href("/feature", run=run, id="")
        return {**found, "cellRenderer": "SaedbLinks", "cellRendererParams": {"base": base}}
    if _is_numeric(column):
        written = {"function": f"params.data['{column.name}{_TEXT}']"}
        return {**found, "type": "rightAligned", "filter": "agNumberColumnFilter", "valueFormatter": written}
    return {**found, "tooltipField": column.name}


def _data(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    written = {column.name: _written([row[column.name] for row in rows]) for column in columns if _is_numeric(column)}
    return [
        {column.name: _value(column, row[column.name]) for column in columns}
        | {f"{name}{_TEXT}": texts[place] for name, texts in written.items()}
        for place, row in enumerate(rows)
    ]


def _written(values: Sequence[float | None]) -> list[str]:
    write = number_format([value for value in values if isinstance(value, float)])
    return ["" if v is None else write(v) if isinstance(v, float) else f"{v:,}" for v in values]


def _value(column: Column, value: Any) -> Any:
    """Return a value as the grid takes it: lists become one text, of features with one on each line."""
    if column.type == "feature":
        return "\n".join(value) if isinstance(value, list) else value
    if isinstance(value, list):
        return ", ".join(clean(item) if isinstance(item, str) else text(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value) if isinstance(value, str) else plain(value)


def _is_numeric(column: Column) -> bool:
    return column.type in ("integer", "float") and not column.many


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str | None = None) -> Component:
    """Return a small table; columns of numbers, and links to numbers, are set to the right."""
    kept = [list(row) for row in rows]
    right = [all(_is_number(row[place]) for row in kept) for place in range(len(heads))]
    classes = ["number" if is_right else "" for is_right in right]
    return html.Div(
        html.Table(
            [
                *([html.Caption(caption)] if caption else []),
                html.Thead(
                    html.Tr([html.Th(h, scope="col", className=c) for h, c in zip(heads, classes, strict=True)])
                ),
                html.Tbody(
                    [
                        html.Tr([html.Td(_shown(v), className=c) for v, c in zip(row, classes, strict=True)])
                        for row in kept
                    ]
                ),
            ]
        ),
        className="wide",
    )


def _shown(value: Cell) -> Any:
    match value:
        case None:
            return "-"
        case bool() | str() | Component():
            return value
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"


def _is_number(value: Cell) -> bool:
    if isinstance(value, dcc.Link):
        return str(getattr(value, "children", "")).replace(",", "").isdecimal()
    return value is None or isinstance(value, int | float)
