"""The style of the graph in Neo4j Browser: one declaration, as the file it imports and as what it stores.

Browser applies every rule whose label a node has, the later one last: so a feature has its size and caption by
``:Feature`` and its colour by its layer's label. A label without a rule would get one of Browser's own, which comes
last of all and takes the layer's colour away: every label needs a rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saedb.cypher import schema
from saedb.cypher.neo4jbrowser import colours

Rules = Mapping[str, Mapping[str, str]]
"""Properties by selector, in the order in which they apply."""

LAYERS: Final = 100
"""Layers that have a rule: those whose label has two digits. Later ones are coloured by Browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """How nodes of one label look."""

    caption: str
    colour: str = "#A5ABB6"
    border: str = ""
    """A darker tone of the colour where it is empty."""
    diameter: int = 50
    """Pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """How relationships of one type look."""

    caption: str = "<type>"
    colour: str = "#A5ABB6"
    width: int = 1
    """Pixels."""


_GATE: Final = "#C2352B"
_SPLIT: Final = "#2B7A4B"

CIRCLES: Final[Mapping[str, Circle]] = {
    "Run": Circle(caption="{id}", colour="#10131A", diameter=80),
    "Sae": Circle(caption="{id}", colour="#5B6472", diameter=65),
    "Feature": Circle(caption="{layer}/{index} {label}", colour="#8FB8E8", diameter=65),
    "Partition": Circle(caption="{id}", colour="#8A6D3B", diameter=80),
    "Community": Circle(caption="{number} {label}", colour="#F2E3C6", border="#8A6D3B", diameter=80),
    "Resolution": Circle(caption="{resolution}", colour="#D9CBB0"),
    "Gate": Circle(caption="{kind}", colour="#FFFFFF", border=_GATE),
    "Split": Circle(caption="split", colour="#FFFFFF", border=_SPLIT),
    "Prompt": Circle(caption="{text}", colour="#DCEBDD", border="#3F7D4E", diameter=80),
    "Lane": Circle(caption="{id}"),
}
"""By label; a text in braces is a property."""

ARROWS: Final[Mapping[str, Arrow]] = {
    "HAS_SAE": Arrow(),
    "COMPARED_WITH": Arrow(caption="{edges} edges"),
    # Browser writes all digits and cuts off what is longer than the arrow.
    "EVOLVES_TO": Arrow(caption="{pearson}", colour="#7C8797", width=2),
    "IN_COMMUNITY": Arrow(colour="#C9B48A"),
    "OF_PARTITION": Arrow(colour="#C9B48A"),
    "PART_OF": Arrow(colour="#C9B48A"),
    "INPUT_OF": Arrow(caption="input {slot}", colour=_GATE, width=2),
    "OUTPUT": Arrow(caption="output", colour=_GATE, width=3),
    "PARENT_OF": Arrow(caption="parent", colour=_SPLIT, width=3),
    "CHILD": Arrow(caption="{share}", colour=_SPLIT, width=2),
    "ACTIVATES": Arrow(caption="{activation}", colour="#3F7D4E"),
}
"""By type; a text in braces is a property."""


def rules() -> Rules:
    """Return the rules of every label and type of the schema, and of the labels of layers."""
    circles = {node.label: CIRCLES.get(node.label, Circle(caption="{id}")) for node in schema.NODES}
    arrows = {kind.type: ARROWS.get(kind.type, Arrow()) for kind in schema.RELATIONSHIPS}
    layers = {schema.layer_label(layer, LAYERS - 1): colours.of_layer(layer) for layer in range(LAYERS)}
    return {
        "node": {**_circle(Circle(caption="")), "font-size": "10px"},
        "relationship": {**_arrow(Arrow()), "font-size": "8px", "padding": "3px"},
        **{f"node.{label}": _circle(circle) for label, circle in circles.items()},
        **{f"node.{label}": _ground(colour, "") for label, colour in layers.items()},
        **{f"relationship.{type_}": _arrow(arrow) for type_, arrow in arrows.items()},
    }


def grass() -> str:
    """Return the rules as a file that Neo4j Browser imports."""
    blocks = (
        f"{selector} {{\n{''.join(f'  {name}: {_quoted(name, value)};{chr(10)}' for name, value in rule.items())}}}\n"
        for selector, rule in rules().items()
    )
    return "\n".join(blocks)


def _circle(circle: Circle) -> dict[str, str]:
    caption = {"caption": circle.caption} if circle.caption else {}
    width = {"border-width": "4px" if circle.border else "2px"}
    return {**_ground(circle.colour, circle.border), **width, "diameter": f"{circle.diameter}px", **caption}


def _ground(colour: str, border: str) -> dict[str, str]:
    return {
        "color": colour,
        "border-color": border or colours.darker(colour),
        "text-color-internal": colours.text_on(colour),
    }


def _arrow(arrow: Arrow) -> dict[str, str]:
    return {
        "color": arrow.colour,
        "shaft-width": f"{arrow.width}px",
        "text-color-external": "#000000",
        "text-color-internal": "#FFFFFF",
        "caption": arrow.caption,
    }


def _quoted(name: str, value: str) -> str:
    """Return a value as the file has it; Browser takes ``;`` and ``:`` for its own even between quotes."""
    return f"'{value}'" if name == "caption" else value
