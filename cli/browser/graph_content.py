"""What the graph page shows of a view, as its components take it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.graph_state import GraphView
from saedb.cli.browser.picture import Dot, Picture, laid_out
from saedb.cli.browser.site import Site
from saedb.cli.table import clean
from saedb.cli.wording import words
from saedb.cypher.connection import Connection
from saedb.cypher.explore import Subgraph, read
from saedb.cypher.explore.nothing import why_empty
from saedb.cypher.explore.scope import Scope
from saedb.ingest.measures import BY_NAME, MEASURES
from saedb.ingest.naming import name_of

_KEPT: Final = 8
_LONGEST_TITLE: Final = 160


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A view with its picture."""

    view: GraphView
    picture: Picture
    nothing: str | None
    """Why there is no edge."""

    @property
    def subgraph(self) -> Subgraph:
        """What the picture shows."""
        return self.picture.subgraph

    @property
    def title(self) -> str:
        """What the view shows, in a line."""
        start = self.view.start
        first = next((dot for dot in self.picture.dots if dot.node.role == "start"), None)
        label = f": {first.name}" if start.kind == "feature" and first and first.node.label else ""
        return clean(f"{start.kind.capitalize()} {start.value}{label}")[:_LONGEST_TITLE]

    @property
    def file(self) -> str:
        """What a file of it is called, without its ending."""
        return name_of(f"{self.view.run}-{self.view.start.kind}-{self.view.start.value}") or "graph"


def shown(site: Site, view: GraphView) -> Shown:
    """Return what a view shows.

    Raises:
        SaedbError: the graph does not have what it asks for, or does not answer.
    """
    subgraph, nothing = _read(site.connection, view.scope(), site.connection.last_transaction())
    picture = laid_out(subgraph, site.colour, view.order, dict(view.pinned))
    return Shown(view=view, picture=picture, nothing=nothing)


@lru_cache(maxsize=_KEPT)
def _read(connection: Connection, scope: Scope, transaction: int | None) -> tuple[Subgraph, str | None]:
    """Return a view as it is after a transaction, and why it has no edge: a choice in it reads nothing anew."""
    del transaction
    subgraph = read(connection, scope)
    return subgraph, why_empty(connection, subgraph)


def drawing(found: Shown) -> dict[str, Any]:
    """Return what the page's script draws."""
    picture = found.picture
    place = {dot.node.id: dot.node.short for dot in picture.dots}
    return {
        "nodes": [_node(dot, picture.radius) for dot in picture.dots],
        "edges": [
            {
                "id": f"{place[line.edge.source]} {place[line.edge.target]}",
                "source": place[line.edge.source],
                "target": place[line.edge.target],
                "width": round(line.width * picture.scale**0.5, 2),
                "colour": line.colour,
            }
            for line in picture.lines
        ],
        "rows": [{"name": row.name, "y": row.y} for row in picture.rows],
        "file": found.file,
    }


def _node(dot: Dot, radius: float) -> dict[str, Any]:
    return {
        "id": dot.node.short,
        "name": dot.name,
        "x": dot.x,
        "y": dot.y,
        "size": 2 * radius,
        "colour": dot.colour,
        "kind": " ".join([*(["start"] if dot.node.role else []), *(["pinned"] if dot.is_pinned else [])]),
    }


def edge_rows(found: Shown) -> list[dict[str, Any]]:
    """Return the rows of the table: the edges of the picture, the strongest first."""
    names = {dot.node.id: (dot.node.short, dot.name if dot.node.label else "") for dot in found.picture.dots}
    rows: list[dict[str, Any]] = []
    for edge in found.subgraph.edges:
        (source, source_label), (target, target_label) = names[edge.source], names[edge.target]
        rows.append(
            {
                "id": f"{source} {target}",
                "source": source,
                "source_label": source_label,
                "target": target,
                "target_label": target_label,
                **{name: _rounded(value) for name, value in edge.measures.items() if value is not None},
            }
        )
    return rows


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.4g}")


def columns(found: Shown) -> list[dict[str, Any]]:
    """Return the table's columns: both ends, the measure of the view, then the others that its edges have."""
    first = found.view.measure
    others = [m.name for m in MEASURES if m.name != first]
    known = [name for name in others if any(edge.measures[name] is not None for edge in found.subgraph.edges)]
    return [*_ends("", width=116), _measure(first), *_ends("_label", width=150), *map(_measure, known)]


def _ends(suffix: str, width: int) -> Iterator[dict[str, Any]]:
    for end in ("source", "target"):
        name = f"{end}{suffix}"
        column = {"field": name, "headerName": words(name), "width": width, "tooltipField": name}
        yield column if suffix else {**column, "cellClass": "end"}


def _measure(name: str) -> dict[str, Any]:
    meaning = next(measure.meaning for measure in MEASURES if measure.name == name)
    return {
        "field": name,
        "headerName": words(name),
        "headerTooltip": meaning,
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
        "width": 84 if len(name) < 10 else 120,
    }


def legend(found: Shown) -> list[Component]:
    """Return the communities that the picture shows most of, with their colours."""
    return [
        html.Span([html.I(style={"background": colour}), f"{label} ({size:,})"], title=f"community {number}")
        for number, label, colour, size in found.picture.legend
    ]


def about(site: Site, found: Shown) -> list[Component]:
    """Return what is said of the selected feature."""
    chosen = next((dot for dot in found.picture.dots if dot.node.short == found.view.selected), None)
    if chosen is None:
        gone = found.view.selected and f"{found.view.selected} is not in this view. "
        return [html.P([gone, "Choose a feature in the picture, or in the list above."], className="muted")]
    node, run = chosen.node, found.view.run
    facts: dict[str, Any] = {"feature": dcc.Link(node.short, href=site.href("/feature", run=run, id=node.id))}
    if node.community is not None:
        label = clean(found.subgraph.communities.get(node.community) or "") or f"number {node.community}"
        value = f"{found.subgraph.scope.partition}/{node.community}"
        facts["community"] = dcc.Link(label, href=site.href("/graph", run=run, community=value))
    facts["density"] = None if node.density is None else f"{node.density:.4g}"
    facts["edges shown"] = _degree(found, node.id)
    facts["role"] = node.role
    rows = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts.items() if value is not None]
    return [html.H3(chosen.name, className="wrapped"), html.Dl(rows)]


def _degree(found: Shown, feature: str) -> str:
    edges = found.subgraph.edges
    inputs, outputs = sum(e.target == feature for e in edges), sum(e.source == feature for e in edges)
    return f"{inputs:,} in, {outputs:,} out"


def choices(found: Shown) -> list[Mapping[str, str]]:
    """Return the features of the picture as a list to choose from."""
    return [
        {"label": f"{dot.node.short}  {dot.name if dot.node.label else ''}".strip(), "value": dot.node.short}
        for dot in found.picture.dots
    ]


def floors(found: Shown) -> tuple[float, float, float]:
    """Return the lowest and highest threshold and its step: the measure's range, or as far as the view's edges go."""
    name, floor = found.view.measure, found.view.floor
    strongest = max((edge.measures[name] or 0.0 for edge in found.subgraph.edges), default=0.0)
    high = max(BY_NAME[name].high or 0.0, floor, 0.0) or 1.0
    if BY_NAME[name].high is None:
        high = max(float(f"{1.05 * strongest:.2g}"), 2 * floor, 1.0)
    return min(0.0, floor), high, 0.01 if high <= 1 else float(f"{high / 200:.1g}")


def partitions(site: Site, run: str) -> list[str]:
    """Return the partitions of a run that can give the colours, the default one first."""
    rows = site.connection.read(
        "MATCH (p:Partition {run: $run}) RETURN p.id AS id ORDER BY coalesce(p.is_default, false) DESC, id", run=run
    )
    return [row["id"] for row in rows]
