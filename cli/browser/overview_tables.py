"""The overview's numbers as tables whose numbers are links, and what is said where there are none."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.flow import APPEARING, DISAPPEARING, LAYER, PASSED, TRANSFORMED
from saedb.cli.browser.listing import Cell, grid, table
from saedb.cli.browser.overview_figures import ranged
from saedb.cli.browser.overview_state import TRANSFORMED_IN, Asked, listed
from saedb.cli.browser.site import Site
from saedb.cli.table import clean
from saedb.cli.wording import words
from saedb.cypher.explore.flow import Layer, Span, Summary
from saedb.cypher.explore.spread import Edge
from saedb.cypher.query import Column
from saedb.ingest.measures import BY_NAME, Measure

EDGES: Final = 200
"""Edges of a bar that are listed."""

NO_FLOW: Final = html.P(
    "This run says nothing of what becomes of its features: it has no Pearson correlations.", className="note"
)
NO_COMMUNITIES: Final = html.P("This partition has no communities.", className="note")


def facts(site: Site, run: str | None, known: Summary) -> Iterator[Component]:
    """Yield what a run is, in a line, and what was found in it, in another."""
    parts = [
        known.model,
        f"on {known.dataset}" if known.dataset else None,
        f"{known.tokens:,} tokens" if known.tokens is not None else None,
        f"{known.features:,} features",
        f"{known.edges:,} edges",
        f"made {known.created[:10]}" if known.created else None,
        "imported edges" if known.kind == "import" else None,
    ]
    yield html.P(", ".join(part for part in parts if part), className="wrapped facts")
    found = list(_found(site, run, known))
    if found:
        yield html.P(["Lists: ", *(item for link in found for item in (link, "  "))], className="lists")


def _found(site: Site, run: str | None, known: Summary) -> Iterator[Component]:
    if known.communities is not None:
        yield dcc.Link(f"{known.communities:,} communities", href=site.href("/query", run=run, name="communities"))
    for kind, text in (("AND", "AND gates"), ("OR", "OR gates"), ("AND_NOT", "AND-NOT gates")):
        if known.gates.get(kind):
            href = site.href("/query", run=run, name="gates", kind=kind)
            yield dcc.Link(f"{known.gates[kind]:,} {text}", href=href)
    if known.splits:
        yield dcc.Link(f"{known.splits:,} splits", href=site.href("/query", run=run, name="splits"))
    yield dcc.Link("chains", href=site.href("/query", run=run, name="pass-through-chains"))
    yield dcc.Link("hubs", href=site.href("/query", run=run, name="hubs"))


def flow_note(layers: Sequence[Layer]) -> Component:
    """Return how to read the figure."""
    several = [layer.sae for layer in layers if len(layer.following) > 1]
    text = (
        "A band is as wide at each end as there are features: those of a layer that are carried on, and those of the"
        " next that carry on one. Click on it for its features."
    )
    if several:
        text += f" {', '.join(several)} was compared with several SAEs: what becomes of its features is the best."
    return html.P(text, className="muted")


def states(site: Site, run: str | None, found: Sequence[Layer], asked: Asked) -> Component:
    """Return the numbers of the figure, those that have a list as links to it."""

    def cell(layer: Layer, state: str, count: int | None) -> Cell:
        return linked(count, listed(site, run, state, layer, asked))

    rows = [
        (
            layer.sae, layer.passed_in, cell(layer, TRANSFORMED_IN, layer.transformed_in),
            cell(layer, APPEARING, layer.appearing), cell(layer, PASSED, layer.passed_on),
            cell(layer, TRANSFORMED, layer.transformed), cell(layer, DISAPPEARING, layer.disappearing),
        )
        for layer in found
    ]  # fmt: skip
    heads = ("layer", "passed in", "transformed in", "appearing", "passed on", "transformed", "disappearing")
    return table(heads, rows)


def layers(site: Site, run: str | None, found: Sequence[Layer], asked: Asked) -> Component:
    """Return what each SAE is."""
    rows = [
        (
            layer.sae, layer.hook or "-", linked(layer.features, listed(site, run, LAYER, layer, asked)),
            linked(layer.dead, _silent(site, run, layer, "dead")),
            linked(layer.rare, _silent(site, run, layer, "rare")),
            _decimals(layer.l0, 1), _decimals(layer.explained_variance, 3), layer.edges_out,
        )
        for layer in found
    ]  # fmt: skip
    heads = ("SAE", "hook", "features", "dead", "rare", "L0", "explained variance", "edges to the next")
    return table(heads, rows)


def _silent(site: Site, run: str | None, layer: Layer, state: str) -> str:
    return site.href("/query", run=run, name="dead", state=state, layer=layer.layer, limit=1000)


def _decimals(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)


def written(threshold: float) -> str:
    """Return a threshold as its slider shows it."""
    return f"{threshold:.2f}"


def linked(count: int | None, href: str) -> Cell:
    """Return a number as a link to its list, if there is anything to list."""
    return dcc.Link(f"{count:,}", href=href) if count else count


def within(site: Site, run: str | None, span: Span, layer: int | None = None) -> str:
    """Return the address of the features of a community, or of those in one layer."""
    return site.href("/search", run=run, community=span.number, layer=layer)


def communities_note(known: Summary, spans: Sequence[Span]) -> Component:
    """Return which communities are shown, of how many."""
    text = f"The largest {len(spans):,} of {known.communities or len(spans):,} (partition {known.partition})."
    return html.P(f"{text} Click on a cell for its features.", className="muted")


def communities(site: Site, run: str | None, spans: Sequence[Span]) -> Component:
    """Return the features of each community by layer, each number a link to them."""
    numbers = sorted({layer for span in spans for layer in span.layers})
    rows = [
        (
            dcc.Link(f"{span.number}", href=site.href("/query", run=run, name="community", community=span.number)),
            clean(span.label or "no label"),
            linked(span.size, within(site, run, span)),
            *(linked(span.layers.get(layer, 0), within(site, run, span, layer)) for layer in numbers),
        )
        for span in spans
    ]
    return table(("community", "label", "size", *map(str, numbers)), rows)


def no_values(of: Measure, sae: str) -> Component:
    """Return what is said where no edge has a value."""
    text = f"No edge{f' from {sae}' if sae else ''} has a value of {of.name.replace('_', ' ')}; choose another measure."
    return html.P(text, className="note")


def spread_note(counts: Mapping[int, int]) -> Component:
    """Return how many edges are shown."""
    return html.P(f"{sum(counts.values()):,} edges. Click on a bar for the edges in it.", className="muted")


def spread(site: Site, query: Mapping[str, str], counts: Mapping[int, int], of: Measure) -> Component:
    """Return the bars as rows, each number a link that lists its edges."""
    kept = {name: value for name, value in query.items() if name != "bar"}
    rows = [
        (ranged(of, number), linked(counts[number], site.href("/", **{**kept, "measure": of.name, "bar": number})))
        for number in sorted(counts)
    ]
    return table((words(of.name), "edges"), rows)


def edges(site: Site, run: str, of: Measure, bar: int, found: Sequence[Edge], count: int) -> Component:
    """Return the edges of a bar as a grid; if not all, how many there are."""
    named = dict.fromkeys((of.name, "pearson", "support"))
    columns = [
        Column(name="source", type="feature"), Column(name="target", type="feature"),
        *(Column(name=name, type="integer" if BY_NAME[name].integer else "float") for name in named),
        Column(name="source_label", type="string"), Column(name="target_label", type="string"),
    ]  # fmt: skip
    rows = [
        {
            "source": edge.source, "source_label": edge.source_label, "target": edge.target,
            "target_label": edge.target_label, "pearson": edge.pearson, "support": edge.support, of.name: edge.value,
        }
        for edge in found
    ]  # fmt: skip
    said = f"{len(found):,} of {count:,} edges" if count > len(found) else f"{count:,} edges"
    heading = f"{said} with {of.name.replace('_', ' ')} {ranged(of, bar)}"
    return html.Section([html.H3(heading), grid("overview-edges-grid", columns, rows, site, run)])
