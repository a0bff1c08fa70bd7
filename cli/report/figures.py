"""Figures that several chapters draw: numbers by layer, and lines in the colours of the layers."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from saedb.cli.report.look import BLUE, MARKER, MUTED, ORANGE, styled
from saedb.cli.table import clean, cut

if TYPE_CHECKING:
    from pandas import DataFrame

_NAMED: Final = 24
"""Characters of the name of an SAE on an axis."""
_LEAST, _MOST = 0.0, 0.88
"""Part of the scale of colours that layers are given: its bright end is pale on white."""


def of_layers(count: int) -> list[str]:
    """Return a colour for each layer, dark to bright along the model, told apart by those who are colour-blind, too."""
    places = [_LEAST + (_MOST - _LEAST) * number / max(count - 1, 1) for number in range(count)]
    return [str(colour) for colour in sample_colorscale("Viridis", places)] if count else []


def shown(text: str, width: int = _NAMED) -> str:
    """Return a text as Plotly shows it: in a figure's texts it takes some marks of HTML for its own."""
    return html.escape(cut(clean(text), width))


def layer_names(saes: Sequence[str], layers: Sequence[int]) -> list[str]:
    """Return what layers are called along an axis: their number, where that tells them apart, or else their SAE."""
    return [shown(sae) for sae in saes] if len(set(layers)) < len(layers) else [str(layer) for layer in layers]


def by_layer(rows: "DataFrame", names: Sequence[str], columns: Sequence[str]) -> go.Figure:
    """Return a panel of bars for each column, by layer along the model.

    Args:
        rows: one for each layer.
        names: what they are called.
        columns: of numbers; what is missing has no bar.
    """
    figure = make_subplots(1, len(columns), subplot_titles=list(columns), horizontal_spacing=0.09)
    for place, column in enumerate(columns, 1):
        figure.add_bar(
            x=names, y=rows[column], marker={"color": BLUE}, showlegend=False, row=1, col=place,
            hovertemplate=f"%{{x}}<br>{column} %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
        if not rows[column].fillna(0.0).to_numpy().any():
            figure.update_yaxes(range=[0, 1], row=1, col=place)
    figure.update_xaxes(type="category", title_text="layer", showgrid=False)
    figure.update_yaxes(rangemode="tozero")
    return styled(figure, 300).update_annotations(font={"size": 13, "color": MUTED})


def quantiles(rows: "DataFrame", names: Sequence[str], title: str, *, papers: "DataFrame | None" = None) -> go.Figure:
    """Return a box for each layer, from quantiles, with the largest value as a point; the scale is logarithmic.

    Args:
        rows: one for each layer, with ``5 %``, ``25 %``, ``50 %``, ``75 %``, ``95 %`` and ``largest``.
        names: what the layers are called.
        title: what the numbers are.
        papers: the ``median`` and ``largest`` of the paper for the same layers.
    """
    figure = go.Figure()
    figure.add_box(
        x=names, lowerfence=rows["5 %"], q1=rows["25 %"], median=rows["50 %"], q3=rows["75 %"], upperfence=rows["95 %"],
        name="features: 5, 25, 50, 75 and 95 %", marker={"color": BLUE}, fillcolor="#c3d6e8", line={"width": 1.5},
    )  # fmt: skip
    figure.add_scatter(
        x=names, y=rows["largest"], mode="markers", name="largest",
        marker={**MARKER, "color": BLUE, "symbol": "diamond"},
        hovertemplate="%{x}<br>largest %{y:.4g}<extra></extra>",
    )  # fmt: skip
    if papers is not None:
        for column, symbol in (("median", "line-ew-open"), ("largest", "diamond-open")):
            figure.add_scatter(
                x=names, y=papers[column], mode="markers", name=f"{column} in the paper",
                marker={"size": 10, "symbol": symbol, "color": ORANGE, "line": {"width": 2, "color": ORANGE}},
            )  # fmt: skip
    figure.update_xaxes(type="category", title_text="layer", showgrid=False)
    figure.update_yaxes(type="log", title_text=title, dtick="D2", tickformat="~g")
    return styled(figure, 380)


def lines(panels: "Sequence[tuple[str, DataFrame]]", x: str, title: str) -> go.Figure:
    """Return panels of lines over one axis, a line for each layer, and a thick one for what is of all.

    Args:
        panels: names, and rows with `x` and a column for each layer; the column ``all`` is the thick line.
        x: the column of the axis, which it is named by.
        title: of the upright axis.
    """
    figure = make_subplots(1, len(panels), subplot_titles=[name for name, _ in panels], shared_yaxes=True,
                           horizontal_spacing=0.06)  # fmt: skip
    layers = list(dict.fromkeys(column for _, rows in panels for column in rows.columns if column not in (x, "all")))
    colours = dict(zip(layers, of_layers(len(layers)), strict=True))
    seen: set[str] = set()
    for place, (_, rows) in enumerate(panels, 1):
        for column in rows.columns.drop(x):
            is_all = column == "all"
            line = (
                {"color": "#000000", "width": 3, "dash": "dash"} if is_all else {"color": colours[column], "width": 1.6}
            )
            figure.add_scatter(
                x=rows[x], y=rows[column], mode="lines", line=line, name="all layers" if is_all else shown(column),
                legendgroup=column, showlegend=column not in seen, row=1, col=place,
                hovertemplate=f"{shown(column)}<br>{x} %{{x:.2f}}: %{{y:.1%}}<extra></extra>",
            )  # fmt: skip
            seen.add(column)
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title_text=title, col=1)
    styled(figure, 420).update_annotations(font={"size": 13, "color": MUTED})
    return figure.update_layout(legend={"y": -0.2, "yanchor": "top"}, margin={"b": 110})
