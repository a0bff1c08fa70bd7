"""The picture of a view: where features stand, in pixels, how strong edges are, and what colours mean."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from saedb.cli.browser.layering import Order, places
from saedb.cli.table import clean
from saedb.cypher.explore import FeatureEdge, FeatureNode, Subgraph
from saedb.ingest.measures import BY_NAME

APART: Final = 104.0
"""Pixels between two features of a row."""
_BETWEEN_ROWS: Final = (104.0, 0.62)
"""Pixels between rows: at least so many, and such a share of what would make the picture a square."""
LINE: Final = "#aab4be"
"""The colour of an edge between communities."""
_THIN, _THICK = 1.0, 6.0
_RADIUS: Final = (8.0, 46.0)
"""Of a feature, in pixels, at least and at most: it grows with the picture, to be seen when all of it is."""
_USUAL_WIDTH: Final = 1300.0
_LONGEST: Final = 200
"""Characters of a label."""
LEGEND: Final = 12
"""Communities that a legend names."""

Colour = Callable[[int | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One layer."""

    name: str
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One feature where it stands."""

    node: FeatureNode
    x: float
    y: float
    colour: str
    is_pinned: bool

    @property
    def name(self) -> str:
        """What people call it: its label, or its id where it has none."""
        return _shortened(clean(self.node.label)) if self.node.label else self.node.short


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One edge between two dots."""

    edge: FeatureEdge
    source: Dot
    target: Dot
    width: float
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A view, laid out."""

    subgraph: Subgraph
    rows: tuple[Row, ...]
    """The last layer first: it stands on top."""
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    """The weakest first, so that it lies below."""
    colour: Colour
    width: float
    """From the first feature to the last."""

    @property
    def scale(self) -> float:
        """How much larger than usual the picture is, and so what is to be seen when all of it is: at least 1."""
        return max(1.0, self.width / _USUAL_WIDTH)

    @property
    def radius(self) -> float:
        """Of a feature."""
        return round(min(_RADIUS[0] * (1 + 0.6 * (self.scale - 1)), _RADIUS[1]), 1)

    @property
    def legend(self) -> list[tuple[int, str, str, int]]:
        """Number, label, colour and features of the communities that it shows most of, the largest first."""
        sizes = Counter(dot.node.community for dot in self.dots if dot.node.community is not None)
        order = sorted(sizes, key=lambda number: (-sizes[number], number))[:LEGEND]
        labels = self.subgraph.communities
        return [(n, clean(labels.get(n) or f"community {n}"), self.colour(n), sizes[n]) for n in order]

    @property
    def shown(self) -> str:
        """How much of the view it shows."""
        found = self.subgraph
        features = _of(len(found.nodes), found.total_nodes, "feature", at_least=found.at_least)
        return f"Showing {features} and {_of(len(found.edges), found.total_edges, 'edge')}"


def _of(shown: int, total: int, what: str, *, at_least: bool = False) -> str:
    if shown == total and not at_least:
        return f"{shown:,} {what}{'' if shown == 1 else 's'}"
    return f"{shown:,} of {'at least ' if at_least else ''}{total:,} {what}s"


def laid_out(
    subgraph: Subgraph, colour: Colour, order: Order = "straight", pinned: Mapping[str, float] | None = None
) -> Picture:
    """Return the picture of a view; `pinned` gives places by short id, in units of the least distance."""
    names = _row_names(subgraph.nodes)
    number = {sae: row for row, sae in enumerate(names)}
    row = np.array([number[node.sae] for node in subgraph.nodes], np.int64)
    held = pinned or {}
    fixed = {place: held[node.short] for place, node in enumerate(subgraph.nodes) if node.short in held}
    x = APART * places(row, *_ends(subgraph, row), order, fixed)
    gap = max(_BETWEEN_ROWS[0], _BETWEEN_ROWS[1] * float(np.ptp(x)) / max(len(names), 1)) if len(x) else 0.0
    height = [round((len(names) - 1 - row) * gap, 1) for row in range(len(names))]
    dots = tuple(
        Dot(node=node, x=round(float(place), 1), y=height[number[node.sae]], colour=colour(node.community),
            is_pinned=node.short in held)
        for node, place in zip(subgraph.nodes, x, strict=True)
    )  # fmt: skip
    rows = tuple(Row(name=name, y=height[number[sae]]) for sae, name in names.items())
    width = float(np.ptp(x)) if len(x) else 0.0
    lines = _lines(subgraph, dots)
    return Picture(subgraph=subgraph, rows=rows[::-1], dots=dots, lines=lines, colour=colour, width=width)


def _row_names(nodes: tuple[FeatureNode, ...]) -> dict[str, str]:
    """Return what the row of each SAE is called, in the order of the model: its layer, where that tells them apart."""
    layers = {node.sae: node.layer for node in sorted(nodes, key=lambda node: (node.depth, node.sae))}
    shared = Counter(layers.values())
    return {sae: f"layer {layer}" if shared[layer] == 1 else sae for sae, layer in layers.items()}


def _ends(subgraph: Subgraph, row: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the end of each edge in the earlier row, that in the later one, and its strength."""
    place = {node.id: number for number, node in enumerate(subgraph.nodes)}
    ends = [(place[edge.source], place[edge.target]) for edge in subgraph.edges]
    pairs = np.array(ends, np.int64).reshape(-1, 2)
    pairs = np.where((row[pairs[:, 0]] > row[pairs[:, 1]])[:, None], pairs[:, ::-1], pairs)
    apart = row[pairs[:, 0]] != row[pairs[:, 1]]
    strength = np.array([max(strength, 0.01) for strength in strengths(subgraph)])
    return pairs[apart, 0], pairs[apart, 1], strength[apart]


def strengths(subgraph: Subgraph) -> list[float]:
    """Return how strong each edge is, from 0 to 1: its value over the measure's highest, or the highest there is."""
    values = [edge.measures[subgraph.scope.measure] or 0.0 for edge in subgraph.edges]
    highest = BY_NAME[subgraph.scope.measure].high or max(values, default=1.0)
    return [min(max(value / highest, 0.0), 1.0) if highest > 0 else 0.0 for value in values]


def _lines(subgraph: Subgraph, dots: tuple[Dot, ...]) -> tuple[Line, ...]:
    by_id = {dot.node.id: dot for dot in dots}
    found: list[Line] = []
    for edge, strength in zip(subgraph.edges, strengths(subgraph), strict=True):
        source, target = by_id[edge.source], by_id[edge.target]
        is_inside = source.node.community is not None and source.node.community == target.node.community
        width = round(_THIN + (_THICK - _THIN) * strength, 2)
        line = Line(
            edge=edge, source=source, target=target, width=width, colour=source.colour if is_inside else LINE
        )  # fmt: skip
        found.append(line)
    return tuple(reversed(found))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def cut(text: str, width: float, size: float) -> str:
    """Return a text that fits into so many pixels at a size of type, with an ellipsis where it was cut."""
    most = max(1, math.floor(width / (0.56 * size)))
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
