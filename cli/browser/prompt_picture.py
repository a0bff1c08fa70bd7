"""The features of a prompt as a figure: layers as rows, the first at the bottom, with the edges among them."""

import html
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import plotly.graph_objects as go

from saedb.cli.browser.picture import APART, Dot, Picture, cut, laid_out
from saedb.cli.browser.site import Site
from saedb.cli.report.look import INK, MUTED, styled
from saedb.cypher.explore import FeatureEdge, FeatureNode, Subgraph
from saedb.cypher.explore.scope import Scope, Start
from saedb.cypher.promptview import PromptView
from saedb.ingest.prompts.strongest import ActiveFeature

_SMALL, _LARGE = 9.0, 26.0
_ROW: Final = 84
_TYPE: Final = 11.0


def picture(site: Site, view: PromptView, labels: Mapping[int, str | None]) -> Picture:
    """Return where the features of a prompt stand; `labels` are those of the communities, by number."""
    nodes = tuple(
        FeatureNode(
            id=active.id, label=active.facts.label, sae=active.facts.sae, layer=active.facts.layer,
            depth=active.facts.depth, index=active.facts.index, density=None,
            community=view.communities.get(active.id), role=None,
        )
        for active in view.features
    )  # fmt: skip
    ordered = sorted(view.edges, key=lambda edge: -edge[2])
    edges = tuple(FeatureEdge(source=s, target=t, measures={view.measure: value}) for s, t, value in ordered)
    start = Start(kind="prompt", value=view.prompt.id)
    subgraph = Subgraph(
        scope=Scope(run=view.run, start=start, measure=view.measure, floor=view.floor), nodes=nodes, edges=edges,
        total_nodes=len(nodes), at_least=False, total_edges=len(edges), communities=labels, cypher="",
    )  # fmt: skip
    return laid_out(subgraph, site.colour)


def drawn(found: Picture, view: PromptView, addresses: Mapping[str, str]) -> go.Figure:
    """Return the figure; a click on a feature gives its address as ``customdata``."""
    figure = go.Figure()
    lines: dict[tuple[str, int], list[tuple[Dot, Dot]]] = defaultdict(list)
    for line in found.lines:
        lines[line.colour, round(line.width)].append((line.source, line.target))
    for (colour, width), ends in lines.items():
        figure.add_scatter(
            x=[x for a, b in ends for x in (a.x, b.x, None)], y=[y for a, b in ends for y in (a.y, b.y, None)],
            mode="lines", line={"color": colour, "width": width}, opacity=0.6, hoverinfo="skip",
        )  # fmt: skip
    active = {feature.id: feature for feature in view.features}
    figure.add_scatter(
        x=[dot.x for dot in found.dots], y=[dot.y for dot in found.dots], mode="markers+text",
        marker={"color": [dot.colour for dot in found.dots], "size": [_size(active[d.node.id]) for d in found.dots],
                "opacity": 1, "line": {"width": 1.2, "color": "#ffffff"}},
        text=[html.escape(cut(dot.name, APART - 8, _TYPE)) for dot in found.dots],
        textposition="bottom center", textfont={"size": _TYPE, "color": INK},
        hovertext=[_said(dot, active[dot.node.id]) for dot in found.dots], hoverinfo="text",
        customdata=[addresses[dot.node.id] for dot in found.dots],
    )  # fmt: skip
    left = min((dot.x for dot in found.dots), default=0.0)
    for row in found.rows:
        figure.add_annotation(
            x=left - APART, y=row.y, text=row.name, showarrow=False, xanchor="left", font={"color": MUTED}
        )
    figure.update_xaxes(visible=False, range=[left - APART, max([dot.x for dot in found.dots], default=1) + APART])
    figure.update_yaxes(visible=False, range=_range(found))
    figure.update_layout(showlegend=False, margin={"l": 4, "r": 4, "t": 4, "b": 4}, dragmode="pan")
    return styled(figure, 60 + _ROW * max(len(found.rows), 2))


def _range(found: Picture) -> list[float]:
    """Return the ends of the upright axis: places are counted from the top, as pixels are."""
    heights = [row.y for row in found.rows] or [0.0]
    between = (max(heights) - min(heights)) / max(len(heights) - 1, 1) or 1.0
    return [max(heights) + 0.6 * between, min(heights) - 0.4 * between]


def _size(active: ActiveFeature) -> float:
    share = min(active.share if active.share is not None else 0.0, 1.0)
    return _SMALL + (_LARGE - _SMALL) * share**0.5


def _said(dot: Dot, active: ActiveFeature) -> str:
    community = "" if dot.node.community is None else f"<br>community {dot.node.community}"
    share = "" if active.share is None else f", {active.share:.0%} of its largest in the run"
    return f"<b>{dot.node.short}</b> {html.escape(dot.name)}<br>activation {active.activation:.3g}{share}{community}"
