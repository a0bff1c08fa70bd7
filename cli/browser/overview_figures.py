"""Where the communities of a run lie, and how its edges spread over a measure, as figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from saedb.cli.report.community_figures import spans as heat_map
from saedb.cli.report.look import BLUE, ORANGE, styled
from saedb.cypher.explore.flow import Span
from saedb.cypher.explore.spread import bounds
from saedb.ingest.measures import Measure

_HEIGHT: Final = 380


def communities(spans: Sequence[Span], *, by_count: bool) -> go.Figure:
    """Return a heat map of communities by layer, one row for each of `spans`.

    Args:
        spans: at least one community.
        by_count: colour by the number of features, logarithmically; otherwise by the share of the community.
    """
    layers = sorted({layer for span in spans for layer in span.layers})
    features = pd.DataFrame([[span.layers.get(layer, np.nan) for layer in layers] for span in spans], columns=layers)
    rows = [(span.number, span.label, span.size) for span in spans]
    named = pd.DataFrame(rows, columns=["community", "label", "size"])
    figure = heat_map(named, features.rename(columns=str))
    if by_count:
        counts = np.log10(features.to_numpy(dtype=float))
        ticks = range(int(np.nanmax(counts)) + 1)
        bar = {"title": {"text": "features"}, "tickvals": list(ticks), "ticktext": [f"{10**n:,}" for n in ticks]}
        figure.update_traces(z=counts, zmin=0, zmax=max(float(np.nanmax(counts)), 0.1), colorbar=bar)
        figure.update_traces(
            hovertemplate="<b>%{customdata[0]}</b> %{customdata[1]}<br>layer %{x}: %{text} features<extra></extra>"
        )
    return figure.update_layout(dragmode=False)


def spread(counts: Mapping[int, int], of: Measure, *, chosen: int | None, logarithmic: bool) -> go.Figure:
    """Return a histogram; a click on a bar gives its number as ``customdata``.

    Args:
        counts: edges by the number of the range, at least one.
        of: the measure.
        chosen: the range that a list is shown of.
        logarithmic: count the edges on a logarithmic scale.
    """
    numbers = list(range(min(counts), max(counts) + 1))
    ends = [bounds(of, number) for number in numbers]
    figure = go.Figure()
    figure.add_bar(
        x=[(low + high) / 2 for low, high in ends] if of.high is not None else numbers,
        y=[counts.get(number, 0) for number in numbers],
        width=[(high - low) * 0.94 for low, high in ends] if of.high is not None else 0.94,
        marker={"color": [ORANGE if number == chosen else BLUE for number in numbers]},
        customdata=numbers, text=[ranged(of, number) for number in numbers], textposition="none",
        hovertemplate=f"{of.name.replace('_', ' ')} %{{text}}<br>%{{y:,}} edges<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text=f"{of.name.replace('_', ' ')} ({of.unit})", **_powers(of, numbers))
    figure.update_yaxes(title_text="edges", rangemode="tozero", fixedrange=True, tickformat=",")
    if logarithmic:
        figure.update_yaxes(type="log", dtick=1)
    return styled(figure, _HEIGHT).update_layout(margin={"t": 16}, dragmode=False)


def ranged(of: Measure, number: int) -> str:
    """Return a range in words."""
    low, high = bounds(of, number)
    end = "" if of.high is not None and high >= of.high else "below "
    return f"{low:,.4g} to {end}{high:,.4g}"


def _powers(of: Measure, numbers: Sequence[int]) -> dict[str, Any]:
    """Return what an axis of powers of two is called: at the left side of every bar, or of every second or third."""
    if of.high is not None:
        return {"fixedrange": True}
    kept = numbers[:: max(len(numbers) // 10, 1)]
    return {
        "tickvals": [number - 0.5 for number in kept], "ticktext": [f"{bounds(of, number)[0]:,.3g}" for number in kept],
        "fixedrange": True,
    }  # fmt: skip
