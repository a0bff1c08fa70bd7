"""The motifs of one feature for its page: the chain it is in, its gates and splits."""

from collections import Counter
from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from saedb.cli.gate_text import gate_lines, split_lines
from saedb.cli.wording import short_id
from saedb.cypher.featuremotifs import Chain, FeatureGate, FeatureSplit
from saedb.ingest.motifs.settings import GATE

_SHOWN: Final = 3
"""Gates of each sort that are shown; likewise splits."""
_INDENT: Final = "  "


def chain_lines(chain: Chain, name: str, columns: int) -> list[str]:
    """Return a chain behind a name: one line, or more where the ids do not fit."""
    text = f"{' > '.join(_along(chain))}, weakest link {chain.weakest:.3f}"
    indent = " " * len(name)
    return wrap(text, max(columns, 40), initial_indent=name, subsequent_indent=indent, break_on_hyphens=False)


def _along(chain: Chain) -> list[str]:
    """Return the features of a chain as layer and index where all are of one set, else with their SAEs."""
    ids = [short_id(feature.id) for feature in chain.features]
    saes = [id_.partition("/")[0].partition("-") for id_ in ids]
    if len({set_ for _, _, set_ in saes}) > 1:
        return ids
    return [f"{layer}/{id_.partition('/')[2]}" for (layer, _, _), id_ in zip(saes, ids, strict=True)]


def gate_section(gates: Sequence[FeatureGate], columns: int) -> list[str]:
    """Return the best gates that hold, and what became of the other candidates; nothing where there is neither."""
    kept = [gate for gate in gates if gate.verdict == GATE]
    lines = [_INDENT + line for gate in kept[:_SHOWN] for line in _gate(gate, columns - len(_INDENT))]
    failed = Counter(gate.verdict.replace("_", " ") for gate in gates if gate.verdict != GATE)
    counts = ", ".join(f"{count:,} {verdict}" for verdict, count in failed.most_common())
    more = f"{_INDENT}{len(kept) - _SHOWN:,} more with --output json" if len(kept) > _SHOWN else ""
    others = f"{_INDENT}no gates, though the paper's rule may say so: {counts}" if failed else ""
    return [*lines, *(line for line in (more, others) if line)]


def _gate(gate: FeatureGate, columns: int) -> list[str]:
    row = {
        "kind": gate.kind,
        "inputs": [found.id for found in gate.inputs],
        "input_labels": [found.label for found in gate.inputs],
        "output": gate.output.id,
        "label": gate.output.label,
        "f1": gate.f1,
        "f1_chosen": gate.f1_chosen,
        "gain": gate.gain,
        "tokens": gate.tokens,
        "active": gate.active,
    }
    return gate_lines(row, columns)


def split_section(splits: Sequence[FeatureSplit], columns: int) -> list[str]:
    """Return the best splits, each with its parent and children."""
    return [_INDENT + line for split in splits[:_SHOWN] for line in _split(split, columns - len(_INDENT))]


def _split(split: FeatureSplit, columns: int) -> list[str]:
    parent = short_id(split.parent.id)
    row = {
        "parent": parent,
        "parent_label": split.parent.label,
        "children": [child.id for child in split.children],
        "child_labels": [child.label for child in split.children],
        "shares": [child.share for child in split.children],
        "coverage": split.coverage,
        "coverage_chosen": split.coverage_chosen,
        "overlap": split.overlap,
    }
    first, *rest = split_lines(row, columns - len(parent) - 1)
    return [f"{parent} {first}", *rest]
