"""One feature as a page for the terminal."""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import click

from saedb.cli.output import width
from saedb.cli.table import clean, cut, table
from saedb.cypher.feature import FeatureRecord, Neighbour
from saedb.cypher.query import Column

_SHOWN: Final = 10
"""Edges in each direction."""
_COLUMNS: Final = (
    Column(name="feature", type="feature"),
    Column(name="label", type="string"),
    *(Column(name=name, type="float") for name in ("pearson", "jaccard", "necessity", "sufficiency", "decoder_cosine")),
    Column(name="support", type="integer", unit="tokens"),
)
_ACTIVE: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_STATES: Final = {
    "passed_through": "passed through",
    "dead": "dead (never active on a counted token)",
    "rare": "rare (active too seldom to compare)",
}


def page(feature: FeatureRecord) -> str:
    """Return the page of a feature, as wide as the terminal."""
    return "\n".join(_lines(feature, width()))


def _lines(feature: FeatureRecord, columns: int) -> Iterator[str]:
    label = clean(feature.label or "no label")
    yield f"{click.style(feature.id, bold=True)}  {cut(label, max(columns - len(feature.id) - 2, 20))}"
    facts = (
        ("run", feature.run),
        ("active", _activity(feature)),
        ("back", _state(feature.state_in)),
        ("forward", _state(feature.state_out)),
        ("top tokens", _tokens(feature.top_tokens)),
        ("promotes", _tokens(feature.promoted_tokens)),
        ("community", _community(feature)),
        ("page", feature.url or ""),
    )
    for name, fact in facts:
        if fact:
            yield f"  {name:<12}{cut(clean(fact), max(columns - 14, 20))}"
    if feature.positional:
        yield "  over half of its activation is on one position in the context"
    if feature.examples:
        yield _heading("Examples")
        yield from (f"  {_example(example, columns - 2)}" for example in feature.examples)
    yield from _edges("Inputs", feature.inputs, feature, columns)
    yield from _edges("Outputs", feature.outputs, feature, columns)


def _activity(feature: FeatureRecord) -> str:
    if feature.n_active is None:
        return ""
    parts = [f"{feature.n_active:,} tokens"]
    if feature.density is not None:
        parts.append(f"{feature.density:.3g} of the counted ones")
    values = {"mean": feature.mean, "max": feature.max}
    parts += [f"{name} {value:.3g}" for name, value in values.items() if value is not None]
    return ", ".join(parts)


def _state(state: str | None) -> str:
    return _STATES.get(state, state) if state else ""


def _tokens(tokens: Sequence[str]) -> str:
    return " ".join(clean(token.strip()) or repr(token) for token in tokens)


def _community(feature: FeatureRecord) -> str:
    found = feature.community
    if found is None:
        return ""
    layers = f"layers {min(found.layers)} to {max(found.layers)}" if found.layers else "no layers"
    return f"{found.id} ({found.size:,} features, {layers})  {clean(found.label or '')}".rstrip()


def _example(example: str, columns: int) -> str:
    """Return an example on one line; the active token is coloured on a terminal, else it keeps its brackets."""
    line = cut(clean(example), max(columns, 20))
    if not sys.stdout.isatty():
        return line
    return _ACTIVE.sub(lambda match: click.style(match[1], fg="yellow", bold=True), line)


def _edges(title: str, neighbours: Sequence[Neighbour], feature: FeatureRecord, columns: int) -> Iterator[str]:
    if not neighbours:
        yield _heading(f"{title}: none")
        return
    more = f", the first {_SHOWN}; all: saedb query neighbours {feature.id}" if len(neighbours) > _SHOWN else ""
    yield _heading(f"{title} ({len(neighbours):,}{more})")
    rows = [{"feature": n.id, "label": n.label, **n.measures} for n in neighbours[:_SHOWN]]
    yield table(rows, _COLUMNS, columns)


def _heading(text: str) -> str:
    return f"\n{click.style(text, bold=True)}"
