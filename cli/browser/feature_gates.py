"""The gates and splits of a feature: truth tables, scores and parts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.feature_facts import Shown
from saedb.cli.browser.parts import feature_link
from saedb.cli.wording import short_id
from saedb.cypher.featuremotifs import FeatureGate, FeatureSplit
from saedb.ingest.motifs.settings import GATE, VERDICTS

_FIRST: Final = 6
"""Gates of each sort, or splits, that are shown at once."""
_MOST: Final = 40
"""That are on the page at all."""
_SCORED: Final = "Counts and scores are those of the half of the documents that no gate was chosen on."
_JOINED: Final = {"AND": " AND ", "OR": " OR ", "AND_NOT": " AND NOT "}


def gates(shown: Shown) -> Iterator[Component]:
    """Yield the sections of gates and splits that the feature takes part in."""
    record = shown.record
    for title, found in (("Gates with this output", record.output_of), ("Gates with this input", record.input_of)):
        kept = [gate for gate in found if gate.verdict == GATE]
        if found:
            yield html.H2(f"{title} ({len(kept):,})")
            if kept:
                yield html.P(_SCORED, className="muted")
            yield from _bounded([_gate(shown, gate) for gate in kept[:_MOST]], len(kept))
            yield from _failed(found)
    for title, parts in (("Splits of it", record.parent_of), ("Splits that it is a part of", record.child_of)):
        if parts:
            yield html.H2(f"{title} ({len(parts):,})")
            yield from _bounded([_split(shown, split) for split in parts[:_MOST]], len(parts))


def _bounded(items: Sequence[Component], total: int) -> Iterator[Component]:
    """Yield some items, and more of them on demand, saying how many there are."""
    yield html.Div(list(items[:_FIRST]), className="gates")
    if rest := items[_FIRST:]:
        left = "" if total <= len(items) else f", the best {len(items)} of {total:,}"
        yield html.Details([html.Summary(f"{len(rest):,} more{left}"), html.Div(list(rest), className="gates")])


def _failed(found: Sequence[FeatureGate]) -> Iterator[Component]:
    counts = Counter(gate.verdict for gate in found if gate.verdict != GATE)
    if counts:
        said = "; ".join(
            f"{n:,} {name.replace('_', ' ')} ({VERDICTS.get(name, '')})" for name, n in counts.most_common()
        )
        yield html.P(f"Candidates that are no gates: {said}.", className="muted")


def _gate(shown: Shown, gate: FeatureGate) -> Component:
    inputs = [_feature(shown, found.id, found.label) for found in gate.inputs]
    formula = [part for place, link in enumerate(inputs) for part in ([_JOINED[gate.kind], link] if place else [link])]
    return html.Article(
        [
            html.H3([*formula, " → ", _feature(shown, gate.output.id, gate.output.label)]),
            html.P([_scores(gate), " ", dcc.Link("see as graph", href=_graph(shown, gate))]),
            _truth_table(gate),
        ],
        className="gate",
    )


def _feature(shown: Shown, feature: str, label: str | None) -> Component:
    """Return a feature of a gate: a link, but to the page's own feature."""
    if feature == shown.record.id:
        return html.Strong("this")
    return feature_link(shown.site, feature, label or "", run=shown.run)


def _graph(shown: Shown, gate: FeatureGate) -> str:
    return shown.site.href("/graph", run=shown.run, gate=gate.id)


def _scores(gate: FeatureGate) -> str:
    scores = {"F1": gate.f1, "precision": gate.precision, "recall": gate.recall, "gain": gate.gain}
    known = [f"{name} {value:.2f}" for name, value in scores.items() if value is not None]
    return ", ".join((*known, f"support {gate.support:,}"))


def _truth_table(gate: FeatureGate) -> Component:
    """Return the counts of every combination of inputs, on the half of the documents that it was scored on."""
    names = [short_id(found.id) for found in gate.inputs]
    heads = [*names, "tokens", "of these active", "share"]
    combinations = product((False, True), repeat=len(gate.inputs))
    body = [
        html.Tr([*(_on(is_on) for is_on in inputs), *_counts(tokens, active)])
        for inputs, tokens, active in zip(combinations, gate.tokens, gate.active, strict=True)
    ]
    return html.Table(
        [html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])), html.Tbody(body)], className="truth"
    )


def _on(is_on: bool) -> Component:
    return html.Td("on" if is_on else "off", className="on" if is_on else "off")


def _counts(tokens: int, active: int) -> list[Component]:
    share = active / tokens if tokens else None
    style: dict[str, Any] = {} if share is None else {"background": f"rgba(43, 92, 138, {0.35 * share:.3f})"}
    return [
        html.Td(f"{tokens:,}", className="number"),
        html.Td(f"{active:,}", className="number"),
        html.Td("-" if share is None else f"{share:.3f}", className="number", style=style),
    ]


def _split(shown: Shown, split: FeatureSplit) -> Component:
    parts = [
        html.Tr(
            [
                html.Td(_feature(shown, child.id, child.label)),
                html.Td(f"{child.share:.2f}", className="number"),
                html.Td("-" if child.purity is None else f"{child.purity:.2f}", className="number"),
            ]
        )
        for child in split.children
    ]
    heads = [("part", ""), ("share", "P(part active | parent active)"), ("purity", "P(parent active | part active)")]
    return html.Article(
        [
            html.H3([_feature(shown, split.parent.id, split.parent.label), f" into {len(parts)} parts"]),
            html.P(f"coverage {split.coverage:.2f}, overlap {split.overlap:.2f}, support {split.support:,}"),
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(name, scope="col", title=meaning) for name, meaning in heads])),
                    html.Tbody(parts),
                ],
                className="truth",
            ),
        ],
        className="gate",
    )
