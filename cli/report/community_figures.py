"""The figures on communities, from rows of the query library."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from saedb.cli.report.look import BLUE, MARKER, MUTED, ORANGE, PARTLY, STABLE, styled
from saedb.cli.table import clean, cut
from saedb.cypher.communities.settings import COHERENT

if TYPE_CHECKING:
    from pandas import DataFrame

DRAWN: Final = 4000
"""Points that a figure shows at most: with more a browser becomes slow."""

_HOVERED: Final = 60
_NAMED: Final = 30
"""Characters of a label beside a point, and beside a row."""
_BINS: Final = 20
_COUNTED: Final = 16
"""Layers up to which a cell has space for its count."""
_SCALED: Final = 8
"""Rows from which on a scale of the colours has space."""
_BAR: Final[dict[str, Any]] = {"thickness": 12, "outlinewidth": 0, "len": 0.5, "yanchor": "top"}
_LOGARITHMIC: Final[dict[str, Any]] = {"type": "log", "tickformat": ",", "dtick": "D2"}


def drawn(communities: "DataFrame") -> "DataFrame":
    """Return the communities that figures show: of many all large ones, and ever fewer of the small ones."""
    if len(communities) <= DRAWN:
        return communities
    ranks = np.unique(np.geomspace(1, len(communities), DRAWN).astype(int))
    return communities.iloc[ranks - 1]


def sizes(communities: "DataFrame") -> go.Figure:
    """Return sizes by rank, in the colours of stability where it is known."""
    has_stability = bool(communities["stability"].notna().any())
    bar = {**_BAR, "title": {"text": "stability", "font": {"size": 13}}, "len": 0.9, "tickformat": ".1f", "y": 0.98}
    coloured = {"color": communities["stability"], "colorscale": STABLE, "cmin": 0, "cmax": 1, "colorbar": bar}
    figure = go.Figure()
    figure.add_scatter(
        x=communities["rank"],
        y=communities["size"],
        mode="markers",
        marker={**MARKER, **coloured} if has_stability else {**MARKER, "color": BLUE},
        customdata=_named(communities, "stability"),
        hovertemplate="<b>%{customdata[0]}</b> %{customdata[1]}<br>%{y:,} features, rank %{x:,}"
        + ("<br>stability %{customdata[2]:.3f}" if has_stability else "")
        + "<extra></extra>",
    )
    figure.update_xaxes(title_text="rank", **_LOGARITHMIC)
    figure.update_yaxes(title_text="size (features)", **_LOGARITHMIC)
    return styled(figure, 400)


def spans(communities: "DataFrame", features: "DataFrame") -> go.Figure:
    """Return a heat map of communities, the largest first, by layer.

    Args:
        communities: one for each row of `features`.
        features: number of features by the community's number [communities, layers]; NaN where it has none.
    """
    shares = features.div(features.sum(axis=1), axis=0)
    counts = features.map(lambda count: "" if np.isnan(count) else f"{count:.0f}")
    labels = [f"{_short(label, _NAMED)}  <b>{n}</b>" for n, label in _names(communities)]
    rows = list(range(len(communities)))
    figure = go.Figure()
    figure.add_heatmap(
        x=[_short(name, _NAMED) for name in features.columns], y=rows,
        z=shares.to_numpy(), zmin=0, zmax=shares.max(axis=None), colorscale=PARTLY, xgap=1, ygap=1, hoverongaps=False,
        text=counts.to_numpy(), texttemplate="%{text}" if len(features.columns) <= _COUNTED else None,
        textfont={"size": 11}, showscale=len(rows) >= _SCALED,
        customdata=np.repeat(_named(communities, "size")[:, None], len(features.columns), axis=1),
        colorbar={**_BAR, "title": {"text": "share", "font": {"size": 13}}, "tickformat": ".0%", "y": 0.98},
        hovertemplate="<b>%{customdata[0]}</b> %{customdata[1]}<br>layer %{x}: %{text} of %{customdata[2]:,} features, "
        "%{z:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="layer", type="category", side="top", showgrid=False, showline=False, ticks="")
    figure.update_yaxes(tickvals=rows, ticktext=labels, ticklabelstandoff=6, range=[len(rows) - 0.5, -0.5])
    figure.update_yaxes(showgrid=False, showline=False, ticks="")
    return styled(figure, 110 + 21 * len(rows)).update_layout(margin={"t": 60, "b": 16})


def resolutions(swept: "DataFrame", own: float | None) -> go.Figure:
    """Return number of communities, modularity and likeness by resolution, with a line at `own`, where it is known."""
    panels = {"communities": "communities", "modularity": "modularity", "nmi": "NMI with the partition"}
    figure = make_subplots(1, len(panels), subplot_titles=list(panels.values()), horizontal_spacing=0.09)
    for place, (name, title) in enumerate(panels.items(), 1):
        figure.add_scatter(
            x=swept["resolution"], y=swept[name], mode="lines+markers", line={"color": BLUE, "width": 1.5},
            marker={**MARKER, "color": BLUE}, showlegend=False, row=1, col=place,
            hovertemplate=f"resolution %{{x:g}}<br>{title} %{{y:{',' if name == 'communities' else '.4f'}}}"
            "<extra></extra>",
        )  # fmt: skip
    if own is not None:
        figure.add_vline(x=own, line={"color": ORANGE, "width": 1.5, "dash": "dot"})  # in every panel
    figure.update_xaxes(title_text="resolution", type="log", dtick=1)
    figure.update_yaxes(type="log", tickformat=",", nticks=3, col=1)
    return styled(figure, 320).update_annotations(font={"size": 13, "color": MUTED})


def stability(communities: "DataFrame", shown: "DataFrame") -> go.Figure:
    """Return stability against size, and beside it how many communities have which, on one axis.

    Args:
        communities: all.
        shown: those that are points.
    """
    counts, edges = np.histogram(communities["stability"].dropna().clip(0, 1), _BINS, (0.0, 1.0))
    figure = make_subplots(1, 2, shared_yaxes=True, column_widths=[0.7, 0.3], horizontal_spacing=0.03)
    figure.add_scatter(**_points(shown, "stability"), row=1, col=1)
    figure.add_bar(
        x=counts, y=(edges[:-1] + edges[1:]) / 2, width=0.9 / _BINS, orientation="h", marker={"color": BLUE},
        customdata=np.stack([edges[:-1], edges[1:]], axis=1), row=1, col=2,
        hovertemplate="stability %{customdata[0]:.2f} to %{customdata[1]:.2f}<br>%{x:,} communities<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="size (features)", **_LOGARITHMIC, col=1)
    figure.update_xaxes(title_text="communities", rangemode="tozero", col=2)
    figure.update_yaxes(range=[0, 1.03])
    figure.update_yaxes(title_text="stability", col=1)
    return styled(figure, 400).update_layout(showlegend=False)


def coherence(communities: "DataFrame") -> go.Figure:
    """Return coherence against size, that of random features beside it, and the line of the paper."""
    figure = go.Figure()
    figure.add_scatter(**_points(communities, "coherence"), name="communities")
    figure.add_scatter(
        x=communities["size"], y=communities["chance"], mode="markers", name="random features of the same layers",
        marker={"size": 6, "symbol": "circle-open", "color": ORANGE}, customdata=_named(communities, "coherence"),
        hovertemplate="random features, as many as<br><b>%{customdata[0]}</b> %{customdata[1]}<br>coherence %{y:.3f}"
        "<extra></extra>",
    )  # fmt: skip
    figure.add_hline(
        y=COHERENT,
        line={"color": MUTED, "width": 1.2, "dash": "dash"},
        annotation={"text": f"{COHERENT}, the paper's criterion", "font": {"size": 12, "color": MUTED}},
        annotation_position="top right",
    )
    figure.update_xaxes(title_text="size (features)", **_LOGARITHMIC)
    lowest = min(0.0, float(communities[["coherence", "chance"]].min().min()))
    figure.update_yaxes(title_text="coherence", range=[lowest - 0.03, 1.03])
    return styled(figure, 440)


def _points(communities: "DataFrame", name: str) -> Mapping[str, Any]:
    """Return the points of one column against the size."""
    return {
        "x": communities["size"],
        "y": communities[name],
        "mode": "markers",
        "marker": {**MARKER, "color": BLUE},
        "customdata": _named(communities, name),
        "hovertemplate": f"<b>%{{customdata[0]}}</b> %{{customdata[1]}}<br>%{{x:,}} features<br>{name} %{{y:.3f}}"
        "<extra></extra>",
    }


def _named(communities: "DataFrame", *names: str) -> Any:
    """Return the number and label of each community, and columns of it [communities, 2 + names]."""
    own = [(str(number), _short(label, _HOVERED)) for number, label in _names(communities)]
    return np.array([(*name, *row) for name, row in zip(own, communities[list(names)].to_numpy(), strict=True)], object)


def _names(communities: "DataFrame") -> "zip[tuple[int, str | None]]":
    return zip(communities["community"], communities["label"], strict=True)


def _short(label: str | None, width: int) -> str:
    """Return a label as Plotly shows it: in a figure's texts it takes some marks of HTML for its own."""
    return html.escape(cut(clean(label or "no label"), width))
