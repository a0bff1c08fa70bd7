"""What a report looks like: one palette and one type for its style sheet and its figures."""

from typing import Any, Final

import plotly.graph_objects as go

INK: Final = "#1f2a36"
MUTED: Final = "#5f6b78"
RULE: Final = "#dfe4e9"
PALE: Final = "#f5f7f9"
BLUE: Final = "#2b5c8a"
ORANGE: Final = "#c8692b"
PARTLY: Final = ((0.0, "#f7f9fb"), (0.5, "#c3d6e8"), (0.8, "#7ba4ca"), (1.0, "#24578a"))
"""Colours of shares of a whole, from none to all."""
STABLE: Final = ((0.0, "#a84a12"), (0.5, "#e0a878"), (0.8, "#8fb0cd"), (1.0, BLUE))
"""Colours of stability, from 0 to 1."""

_FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
_MONOSPACE: Final = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'
_AXIS: Final[dict[str, Any]] = {
    "showgrid": True, "gridcolor": "#edf0f3", "zeroline": False, "linecolor": "#b8c1ca", "showline": True,
    "ticks": "outside", "tickcolor": "#b8c1ca", "ticklen": 4, "automargin": True,
    "title": {"standoff": 10, "font": {"size": 13}},
}  # fmt: skip
_TEMPLATE: Final = go.layout.Template(
    layout={
        "font": {"family": _FONT, "size": 13, "color": INK},
        "colorway": [BLUE, ORANGE],
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 64, "r": 20, "t": 30, "b": 50},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "#ffffff",
            "bordercolor": "#b8c1ca",
            "font": {"family": _FONT, "color": INK, "size": 13},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
CONFIG: Final[dict[str, Any]] = {
    "responsive": True,
    "displaylogo": False,
    "typesetMath": False,
    "modeBarButtons": [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
"""How figures behave. The buttons are listed because one of Plotly's own sends the figure to a server."""
MARKER: Final[dict[str, Any]] = {"size": 8, "opacity": 0.85, "line": {"width": 0.5, "color": "#ffffff"}}


def styled(figure: go.Figure, height: int) -> go.Figure:
    """Return the figure in the report's look, so many pixels high."""
    return figure.update_layout(template=_TEMPLATE, height=height)


STYLE: Final = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
html {{ scroll-behavior: smooth; }}
body {{ margin: 0; background: #fff; color: {INK}; font: 16px/1.55 {_FONT}; }}
.page {{ max-width: 980px; margin: 0 auto; padding: 40px 32px 80px; }}
h1 {{ margin: 0 0 4px; font-size: 30px; line-height: 1.2; letter-spacing: -.01em; }}
h2 {{ margin: 48px 0 8px; font-size: 24px; line-height: 1.25; letter-spacing: -.01em; }}
h3 {{ margin: 0 0 6px; font-size: 18px; line-height: 1.3; }}
p {{ margin: 0 0 10px; max-width: 72ch; overflow-wrap: anywhere; }}
a {{ color: {BLUE}; text-underline-offset: 2px; }}
code {{ font-family: {_MONOSPACE}; font-size: .9em; background: {PALE}; padding: 1px 5px; border-radius: 3px; }}
code span {{ display: inline-block; max-width: 100%; }}
.summary {{ color: {MUTED}; }}
nav {{ margin: 24px 0 0; padding: 14px 18px; background: {PALE}; border-radius: 6px; font-size: 15px; }}
nav strong {{ display: block; margin: 8px 0 0; font-weight: 600; }}
nav strong:first-child {{ margin: 0; }}
nav ul {{ margin: 2px 0 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: 2px 22px; }}
nav a {{ text-decoration: none; }}
nav a:hover {{ text-decoration: underline; }}
section {{ margin: 26px 0 0; padding-top: 24px; border-top: 1px solid {RULE}; scroll-margin-top: 8px; }}
figure {{ margin: 8px 0 0; }}
.drawings {{ display: flex; flex-wrap: wrap; gap: 18px 32px; align-items: flex-start; }}
.drawing {{ max-width: 100%; }}
.drawing svg {{ display: block; max-width: 100%; height: auto; }}
figcaption {{ margin: 4px 0 0; contain: inline-size; color: {MUTED}; font-size: 14px; overflow-wrap: anywhere; }}
.note {{ padding: 10px 14px; border-left: 3px solid {ORANGE}; background: {PALE}; }}
.download {{ margin: 6px 0 0; font-size: 14px; }}
.wide {{ overflow-x: auto; margin: 12px 0 16px; }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4; }}
caption {{ text-align: left; font-weight: 600; font-size: 15px; padding: 0 0 4px; }}
th, td {{ padding: 5px 16px 5px 0; text-align: left; vertical-align: top; border-bottom: 1px solid {RULE}; }}
th:last-child, td:last-child {{ padding-right: 0; }}
th {{ font-weight: 600; color: {MUTED}; vertical-align: bottom; border-bottom-color: #b8c1ca; }}
.text {{ min-width: 6em; max-width: 20em; overflow-wrap: break-word; }}
td.word, td.number {{ white-space: nowrap; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.facts {{ width: auto; }}
.facts th {{ min-width: 9em; font-weight: 400; vertical-align: top; border-bottom-color: {RULE}; padding-right: 28px; }}
@media (max-width: 820px) {{
  .page {{ padding: 24px 20px 48px; }}
  table {{ font-size: 13px; }}
  th, td {{ padding-right: 9px; }}
}}
@media screen and (max-width: 700px) {{
  figure {{ overflow-x: auto; }}
  .plotly-graph-div {{ min-width: 600px; }}
  .drawing svg {{ max-width: none; }}
}}
@media print {{
  @page {{ size: A4; margin: 14mm; }}
  body {{ font-size: 10.5pt; }}
  .page {{ max-width: none; padding: 0; }}
  nav, .download, .modebar {{ display: none !important; }}
  a {{ color: inherit; text-decoration: none; }}
  section {{ padding-top: 14px; }}
  h2, h3, p {{ break-after: avoid; }}
  p, tr, figure, .wide {{ break-inside: avoid; }}
  figure {{ zoom: .74; }}
  .drawings {{ display: block; }}
  .drawing {{ display: inline-block; vertical-align: top; margin: 0 28px 12px 0; }}
  thead {{ display: table-header-group; }}
  table {{ font-size: 8.5pt; }}
  th, td {{ padding: 2px 9px 2px 0; }}
  .note, code {{ -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
}}
"""
"""The page's style sheet. A printed figure keeps its width on the screen, at most that of the page: hence the zoom."""
