"""The figures of the chapter on residual streams."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from saedb.cli.report.look import BLUE, INK, MUTED, ORANGE, PARTLY, styled
from saedb.cli.wording import words
from saedb.ingest.residuals.heatmaps import BINS
from saedb.ingest.residuals.settings import MAPS

DRAWN: Final = 6
"""Layers that are drawn at most: a printed page has room for so many rows."""
_ROW: Final = 130
_TITLES: Final = {
    "low_necessity": "features that vanish",
    "passed_through": "features passed through",
    "random": "random directions",
}
_COLOURS: Final = {"passed_through": BLUE, "transformed": MUTED, "appearing": ORANGE}


def maps(cells: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> go.Figure:
    """Return heat maps: a row for each of some pairs of SAEs, a column for each kind of directions.

    Args:
        cells: rows of the table of heat maps.
        pairs: ids of upstream and downstream SAE, in order.
    """
    figure = make_subplots(
        rows=len(pairs), cols=len(MAPS), column_titles=[_TITLES[name] for name in MAPS],
        horizontal_spacing=0.05, vertical_spacing=0.36 / max(len(pairs), 2),
    )  # fmt: skip
    for row, (sae, next_sae) in enumerate(pairs, 1):
        own: Any = cells[(cells["sae"] == sae) & (cells["next_sae"] == next_sae)]
        x_width, y_width = (float((own[f"{a}_high"] - own[f"{a}_low"]).median()) for a in "xy")
        x = (np.arange(BINS) + 0.5) * x_width
        start, stop = float(own["y_low"].min()), float(own["y_high"].max())
        y = np.arange(start + y_width / 2, stop, y_width)
        for column, name in enumerate(MAPS, 1):
            _map(figure, own[own["directions"] == name], x, y, (row, column))
            end = min(x[-1], stop)
            line: dict[str, Any] = {"color": INK, "width": 1, "dash": "dot"}
            figure.add_shape(type="line", x0=0, y0=0, x1=end, y1=end, line=line, row=row, col=column)
            figure.update_xaxes(range=[0, x[-1] + x_width / 2], row=row, col=column)
            figure.update_yaxes(range=[start, stop], showticklabels=column == 1, row=row, col=column)
        figure.update_yaxes(title={"text": sae}, row=row, col=1)
    figure.update_xaxes(title={"text": "activation"}, row=len(pairs), col=2)
    return styled(figure, 90 + _ROW * len(pairs)).update_layout(showlegend=False)


def _map(figure: go.Figure, own: Any, x: np.ndarray, y: np.ndarray, place: tuple[int, int]) -> None:
    counts = np.full((len(y), len(x)), np.nan)
    if len(own):
        x_width, y_width = x[1] - x[0], y[1] - y[0] if len(y) > 1 else 1.0
        column = np.rint((own["x_low"].to_numpy() - (x[0] - x_width / 2)) / x_width).astype(int)
        line = np.rint((own["y_low"].to_numpy() - (y[0] - y_width / 2)) / y_width).astype(int)
        counts[line, column] = own["count"].to_numpy()
    trace = go.Heatmap(
        x=np.round(x, 4), y=np.round(y, 4), z=np.round(np.log10(counts), 3), customdata=counts,
        colorscale=[[0, PARTLY[1][1]], [0.4, PARTLY[2][1]], [1, PARTLY[3][1]]], showscale=False,
        hovertemplate="activation %{x:.3g}<br>error %{y:.3g}<br>%{customdata:,} points<extra></extra>",
        hoverongaps=False,
    )  # fmt: skip
    figure.add_trace(trace, row=place[0], col=place[1])


def copies(rows: pd.DataFrame) -> go.Figure:
    """Return boxes of how far features are copied, by SAE along the model and state.

    Args:
        rows: of `saedb.ingest.residuals.summary.copies`.
    """
    figure = go.Figure()
    for state, colour in _COLOURS.items():
        own: Any = rows[(rows["state"] == state) & rows["copied_50"].notna()]
        figure.add_trace(
            go.Box(
                name=str(words(state)), x=own["sae"], lowerfence=own["copied_10"], q1=own["copied_25"],
                median=own["copied_50"], q3=own["copied_75"], upperfence=own["copied_90"],
                marker={"color": colour}, line={"width": 1.5}, hoverinfo="y",
            )
        )  # fmt: skip
    figure.update_layout(boxmode="group")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=rows["sae"].unique())
    figure.update_yaxes(title={"text": "copied (correlation)"})
    return styled(figure, 380)
