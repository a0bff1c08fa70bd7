"""What a researcher wants to see of a run on one screen, when it has been computed and loaded."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from saedb.cli.table import clean, cut, table
from saedb.cypher import library
from saedb.cypher.graph import Graph
from saedb.cypher.query import Column
from saedb.cypher.server.local import Running
from saedb.ingest.record import SaeRecord
from saedb.ingest.rundir import RunDirectory

CHAINS: Final = 3
SHOWN_GATES: Final = 2
CHAIN_SAES: Final = 3
"""Fewest SAEs with which a chain is worth the name."""
GATE_THRESHOLDS: Final = (0.999, 0.95, 0.9)
"""The paper's threshold for gate candidates, and two that leave room for a stray token."""

CHANCE_AT: Final = (0.1, 0.3, 0.5, 0.9)
"""Values of a measure at which the rate of false discoveries is shown."""

_MANY: Final = 1_000_000

_QUALITY: Final = (
    Column(name="sae", type="string"),
    Column(name="EV", type="float"),
    Column(name="L0", type="float"),
)


def summary(graph: Graph, run: RunDirectory, width: int) -> str:
    """Return the summary of a loaded run as lines at most `width` wide."""
    sections = (
        _heading(run),
        [table(_layers(graph, run), _layer_columns(), width)],
        _chance(run, width),
        _communities(graph, run),
        _gates(graph, run, width),
        _chains(graph, run, width),
        [f"Warning: {warning}" for warning in run.record.warnings],
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _heading(run: RunDirectory) -> list[str]:
    record, tokens = run.record, run.record.tokens
    lines = [f"Run {record.id}: {record.model}, {len(record.saes)} SAEs, pairs of layers: {len(record.pairs)}"]
    if tokens is not None:
        left_out = ", ".join(f"{reason} {count:,}" for reason, count in tokens.left_out.items() if count)
        bos = "with" if tokens.prepend_bos else "without"
        lines += [
            f"{tokens.read:,} tokens of {tokens.documents:,} documents, in contexts of {tokens.context_size} {bos} BOS",
            f"{tokens.counted:,} of them counted" + (f" (left out: {left_out})" if left_out else ""),
        ]
    if record.timings:
        stages = ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in record.timings.items() if seconds >= 1)
        lines.append(f"computed in {sum(record.timings.values()):.0f} s" + (f" ({stages})" if stages else ""))
    return lines


def _layers(graph: Graph, run: RunDirectory) -> list[dict[str, Any]]:
    saes = {sae.id: sae for sae in run.record.saes}
    rows = graph.rows(library.find("layer-profile"), {"run": run.record.id})
    return [{**row, **_quality(saes[row["sae"]])} for row in rows]


def _quality(sae: SaeRecord) -> dict[str, Any]:
    return {"EV": sae.explained_variance, "L0": sae.l0}


def _layer_columns() -> Sequence[Column]:
    counts = [c for c in library.find("layer-profile").columns if c.name not in ("layer", "sae")]
    return (*_QUALITY, *counts)


def _chance(run: RunDirectory, width: int) -> list[str]:
    """Return the rate of false discoveries of each measure that selects, at some of its values."""
    null = run.record.null
    if null is None:
        return []
    shown = [null.values.index(value) for value in CHANCE_AT]
    rows = [
        {"measure": name, **{f">= {null.values[i]:g}": _rate(rates[i], null.chance[name][i]) for i in shown}}
        for name, rates in null.rates.items()
    ]
    columns = [Column(name=name, type="string") for name in rows[0]]
    return [
        f"Edges by chance, of {null.tokens:,} tokens, the later layer rotated by whole contexts; for 100 found:",
        table(rows, columns, width),
    ]


def _rate(rate: float | None, chance: int) -> str:
    if rate is None:
        return "-"
    return f"{100 * rate:.2g}" if chance else "0"


def _communities(graph: Graph, run: RunDirectory) -> list[str]:
    found = run.record.communities
    if found is None:
        return []
    largest = graph.rows(library.find("communities"), {"run": run.record.id, "limit": CHAINS})
    return [
        f"{found.count:,} communities by Leiden on {found.measure} >= {found.min_similarity:g}"
        f" (modularity {found.modularity:.3f}). The largest:",
        *(f"  {row['size']:>5,} features, layers {row['first_layer']}-{row['last_layer']}   {clean(row['label'] or '')}"
          for row in largest),
    ]  # fmt: skip


def _gates(graph: Graph, run: RunDirectory, width: int) -> list[str]:
    thresholds = " / ".join(f"{threshold:g}" for threshold in GATE_THRESHOLDS)
    lines = [f"Gate candidates by the paper's one-sided rule, exactly two inputs at {thresholds}:"]
    for kind, query, measure in (("AND", "and-gates", "necessity"), ("OR", "or-gates", "sufficiency")):
        found = [_candidates(graph, run, query, measure, threshold) for threshold in GATE_THRESHOLDS]
        lines.append(f"  {kind + f' ({measure})':<18}{' / '.join(f'{len(rows):,}' for rows in found)}")
        best = next((rows for rows in found if rows), [])
        lines += [cut(f"    {_gate(kind, row)}", width) for row in best[:SHOWN_GATES]]
    return lines


def _candidates(
    graph: Graph, run: RunDirectory, query: str, measure: str, threshold: float
) -> Sequence[Mapping[str, Any]]:
    return graph.rows(library.find(query), {"run": run.record.id, f"min_{measure}": threshold, "limit": _MANY})


def _gate(kind: str, row: Mapping[str, Any]) -> str:
    inputs = f" {kind} ".join(f"{{{clean(label or '?')}}}" for label in row["input_labels"])
    support = ", ".join("?" if n is None else f"{n:,}" for n in row["support"])
    return f"{inputs} -> {{{clean(row['output_label'] or '?')}}}   support {support}"


def _chains(graph: Graph, run: RunDirectory, width: int) -> list[str]:
    rows = graph.rows(library.find("pass-through-chains"), {"run": run.record.id, "limit": CHAINS})
    if not rows and len(run.record.saes) < CHAIN_SAES:
        return []
    if not rows:
        return ["No feature is passed through three layers; try: saedb query pass-through-chains --min-pearson 0.8"]
    return ["The longest chains of passed-through features:", *(line for row in rows for line in _chain(row, width))]


def _chain(row: dict[str, Any], width: int) -> Iterator[str]:
    """Yield two lines; a label that neighbours share is written once, with their number."""
    yield f"  {row['length']} layers, Pearson >= {row['lowest_pearson']:.3f}, from {row['features'][0]}"
    same = [(clean(label or "?"), sum(1 for _ in group)) for label, group in groupby(row["labels"])]
    yield cut("    " + " -> ".join(f"{label} (x{count})" if count > 1 else label for label, count in same), width)


def next_steps(graph: Graph, run: RunDirectory, server: Running | None) -> str:
    """Return where to click, if the server is the local one, and what to type next, with a feature of this run."""
    chains = graph.rows(library.find("pass-through-chains"), {"run": run.record.id, "limit": 1})
    lines = ["Next:"]
    if server is not None:
        lines += [f"  Neo4j Browser  {server.browser}"]
        lines += [f"                 user {server.address.username}, password: cat {server.password_file}"]
    lines += ["  saedb query    (all questions)"]
    lines += [f"  saedb query pass-through-chains --min-pearson 0.9 --run {run.record.id}"]
    lines += [f"  saedb query and-gates --min-necessity 0.95 --run {run.record.id}"]
    lines += [f"  saedb feature {chains[0]['features'][0]} --run {run.record.id}"] if chains else []
    return "\n".join(lines)
