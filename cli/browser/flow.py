"""Figure 3 of the paper: what each layer passes to the next, what appears in it, and what disappears, as a Sankey.

Plotly's own Sankey knows one width for a band. Here a band from layer to layer has two: as many features as are passed
on are seldom as many as are passed in, since one feature may be carried by several, or carry several. So bands are
drawn as filled curves, which Plotly lets people click as well.

1. A layer is an upright bar as high as it has features. From the top down it receives what appears, is passed in and is
   transformed, and gives what is passed on, transformed and disappears; what is dead or rare lies at the bottom.
2. What appears comes from above, half a layer before; what disappears, and what is dead or rare, leaves downwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from saedb.cli.report.look import INK, MUTED, styled
from saedb.cypher.explore.flow import Layer

LAYER: Final = "layer"
PASSED: Final = "passed_on"
TRANSFORMED: Final = "transformed"
APPEARING: Final = "appearing"
DISAPPEARING: Final = "disappearing"
SILENT: Final = "silent"

SAID: Final = {
    LAYER: "features", PASSED: "passed on", TRANSFORMED: "transformed", APPEARING: "appearing",
    DISAPPEARING: "disappearing", SILENT: "dead or rare",
}  # fmt: skip
COLOURS: Final = {
    LAYER: INK, PASSED: "#8fadc9", TRANSFORMED: "#d3dfea", APPEARING: "#8fbf9b", DISAPPEARING: "#e2a77f",
    SILENT: "#c9cfd6",
}  # fmt: skip

_BAR: Final = 0.035
"""Half the width of a layer's bar, where layers are 1 apart."""
_STUB: Final = 0.46
"""How far from its layer what appears begins, and what disappears ends."""
_GAP: Final = 0.06
"""Between what lies above each other, as a share of the highest layer."""
_POINTS: Final = 24
_COUNTED: Final = 16
"""Layers up to which the numbers have space."""
_HEIGHT: Final = 400

Span = tuple[float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Some features that share what becomes of them, or a whole layer."""

    state: str
    sae: str
    features: int
    """Of this SAE."""
    into: int | None = None
    """Features of the next SAE at the other end, where there is one."""
    start: float
    """Place along the layers; likewise `end`."""
    end: float
    left: Span
    """Lowest and highest place in features; likewise `right`."""
    right: Span


def bands(layers: Sequence[Layer]) -> list[Band]:
    """Return what the figure is made of; of what the graph does not know, nothing."""
    gap = _GAP * max((layer.features for layer in layers), default=0)
    number = {layer.sae: place for place, layer in enumerate(layers)}
    found: list[Band] = []
    for place, layer in enumerate(layers):
        following = number.get(layer.following[0]) if layer.following else None
        found += _ahead(layer, place, gap)
        if following is not None:
            found += _between(layer, place, layers[following], following)
        found += _back(layer, place, gap)
        found.append(_whole(layer, place))
    return [band for band in found if band.features or band.into]


def _whole(layer: Layer, place: int) -> Band:
    span = (0.0, float(layer.features))
    return Band(
        state=LAYER, sae=layer.sae, features=layer.features, start=place - _BAR, end=place + _BAR, left=span, right=span
    )  # fmt: skip


def _between(layer: Layer, place: int, following: Layer, next_place: int) -> Iterator[Band]:
    """Yield what joins two layers: as wide at each end as there are features."""
    left, right = float(layer.features), float(following.features - (following.appearing or 0))
    for state, here, there in (
        (PASSED, layer.passed_on, following.passed_in),
        (TRANSFORMED, layer.transformed, following.transformed_in),
    ):
        n, m = here or 0, there or 0
        yield Band(
            state=state, sae=layer.sae, features=n, into=m, start=place + _BAR, end=next_place - _BAR,
            left=(left - n, left), right=(right - m, right),
        )  # fmt: skip
        left, right = left - n, right - m


def _ahead(layer: Layer, place: int, gap: float) -> Iterator[Band]:
    """Yield what leaves a layer downwards."""
    low = -gap
    silent = (layer.dead or 0) + (layer.rare or 0)
    lost = layer.disappearing or 0
    rest = silent if layer.disappearing is None else layer.features - (layer.passed_on or 0) - (layer.transformed or 0)
    for state, n, top in (
        (DISAPPEARING, lost, float(rest)),
        (SILENT, rest - lost if silent else 0, float(rest - lost)),
    ):
        yield Band(
            state=state, sae=layer.sae, features=n, start=place + _BAR, end=place + _STUB,
            left=(top - n, top), right=(low - n, low),
        )  # fmt: skip
        low -= n + gap if n else 0


def _back(layer: Layer, place: int, gap: float) -> Iterator[Band]:
    """Yield what comes into a layer from above."""
    n, top = layer.appearing or 0, float(layer.features)
    yield Band(
        state=APPEARING, sae=layer.sae, features=n, start=place - _STUB, end=place - _BAR,
        left=(top + gap, top + gap + n), right=(top - n, top),
    )  # fmt: skip


def drawn(found: Sequence[Band], addresses: Sequence[str | None]) -> go.Figure:
    """Return the figure; a click on a band gives its address as ``customdata``."""
    figure = go.Figure()
    seen: set[str] = set()
    for band, address in zip(found, addresses, strict=True):
        x, y = _outline(band)
        figure.add_scatter(
            x=x, y=y, mode="lines", fill="toself", fillcolor=COLOURS[band.state], line={"width": 0}, hoveron="fills",
            text=said(band), hoverinfo="text", customdata=[address], name=SAID[band.state], legendgroup=band.state,
            showlegend=band.state not in seen and band.state != LAYER, legendrank=list(SAID).index(band.state),
        )  # fmt: skip
        seen.add(band.state)
    saes = [band.sae for band in found if band.state == LAYER]
    _number(figure, found if len(saes) <= _COUNTED else ())
    figure.update_xaxes(
        tickvals=list(range(len(saes))), ticktext=saes, showgrid=False, showline=False, ticks="", fixedrange=True,
        range=[-0.5, max(len(saes), 1) - 0.5],
    )  # fmt: skip
    figure.update_yaxes(visible=False, fixedrange=True)
    return styled(figure, _HEIGHT).update_layout(margin={"l": 8, "r": 8, "t": 36, "b": 28}, dragmode=False)


def said(band: Band) -> str:
    """Return what a band is, in words."""
    if band.state == LAYER:
        return f"{band.sae}: {band.features:,} features"
    into = "" if band.into is None else f"; {band.into:,} of the next layer come from there"
    return f"{band.sae}: {band.features:,} {SAID[band.state]}{into}"


def _outline(band: Band) -> tuple[Floats, Floats]:
    """Return the corners of a band: its lower side from the left, its upper side back."""
    along = np.linspace(0.0, 1.0, _POINTS)
    eased = along * along * (3 - 2 * along)
    x = band.start + (band.end - band.start) * along
    low = band.left[0] + (band.right[0] - band.left[0]) * eased
    high = band.left[1] + (band.right[1] - band.left[1]) * eased
    return np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])


def _number(figure: go.Figure, found: Sequence[Band]) -> None:
    """Write how many features appear and disappear beside their ends."""
    for band in found:
        if band.state in (APPEARING, DISAPPEARING):
            is_above = band.state == APPEARING
            figure.add_annotation(
                x=band.start if is_above else band.end, y=band.left[1] if is_above else sum(band.right) / 2,
                text=f"{band.features:,}", showarrow=False, font={"size": 11, "color": MUTED},
                xanchor="left", yanchor="bottom" if is_above else "middle",
            )  # fmt: skip
