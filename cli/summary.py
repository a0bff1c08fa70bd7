"""What a researcher wants to see of a run on one screen, when it has been computed and loaded."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from saedb.cli.gate_text import formula, split_lines, truth_table
from saedb.cli.motifs import GATE_COLUMNS, gate_counts
from saedb.cli.paper_gates import THRESHOLDS, candidates
from saedb.cli.table import clean, cut, table
from saedb.cypher import library
from saedb.cypher.communities.settings import COHERENT
from saedb.cypher.graph import Graph
from saedb.cypher.query import Column
from saedb.cypher.server.local import Running
from saedb.ingest import hooks
from saedb.ingest.motifs.settings import KINDS
from saedb.ingest.record import SaeRecord
from saedb.ingest.rundir import COMMUNITIES_FILE, RunDirectory

CHAINS: Final = 3
COHERENT_SIZE: Final = 10
"""Fewest features of a community that is named for its coherence."""
SHOWN_GATES: Final = 2
"""Of each kind."""
SHOWN_SPLITS: Final = 2
CHAIN_SAES: Final = 3
"""Fewest SAEs with which a chain is worth the name."""
CHANCE_AT: Final = (0.1, 0.3, 0.5, 0.9)
"""Values of a measure at which the rate of false discoveries is shown."""

_MANY: Final = 1_000_000

_NOT_SHOWN: Final = (
    "layer", "sae", "passed_in", "transformed_in", "copied", "rebuilt", "recovered", "recovered_control",
    "recovered_slope",
)  # fmt: skip
"""Columns of the layer profile: looking ahead tells nearly the same, and the last are not known yet."""
_QUALITY: Final = (
    Column(name="sae", type="string"),
    Column(name="EV", type="float"),
    Column(name="L0", type="float"),
)
_PAPER_COLUMNS: Final = (
    Column(name="by_paper", type="string"),
    Column(name="of_these_kept", type="string"),
)


def summary(graph: Graph, run: RunDirectory, width: int) -> str:
    """Return the summary of a loaded run as lines at most `width` wide."""
    sections = (
        _heading(run),
        [table(_layers(graph, run), _layer_columns(), width)],
        _chance(run, width),
        _communities(graph, run, width),
        _gates(graph, run, width),
        _splits(graph, run, width),
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
    rows = graph.rows(library.find("layer-profile"), {"run": run.record.id, **_states(run.record.config)})
    return [{**row, **_quality(saes[row["sae"]])} for row in rows]


def _states(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the thresholds of a run's own states, as the query takes them; none of a run that has none."""
    if "separate_dead" not in config:
        return {}
    counted = not config["separate_dead"]
    return {"passed": config["passed_through"], "vanishing": config["vanishing"], "dead_and_rare": counted}


def _quality(sae: SaeRecord) -> dict[str, Any]:
    return {"EV": sae.explained_variance, "L0": sae.l0}


def _layer_columns() -> Sequence[Column]:
    counts = [c for c in library.find("layer-profile").columns if c.name not in _NOT_SHOWN]
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
    if not chance:
        return "0"
    return f"{100 * rate:.2g}" if rate < 0.995 else f"{100 * rate:.0f}"


def _communities(graph: Graph, run: RunDirectory, width: int) -> list[str]:
    """Return how many communities there are in the default partition, and the largest and the most coherent of them."""
    asked = {"run": run.record.id}
    found = next((row for row in graph.rows(library.find("partitions"), asked) if row["is_default"]), None)
    if found is None:
        return []
    stays, own = found["stability"], int(found["algorithm"] != "consensus")
    stable = "" if stays is None else f"; features stay in {100 * stays:.0f} % of {found['runs'] - own} other runs"
    lines = [
        f"{found['communities']:,} communities by {found['algorithm']} on {found['measure']}"
        f" >= {found['min_similarity']:g}, modularity {found['modularity']:.3f}{stable}",
        *_listed_communities(graph, {**asked, "limit": CHAINS}, width),
    ]
    if found["coherent"] is not None:
        lines.append(f"{found['coherent']:,} are coherent as the paper asks (mean cosine in a layer >= {COHERENT}):")
        by = {"by": "coherence", "min_size": COHERENT_SIZE, "min_coherence": COHERENT}
        lines += _listed_communities(graph, {**asked, **by, "limit": CHAINS}, width)
    return [cut(line, width) for line in lines]


def _listed_communities(graph: Graph, values: dict[str, Any], width: int) -> Iterator[str]:
    for row in graph.rows(library.find("communities"), values):
        coherence = (
            "" if row["coherence"] is None else f", coherence {row['coherence']:.2f} (chance {row['chance']:.2f})"
        )
        about = f"  {row['size']:>5,} features, layers {row['first_layer']}-{row['last_layer']}{coherence}   "
        yield cut(f"{about}{clean(row['label'] or '')}", width)


def _gates(graph: Graph, run: RunDirectory, width: int) -> list[str]:
    """Return how many gates there are, by chance and by the paper's rule too, and the best of each kind."""
    if run.record.gates is None:
        return []
    rows = [
        {**counts, **_by_paper(graph, run.record.id, kind)}
        for kind, counts in zip(KINDS, gate_counts(run.record.gates), strict=True)
    ]
    lines = [
        "Gates, tested on the tokens, and by the paper's one-sided rule",
        f"(exactly two inputs at {' / '.join(f'{threshold:g}' for threshold in THRESHOLDS)}):",
        table(rows, [*GATE_COLUMNS, *_PAPER_COLUMNS], width),
    ]
    values = {"run": run.record.id, "limit": SHOWN_GATES}
    best = [gate for kind in KINDS for gate in graph.rows(library.find("gates"), {**values, "kind": kind})]
    if best:
        lines.append("The best: F1 on one half of the text (on the other), tokens/with the output:")
    for gate in best:
        counts = ", ".join(truth_table(gate["tokens"], gate["active"]))
        lines += [f"  {formula(gate, width - 2)[0]}", cut(f"      {counts}", width)]
    return lines


def _by_paper(graph: Graph, run: str, kind: str) -> dict[str, str]:
    found = candidates(graph, run, kind)
    counts = (" / ".join(f"{row[name]:,}" for row in found) or "-" for name in ("candidates", "kept"))
    return dict(zip((column.name for column in _PAPER_COLUMNS), counts, strict=True))


def _splits(graph: Graph, run: RunDirectory, width: int) -> list[str]:
    found = run.record.splits
    if found is None:
        return []
    best = graph.rows(library.find("splits"), {"run": run.record.id, "limit": SHOWN_SPLITS})
    lines = [f"{found.count:,} features are split among several of the next layer{'. The best:' if best else ''}"]
    for split in best:
        row = {**split, "parent_label": split["label"], "child_labels": split["labels"]}
        children = zip(split["shares"], split["labels"], strict=True)
        parts = ", ".join(f"{share:.2f} {{{clean(label or 'no label')}}}" for share, label in children)
        lines += [f"  {split_lines(row, width - 2)[0]}", cut(f"      {parts}", width)]
    return lines


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
        lines += [f"  Neo4j Browser  {server.login.as_uri()}   (logs in)"]
        lines += [f"                 {server.browser}"]
        lines += [f"                 user {server.address.username}, password: cat {server.password_file}"]
    lines += [f"  saedb browse --run {run.record.id}   (search, graphs, prompts, in your web browser)"]
    lines += ["  saedb query    (all questions)"]
    lines += [f"  saedb query pass-through-chains --min-pearson 0.9 --run {run.record.id}"]
    lines += [f"  saedb {'query gates --run' if run.record.gates else 'gates'} {run.record.id}"]
    lines += [f"  saedb query splits --run {run.record.id}"] if run.record.splits else []
    lines += (
        [f"  saedb query communities --by coherence --run {run.record.id}"]
        if COMMUNITIES_FILE in run.record.files
        else []
    )
    lines += [f"  saedb feature {chains[0]['features'][0]} --run {run.record.id}"] if chains else []
    lines += [f"  saedb report {run.record.id}   (all of it as one page of figures)"]
    if run.record.kind == "ingest":
        lines += [f"  saedb ablate {run.record.id}   (which edges cause; some minutes)"]
        if all(sae.hook is not None and hooks.is_stream(sae.hook) for sae in run.record.saes):
            lines += [f"  saedb residuals {run.record.id}   (what the next SAE lacks; some minutes)"]
    return "\n".join(lines)
