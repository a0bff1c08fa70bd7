"""A picture as SVG: a file of its own, or a part of a page."""

import math
import xml.etree.ElementTree as ET
from textwrap import wrap
from typing import Final

from saedb.cli.drawing.picture import APART, LINE, Dot, Line, Picture, cut
from saedb.cli.table import clean

_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
INK: Final = "#1f2a36"
MUTED: Final = "#5f6b78"
_BAND: Final = "#f6f8fa"
TYPE: Final = 11.0
"""Size of labels, in pixels."""
_LEFT, _MARGIN = 130.0, 60.0
_NARROWEST: Final = 560.0
_LEGEND_LINE: Final = 18.0
_COLUMNS: Final = 3
_WIDEST_LABEL: Final = 320.0


def svg(picture: Picture, title: str) -> str:
    """Return the picture as the text of an SVG file, with a heading, a legend and how much it shows."""
    drawing = _Drawing(picture)
    drawing.frame(title)
    ET.indent(drawing.root)
    return ET.tostring(drawing.root, encoding="unicode", xml_declaration=True) + "\n"


def part(picture: Picture, *, narrowest: float = _NARROWEST, values: bool = False) -> str:
    """Return the picture alone, for a page of HTML.

    Args:
        picture: what is drawn.
        narrowest: pixels that it is wide at least.
        values: write the value of each edge beside it, two decimals.
    """
    drawing = _Drawing(picture, narrowest)
    if values:
        drawing.number()
    return ET.tostring(drawing.root, encoding="unicode")


class _Drawing:
    """A picture as an element; every text in it is one, whatever marks it holds."""

    def __init__(self, picture: Picture, narrowest: float = _NARROWEST) -> None:
        ET.register_namespace("", _NAMESPACE)
        self._picture, self._scale = picture, picture.scale
        xs = [dot.x for dot in picture.dots] or [0.0]
        half = picture.apart / 2  # of a label
        self._left = min(xs) - (_LEFT - APART / 2 + half) * self._scale
        self._right = max(max(xs) + max(_MARGIN, half) * self._scale, self._left + narrowest)
        self._top = -40.0 * self._scale
        self._bottom = max((row.y for row in picture.rows), default=0.0) + _MARGIN * self._scale
        self.root = ET.Element(f"{{{_NAMESPACE}}}svg", {"font-family": _FONT})
        self._show(self._top, self._bottom)
        self._draw()

    def frame(self, title: str) -> None:
        """Add a heading and a legend."""
        picture, scale, left = self._picture, self._scale, self._left + 16 * self._scale
        scope = picture.subgraph.scope
        told = f"{picture.shown}; {scope.measure} from {scope.floor:g} on"
        self._text(clean(title), left, self._top - 34 * scale, 16, weight="600")
        self._text(told, left, self._top - 14 * scale, 12, fill=MUTED)
        lines = math.ceil(len(picture.legend) / _COLUMNS)
        for place in range(len(picture.legend)):
            self._name_community(place, left, self._bottom + 14 * scale)
        self._show(self._top - 64 * scale, self._bottom + (_LEGEND_LINE * lines + 20) * scale)

    def number(self) -> None:
        """Write the value of each edge beside its middle."""
        scope = self._picture.subgraph.scope
        for line in self._picture.lines:
            x, y = (line.source.x + line.target.x) / 2, (line.source.y + line.target.y) / 2
            value = line.edge.measures[scope.measure]
            text = _add(
                self.root, "text", x=x, y=y + 3, fill=MUTED, stroke="#ffffff",
                **{"font-size": TYPE - 1, "text-anchor": "middle", "paint-order": "stroke", "stroke-width": 4},
            )  # fmt: skip
            text.text = "-" if value is None else f"{value:.2f}"

    def _show(self, top: float, bottom: float) -> None:
        width, height = self._right - self._left, bottom - top
        self.root.set("viewBox", f"{self._left:.0f} {top:.0f} {width:.0f} {height:.0f}")
        self.root.set("width", f"{width / self._scale:.0f}")
        self.root.set("height", f"{height / self._scale:.0f}")

    def _draw(self) -> None:
        for row in self._picture.rows:
            high, width = 30 * self._scale, self._right - self._left
            _add(self.root, "rect", x=self._left, y=row.y - high / 2, width=width, height=high, fill=_BAND)
            self._text(row.name, self._left + 16 * self._scale, row.y + 4 * self._scale, 12, fill=MUTED)
        lines = _add(self.root, "g", **{"stroke-linecap": "round"})
        for line in self._picture.lines:
            _draw_line(lines, line, self._picture.subgraph.scope.measure, math.sqrt(self._scale))
        dots = _add(self.root, "g")
        for dot in self._picture.dots:
            _draw_dot(dots, dot, self._picture)

    def _name_community(self, place: int, x: float, y: float) -> None:
        _, label, colour, size = self._picture.legend[place]
        width = (self._right - self._left) / _COLUMNS / 1.05
        left, middle = x + place % _COLUMNS * width, y + place // _COLUMNS * _LEGEND_LINE * self._scale
        _add(self.root, "circle", cx=left + 5 * self._scale, cy=middle, r=5 * self._scale, fill=colour)
        told = f"{cut(label, min(width / self._scale, _WIDEST_LABEL) - 60, 12)} ({size:,})"
        self._text(told, left + 16 * self._scale, middle + 4 * self._scale, 12)

    def _text(self, text: str, x: float, y: float, size: float, *, fill: str = INK, weight: str = "400") -> None:
        size *= self._scale
        _add(self.root, "text", x=x, y=y, fill=fill, **{"font-size": size, "font-weight": weight}).text = text


def _draw_line(parent: ET.Element, line: Line, measure: str, scale: float) -> None:
    drawn = _add(
        parent, "line",
        x1=line.source.x, y1=line.source.y, x2=line.target.x, y2=line.target.y, stroke=line.colour,
        **{"stroke-width": round(line.width * scale, 2), "stroke-opacity": 0.75 if line.colour == LINE else 0.6},
        **{"class": "e", "data-s": line.source.node.id, "data-t": line.target.node.id},
    )  # fmt: skip
    value = line.edge.measures[measure]
    _title(drawn, [f"{line.source.name} → {line.target.name}: {measure} {'-' if value is None else f'{value:.4g}'}"])


def _draw_dot(parent: ET.Element, dot: Dot, picture: Picture) -> None:
    radius = picture.radius
    group = _add(parent, "g", **{"class": "n", "data-n": dot.node.id})
    community = [f"community {dot.node.community}"] if dot.node.community is not None else []
    _title(group, [dot.name, dot.node.id, *community, *([dot.node.role] if dot.node.role else [])])
    outline, width = ("#ffffff", 1.5) if dot.node.role is None else (INK, 2.5)
    size = radius if dot.node.role is None else 1.25 * radius
    _add(group, "circle", cx=dot.x, cy=dot.y, r=size, fill=dot.colour, stroke=outline, **{"stroke-width": width})
    lines, between = _label(dot.name, picture.apart), 1.15 * TYPE
    is_on_top = len(picture.rows) > 1 and dot.y == picture.rows[0].y  # no edge goes up from here
    first = dot.y - radius - 8 - (len(lines) - 1) * between if is_on_top else dot.y + radius + 14
    for number, line in enumerate(lines):
        label = _add(
            group, "text", x=dot.x, y=first + number * between, fill=INK, stroke="#ffffff",
            **{"font-size": TYPE, "text-anchor": "middle", "paint-order": "stroke", "stroke-width": 3},
        )  # fmt: skip
        label.text = line


def _label(name: str, apart: float) -> list[str]:
    """Return the line of a label, or its two lines where features stand further apart than usual."""
    if apart <= APART:
        return [cut(name, apart - 6, TYPE)]
    lines = wrap(name, max(int((apart - 14) / (0.56 * TYPE)), 1)) or [name]
    return [lines[0], *([cut(" ".join(lines[1:]), apart - 6, TYPE)] if len(lines) > 1 else [])]


def _title(parent: ET.Element, lines: list[str]) -> None:
    ET.SubElement(parent, f"{{{_NAMESPACE}}}title").text = "\n".join(map(clean, lines))


def _add(parent: ET.Element, tag: str, **attributes: object) -> ET.Element:
    written = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in attributes.items()}
    return ET.SubElement(parent, f"{{{_NAMESPACE}}}{tag}", written)
