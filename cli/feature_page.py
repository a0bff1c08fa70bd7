"""One feature as a page for the terminal."""

import math
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
from rich.cells import cell_len

from saedb.cli.feature_motifs import chain_lines, gate_section, split_section
from saedb.cli.output import width
from saedb.cli.table import clean, cut, number_format, table
from saedb.cli.wording import (
    copied_in_words,
    effect_in_words,
    recovered_in_words,
    short_id,
    state_in_words,
    words,
)
from saedb.cypher.feature import FeatureRecord, Neighbour
from saedb.cypher.query import Column
from saedb.ingest.measures import EFFECT

_SHOWN: Final = 10
"""Edges in each direction."""
_ORDER: Final = (
    "pearson",
    EFFECT.name,
    "necessity",
    "sufficiency",
    "jaccard",
    "lift",
    "decoder_cosine",
    "activation_cosine",
    "mutual_information",
    "support_docs",
)
"""Measures of the edges: those that no longer fit beside the one that was asked for and the support are left out."""
_SHARES: Final = ("pearson", "necessity", "sufficiency", "jaccard", "decoder_cosine", "activation_cosine")
_LABELS: Final = (12, 12, 12, 16)
"""Characters that a label keeps when the first measure is added to a table, the second, the third, or any other."""
_NAMES: Final = 14
"""Characters before the facts."""
_ACTIVE: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_TRACE: Final = 100
"""Columns from which on a trace has every column."""


def page(feature: FeatureRecord, measure: str) -> str:
    """Return the page of a feature, as wide as the terminal, its edges the highest by a measure."""
    columns = width()
    return "\n".join((*_head(feature, columns), *_body(feature, measure, columns)))


def trace_page(feature: FeatureRecord, steps: Sequence[dict[str, Any]], declared: Sequence[Column]) -> str:
    """Return what becomes of a feature as a page: what it is, and a row for each layer.

    Args:
        feature: the feature.
        steps: rows of the query ``trace``.
        declared: its columns; the last of them is left out of a narrow terminal.
    """
    columns = width()
    shown = declared if columns >= _TRACE else declared[:-1]
    return "\n".join(
        (*_head(feature, columns), _heading("Layer by layer"), table([_step(s) for s in steps], shown, columns))
    )


def _step(step: dict[str, Any]) -> dict[str, Any]:
    others = [short_id(other) for other in step["others"]]
    return {**step, "feature": short_id(step["feature"]), "others": others, "state": words(step["state"])}


def _head(feature: FeatureRecord, columns: int) -> Iterator[str]:
    label = clean(feature.label or "no label")
    yield f"{click.style(feature.id, bold=True)}  {cut(label, max(columns - len(feature.id) - 2, 20))}"
    facts = (
        ("run", feature.run),
        ("label from", feature.label_source or ""),
        ("active", _activity(feature)),
        ("histogram", _histogram(feature)),
        ("position", "over half of its activation is on one position: not in motifs" if feature.positional else ""),
        ("back", state_in_words(feature.state_in, feature.best_in, "from the layer before")),
        ("forward", state_in_words(feature.state_out, feature.best_out, "to the next layer")),
        ("in error", _recovered(feature)),
        ("copied", copied_in_words(feature.copied, feature.copied_ratio)),
        ("top tokens", _tokens(feature.top_tokens)),
        ("promotes", _tokens(feature.promoted_tokens)),
        ("community", _community(feature)),
        ("page", feature.url or ""),
    )
    for name, fact in facts:
        if fact:
            yield f"  {name:<{_NAMES - 2}}{cut(clean(fact), max(columns - _NAMES, 20))}"
    if feature.chain is not None:
        yield from chain_lines(feature.chain, f"  {'chain':<{_NAMES - 2}}", columns)


def _body(feature: FeatureRecord, measure: str, columns: int) -> Iterator[str]:
    if len(feature.labels) > 1:
        yield _heading("Other labels")
        yield from _other_labels(feature, columns)
    if feature.examples:
        yield _heading("Examples")
        yield from (f"  {_example(example, max(columns - 2, 20))}" for example in feature.examples)
    yield from _edges("Inputs", feature.inputs, feature, measure, columns)
    yield from _edges("Outputs", feature.outputs, feature, measure, columns)
    for title, lines in (
        ("Gates with this output", gate_section(feature.output_of, columns)),
        ("Gates with this input", gate_section(feature.input_of, columns)),
        ("Splits of it", split_section(feature.parent_of, columns)),
        ("Splits that it is a part of", split_section(feature.child_of, columns)),
    ):
        if lines:
            yield _heading(title)
            yield from lines


def _other_labels(feature: FeatureRecord, columns: int) -> Iterator[str]:
    """Yield the labels that are not the preferred one, each with where it is from."""
    for text, source in zip(feature.labels[1:], feature.label_sources[1:], strict=True):
        origin = f"  ({clean(source)})"
        yield f"  {cut(clean(text), max(columns - 2 - cell_len(origin), 20))}{origin}"


def _activity(feature: FeatureRecord) -> str:
    if feature.n_active is None:
        return ""
    parts = [f"{feature.n_active:,} tokens"]
    if feature.density is not None:
        parts.append(f"{feature.density:.3g} of the counted ones")
    values = {"mean": feature.mean, "max": feature.max}
    parts += [f"{name} {value:.3g}" for name, value in values.items() if value is not None]
    return ", ".join(parts)


def _histogram(feature: FeatureRecord) -> str:
    """Return the histogram as blocks, the logarithm of a count each; without a token, none."""
    if not any(feature.histogram) or feature.max is None:
        return ""
    most = math.log1p(max(feature.histogram))
    heights = (math.ceil(len(_BLOCKS) * math.log1p(count) / most) for count in feature.histogram)
    blocks = "".join(_BLOCKS[height - 1] if height else " " for height in heights)
    return f"0 {blocks} {feature.max:.3g}  tokens by activation, log scale"


def _recovered(feature: FeatureRecord) -> str:
    return recovered_in_words(
        feature.recovered,
        feature.recovered_control,
        feature.recovered_slope,
        feature.recovered_correlation,
        feature.recovered_tokens,
        vanishes=bool(feature.low_necessity),
    )


def _tokens(tokens: Sequence[str]) -> str:
    return " ".join(clean(token.strip()) or repr(token) for token in tokens)


def _community(feature: FeatureRecord) -> str:
    found = feature.community
    if found is None:
        return ""
    layers = f"layers {min(found.layers)} to {max(found.layers)}" if found.layers else "no layers"
    stays = "" if found.stability is None else f", stays in {found.stability:.0%} of runs"
    return f"{found.number} ({found.size:,} features, {layers}{stays})  {clean(found.label or '')}".rstrip()


def _example(example: str, columns: int) -> str:
    """Return an example on one line, cut around the active token; away from a terminal that keeps its brackets."""
    text = clean(example)
    active = _ACTIVE.search(text)
    over = 0 if active is None else cell_len(text[: active.end()]) - columns * 2 // 3
    if over > 0 and cell_len(text) > columns:
        text = f"…{text[min(over, active.start() if active else 0) + 1 :]}"
    line = cut(text, columns)
    if not sys.stdout.isatty():
        return line
    return _ACTIVE.sub(lambda match: click.style(match[1], fg="yellow", bold=True), line)


def _edges(
    title: str, neighbours: Sequence[Neighbour], feature: FeatureRecord, measure: str, columns: int
) -> Iterator[str]:
    if not neighbours:
        yield _heading(f"{title}: none")
        return
    command = f"saedb query neighbours {short_id(feature.id)} --measure {measure}"
    more = f", the first {_SHOWN}; all: {command}" if len(neighbours) > _SHOWN else ""
    yield _heading(f"{title} ({len(neighbours):,}{more})")
    shown = neighbours[:_SHOWN]
    rows = [{"feature": short_id(n.id), "label": n.label, **_values(n)} for n in shown]
    yield table(rows, _fitting(rows, measure, columns), columns)


def _values(neighbour: Neighbour) -> dict[str, Any]:
    """Return the measures of an edge as the table shows them: shares as text, with their interval where it is known."""
    found: dict[str, Any] = dict(neighbour.measures)
    for name in _SHARES:
        value = found[name]
        low, high = (neighbour.evidence.get(f"{name}_{end}") for end in ("low", "high"))
        if value is not None:
            known = [end for end in (low, high) if end is not None]
            found[name] = f"{value:.2f} ({'-'.join(map(_end, known))})" if len(known) == 2 else f"{value:.3f}"
    return {**found, EFFECT.name: effect_in_words(neighbour.evidence)}


def _end(value: float) -> str:
    """Return an end of an interval without the zero before its point: two of them have to fit into a column."""
    return f"{value:.2f}".replace("0.", ".", 1)


def _fitting(rows: Sequence[dict[str, Any]], measure: str, columns: int) -> list[Column]:
    """Return the columns of a table of edges that fit; a measure that no row has is left out."""
    found = [Column(name="feature", type="feature"), Column(name="label", type="string")]
    if any(row["support"] is not None for row in rows):
        found.append(Column(name="support", type="integer", unit="tokens"))
    ends = len(found)
    for name in dict.fromkeys((measure, *_ORDER)):
        column = Column(name=name, type="float")
        label = _LABELS[min(len(found) - ends, len(_LABELS) - 1)]
        is_known = name == measure or any(row[name] is not None for row in rows)
        if name != "support" and is_known and _widths((*found, column), rows, label) <= columns:
            found.append(column)
    return [*found[:2], *found[ends:], *found[2:ends]]


def _widths(columns: Sequence[Column], rows: Sequence[dict[str, Any]], label: int) -> int:
    """Return how wide a table is at least, its labels cut to so many characters."""
    return sum(min(_wide(column, rows), label if column.type == "string" else 1000) + 2 for column in columns) - 2


def _wide(column: Column, rows: Sequence[dict[str, Any]]) -> int:
    write = number_format([row[column.name] for row in rows if isinstance(row[column.name], float)])
    values = (row[column.name] for row in rows)
    texts = [write(value) if isinstance(value, float) else clean(str(value)) for value in values]
    return max(map(cell_len, (*texts, *column.name.split("_"), f"({column.unit})")))


def _heading(text: str) -> str:
    return f"\n{click.style(text, bold=True)}"
