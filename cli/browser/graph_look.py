"""How Cytoscape draws the graph page's picture."""

from typing import Any, Final

_INK: Final = "#1f2a36"
_FOCUS: Final = "#1a73e8"

STYLES: Final[list[dict[str, Any]]] = [
    {
        "selector": "node",
        "style": {
            "width": "data(size)",
            "height": "data(size)",
            "background-color": "data(colour)",
            "border-width": 1.5,
            "border-color": "#ffffff",
            "label": "data(name)",
            "color": _INK,
            "font-size": 11,
            "font-family": 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
            "min-zoomed-font-size": 7,
            "text-valign": "bottom",
            "text-margin-y": 4,
            "text-wrap": "ellipsis",
            "text-max-width": "98px",
            "text-background-color": "#ffffff",
            "text-background-opacity": 0.8,
            "text-background-padding": "1px",
        },
    },
    {"selector": ".start", "style": {"border-width": 3, "border-color": _INK}},
    {"selector": ".pinned", "style": {"shape": "round-rectangle"}},
    {
        "selector": "edge",
        "style": {
            "width": "data(width)",
            "line-color": "data(colour)",
            "opacity": 0.65,
            "curve-style": "haystack",
            "haystack-radius": 0,
        },
    },
    {"selector": ".faded", "style": {"opacity": 0.15}},
    {"selector": "edge.near", "style": {"opacity": 0.95}},
    {"selector": "edge.chosen", "style": {"line-color": _FOCUS, "opacity": 1, "z-index": 9}},
    {"selector": "node.chosen", "style": {"border-width": 4, "border-color": _FOCUS, "z-index": 10}},
    {"selector": "node.full", "style": {"text-wrap": "wrap", "text-background-opacity": 1, "z-index": 11}},
]
