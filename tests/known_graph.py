"""A graph small enough to know the answer to every question: four layers, 27 features, two runs and a half.

`known` has the measures that queries decide by, gates and splits, `bare` is an import with correlations only,
and both have features of the same ids, so a query that mixes runs shows it. A run that is still loading is newer.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.library import library
from saedb.cypher.load import load
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.motifs.settings import KINDS
from saedb.ingest.prompts.prompt import Prompt
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.record import GatesRecord, ResidualsRecord, RunRecord, SaeRecord, SplitsRecord
from saedb.ingest.rundir import RunDirectory

KNOWN, BARE, LOADING = "known-graph", "bare-graph", "loading-graph"
MODEL = "tiny"

# label, active tokens, state_in, state_out
FEATURES: dict[str, tuple[str | None, int, str | None, str | None]] = {
    "0/0": ("courts", 1000, None, "passed_through"),
    "0/1": ("rivers", 900, None, "passed_through"),
    "0/2": ("law in general", 800, None, "transformed"),
    "0/3": ("Monday", 30, None, "disappearing"),
    "0/4": ("Tuesday", 27, None, "disappearing"),
    "0/5": (None, 0, "dead", "dead"),
    "1/0": ("courts", 1000, "passed_through", "passed_through"),
    "1/1": ("rivers", 900, "passed_through", "passed_through"),
    "1/2": ("tax", 700, "appearing", "passed_through"),
    "1/3": ("north", 600, "appearing", "disappearing"),
    "1/4": ("law of trade", 80, "transformed", "disappearing"),
    "1/5": ("sea and/or *:*", 500, "appearing", "disappearing"),
    "1/6": ("weekday", 60, "appearing", "disappearing"),
    "1/7": ("once", 3, "rare", "rare"),
    "1/8": ("first word", 400, "passed_through", "disappearing"),
    "2/0": ("courts", 1000, "passed_through", "passed_through"),
    "2/1": ("rivers", 900, "passed_through", "disappearing"),
    "2/2": ("tax", 700, "passed_through", "passed_through"),
    "2/3": ("tax twin", 700, "passed_through", "disappearing"),
    "2/4": ("northern trade", 40, "appearing", "disappearing"),
    "2/5": ("islands", 450, "appearing", "disappearing"),
    "2/6": ("sea tax", 30, "appearing", "disappearing"),
    "3/0": ("courts", 1000, "passed_through", None),
    "3/1": ("new at the end", 650, "appearing", None),
    "3/2": ("tax", 700, "passed_through", None),
    "3/3": ("northern islands", 20, "appearing", None),
    "3/4": ("seldom", 10, "appearing", None),
}

POSITIONAL = ("1/8",)

# pearson, necessity, sufficiency, decoder cosine, lift, support
EDGES: dict[tuple[str, str], tuple[float, float, float, float | None, float, int]] = {
    # a chain over all layers, with a rival for its second feature
    ("0/0", "1/0"): (0.99, 0.98, 0.98, 0.9, 10.0, 980),
    ("1/0", "2/0"): (0.98, 0.97, 0.97, 0.9, 10.0, 970),
    ("2/0", "3/0"): (0.97, 0.96, 0.96, 0.2, 10.0, 960),
    ("0/1", "1/0"): (0.955, 0.5, 0.55, 0.1, 5.0, 500),
    # a chain that ends before the last layer
    ("0/1", "1/1"): (0.96, 0.95, 0.95, 0.8, 11.0, 855),
    ("1/1", "2/1"): (0.96, 0.95, 0.95, 0.8, 11.0, 855),
    # equal correlations; a correlation that is just enough
    ("1/2", "2/2"): (1.0, 0.99, 0.99, 0.95, 14.0, 700),
    ("1/2", "2/3"): (1.0, 0.99, 0.99, 0.94, 14.0, 700),
    ("2/2", "3/2"): (0.95, 0.94, 0.94, None, 13.0, 650),
    # AND: two inputs are needed, a third nearly
    ("1/3", "2/4"): (0.21, 1.0, 0.07, 0.1, 16.0, 40),
    ("1/4", "2/4"): (0.22, 0.9995, 0.5, 0.1, 120.0, 40),
    ("1/5", "2/4"): (0.15, 0.99, 0.08, 0.1, 19.0, 39),
    # three inputs are needed
    ("2/1", "3/3"): (0.11, 1.0, 0.03, 0.1, 11.0, 20),
    ("2/4", "3/3"): (0.12, 1.0, 0.5, 0.1, 250.0, 20),
    ("2/5", "3/3"): (0.13, 1.0, 0.05, 0.1, 22.0, 20),
    # two inputs are needed, by a feature of few tokens
    ("2/1", "3/4"): (0.11, 1.0, 0.01, 0.1, 11.0, 9),
    ("2/5", "3/4"): (0.13, 1.0, 0.02, 0.1, 22.0, 9),
    # OR: each of two is enough
    ("0/3", "1/6"): (0.25, 0.5, 1.0, 0.3, 150.0, 30),
    ("0/4", "1/6"): (0.24, 0.45, 0.9999, 0.3, 150.0, 27),
    # a general feature and a special one; a weak predecessor
    ("0/2", "1/4"): (0.4, 0.95, 0.095, 0.5, 12.0, 76),
    ("1/5", "2/5"): (0.2, 0.1, 0.09, 0.1, 2.0, 45),
    # a feature that depends on the position, and carries another on better than its successor does
    ("0/1", "1/8"): (0.97, 0.7, 0.31, 0.9, 7.8, 280),
    # two inputs are needed that are no gate by their table; two are enough, of which nobody made a table
    ("1/2", "2/6"): (0.14, 1.0, 0.04, 0.1, 14.0, 30),
    ("1/5", "2/6"): (0.16, 0.9995, 0.06, 0.1, 20.0, 30),
    ("2/2", "3/1"): (0.2, 0.5, 0.9995, 0.3, 15.0, 325),
    ("2/3", "3/1"): (0.22, 0.55, 1.0, 0.3, 15.0, 350),
}

# effect, its error, the control, its error; how many of these errors lie between, tokens
EFFECTS: dict[tuple[str, str], tuple[float | None, float | None, float | None, float | None, int]] = {
    ("0/0", "1/0"): (0.9, 0.01, 0.1, 15.0, 900),
    ("0/1", "1/0"): (0.02, 0.01, 0.03, -0.5, 400),
    ("1/0", "2/0"): (0.5, 0.05, None, None, 800),
    ("0/1", "1/8"): (0.4, 0.05, 0.0, 8.0, 100),
    ("2/2", "3/2"): (None, None, None, None, 0),
}


@dataclass(frozen=True)
class Gate:
    """A tested function of features; the numbers of its table go from no input to all."""

    kind: str
    output: str
    inputs: tuple[str, ...]
    verdict: str
    rank: int | None
    f1: float | None
    gain: float | None
    support: int
    tokens: tuple[int, ...]
    active: tuple[int, ...]

    @property
    def id(self) -> str:
        return f"{whole(self.output)}:{self.kind}:{'+'.join(map(whole, self.inputs))}"


GATES = (
    Gate("AND", "2/4", ("1/3", "1/4"), "gate", 0, 0.95, 0.5, 38, (4000, 10, 280, 20), (0, 1, 1, 18)),
    Gate("AND", "2/4", ("1/3", "1/5"), "gate", 1, 0.7, 0.2, 30, (4000, 200, 280, 20), (0, 3, 2, 14)),
    Gate("AND", "3/3", ("2/1", "2/4", "2/5"), "gate", 0, 0.9, 0.3, 19, (4000, 9, 8, 7, 6, 5, 12, 9), (0,) * 7 + (9,)),
    Gate("OR", "1/6", ("0/3", "0/4"), "gate", 0, 0.97, 0.4, 57, (4900, 14, 15, 0), (1, 13, 15, 0)),
    Gate("AND_NOT", "2/5", ("1/5", "1/3"), "gate", 0, 0.8, 0.1, 400, (4500, 250, 240, 60), (5, 2, 200, 3)),
    Gate("OR", "2/2", ("1/2", "1/8"), "gate", 0, 0.99, 0.2, 690, (4500, 20, 340, 10), (2, 18, 335, 10)),
    # near misses
    Gate("AND", "3/4", ("2/1", "2/5"), "undecided", None, None, None, 9, (4600, 220, 440, 5), (0, 0, 0, 5)),
    Gate("AND", "2/6", ("1/2", "1/5"), "no_gain", None, 0.9, 0.01, 30, (4600, 230, 340, 15), (0, 0, 1, 15)),
    Gate("OR", "2/6", ("1/2", "1/5"), "imprecise", None, 0.1, 0.0, 30, (4600, 230, 340, 15), (0, 0, 1, 15)),
    Gate("AND", "2/4", ("1/4", "1/5"), "imprecise", None, 0.3, 0.1, 20, (4600, 230, 340, 100), (0, 0, 1, 10)),
)

# parent, children, shares, purities, coverage, overlap, score, support
SPLITS = (
    ("1/5", ("2/5", "2/4"), (0.4, 0.3), (0.95, 0.92), 0.68, 0.05, 0.646, 340),
    ("1/8", ("2/0", "2/1"), (0.5, 0.45), (0.99, 0.98), 0.95, 0.0, 0.95, 380),
)


@dataclass(frozen=True)
class Community:
    """A community of a partition; stabilities of its features, where they are known."""

    partition: str
    number: int
    label: str | None
    members: tuple[str, ...]
    stabilities: tuple[float, ...] = ()
    coherence: float | None = None
    parent: str | None = None

    @property
    def layers(self) -> list[int]:
        return sorted({int(member.split("/")[0]) for member in self.members})


COMMUNITIES = (
    Community("main", 0, "courts", ("0/0", "1/0", "2/0", "3/0", "0/1"), (1.0, 1.0, 0.9, 0.8, 0.4), coherence=0.3),
    Community("main", 1, "rivers", ("1/1", "2/1"), (0.5, 0.5)),
    Community("main", 4, "tax", ("1/2", "2/2", "2/3"), (1.0, 1.0, 1.0), coherence=0.8),
    Community("main.1", 0, "courts", ("1/0", "2/0", "3/0"), parent="main/0"),
    Community("main.1", 1, "early courts", ("0/0", "0/1"), parent="main/0"),
    Community("main.1", 2, "tax", ("1/2", "2/2"), parent="main/4"),
    Community("rough", 0, "everything", ("0/0", "1/0", "2/0", "3/0", "0/1", "1/1", "2/1")),
    Community("rough", 1, "tax", ("1/2", "2/2", "2/3")),
)
# feature, position, activation; of a largest one of 5
ACTIVE = {
    "law": (
        ("0/0", 2, 4.0), ("0/0", 3, 4.5), ("0/1", 2, 5.0), ("0/2", 2, 1.5), ("1/0", 2, 4.0), ("1/0", 3, 2.0),
        ("1/2", 2, 6.0), ("1/3", 2, 1.2), ("2/0", 2, 3.0), ("2/2", 2, 2.5), ("3/0", 2, 2.0), ("0/5", 3, 9.0),
    ),
    "rivers": (("0/1", 1, 5.0),),
}  # fmt: skip
# group, tokens, recovered, correlation (half of it is the slope), along a random direction
RECOVERED = {
    "0/2": ("low_necessity", 40, 0.9, 0.8, 0.05), "0/3": ("low_necessity", 5, 0.6, None, -0.1),
    "0/4": ("low_necessity", 30, 0.2, 0.1, 0.0), "0/0": ("passed_through", 900, 0.55, 0.2, 0.01),
    "0/5": ("dead", 0, None, None, None), "1/7": ("rare", 3, 0.7, 0.9, 0.1),
    "1/2": ("low_necessity", 50, 0.5, -0.2, 0.02), "1/8": ("low_necessity", 60, 0.8, 0.7, 0.0),
}  # fmt: skip
# correlation and ratio of means
COPIED = {
    "1/0": (0.9, 0.8), "1/1": (0.3, 0.2), "1/8": (0.1, 0.1), "2/0": (None, 0.0), "2/1": (0.4, 1.5), "2/2": (0.99, 1.0),
    "2/4": (0.2, 0.1), "3/0": (None, None),
}  # fmt: skip
TOKENS_OF = {"law": ("<s>", "the", " courts", " of"), "rivers": ("<s>", "rivers")}
MEASURE, FLOOR = "pearson", 0.1
RESOLUTIONS = ((0.5, 2, 7, 0.3, 0.8), (2.0, 4, 3, 0.4, 0.7))
TOKENS = 10_000


@contextmanager
def loaded(server: LocalServer, folder: Path) -> Generator[Graph]:
    """Yield the runs on a server; they are gone from it afterwards. `folder` is for their run directories."""
    with Connection(server.address()) as connection:
        load(connection, bare_run(folder))
        load(connection, known_run(folder))
        connection.write(
            "CREATE (:Run {id: $run, status: 'loading', created: '2999-12-31T00:00:00+00:00'}) "
            "CREATE (:Feature {run: $run, id: $id, layer: 1, depth: 1, index: 0, label: 'courts'})",
            run=LOADING,
            id=whole("1/0"),
        )
        connection.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
        yield Graph(connection)
        connection.run("MATCH (n) WHERE coalesce(n.run, n.id) IN $runs DETACH DELETE n", runs=[BARE, KNOWN, LOADING])


def _effects() -> pa.Table:
    sources, targets = zip(*EFFECTS, strict=True)
    effect, error, control, z, tokens = zip(*EFFECTS.values(), strict=True)
    count = len(EFFECTS)
    columns = {"source": ids(*sources), "target": ids(*targets), "effect": effect, "effect_se": error}
    columns |= {"effect_control": control, "effect_z": z, "effect_change": effect, "effect_paper": effect}
    columns |= {"effect_tokens": tokens, "effect_documents": [3] * count, "effect_contexts": [5] * count}
    columns |= {"effect_share": [0.5] * count, "effect_controls": [8] * count, "effect_direction": ["sae"] * count}
    return tables.rows(tables.EFFECTS, columns | {"settings": ["known"] * count})


def whole(short: str) -> str:
    """Return the id of a feature given as ``layer/index``."""
    layer, index = short.split("/")
    return f"{MODEL}/{layer}-s/{index}"


def ids(*shorts: str) -> list[str]:
    """Return the ids of features given as ``layer/index``."""
    return [whole(short) for short in shorts]


def rows_of(graph: Graph, name: str, columns: tuple[str, ...], **values: Any) -> list[tuple[Any, ...]]:
    """Return some columns of what a query of the library finds."""
    rows = graph.rows(library()[name], values)
    return [tuple(row[column] for column in columns) for row in rows]


def known_run(folder: Path) -> RunDirectory:
    """Return the run with every measure and communities, the newest of all."""
    run = _created(folder, KNOWN, "ingest", "2999-01-02T00:00:00+00:00")
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [tables.rows(tables.FEATURES, _feature_columns())])
    run.write(tables.EFFECTS, rundir.EFFECTS_FILE, [_effects()])
    measures = ("pearson", "necessity", "sufficiency", "decoder_cosine", "lift", "support")
    _write_edges(run, {edge: dict(zip(measures, values, strict=True)) for edge, values in EDGES.items()})
    _write_motifs(run)
    _write_communities(run)
    _write_residuals(run)
    for name in ACTIVE:
        StoredPrompts.of(run).added(known_prompt(name)).write(run)
    run.update(
        status="complete",
        gates=GatesRecord(
            settings={},
            tested=dict.fromkeys(KINDS, 50),
            chance=dict.fromkeys(KINDS, 0.5),
            kept={kind: sum(gate.kind == kind and gate.verdict == "gate" for gate in GATES) for kind in KINDS},
        ),
        splits=SplitsRecord(settings={}, count=len(SPLITS)),
        residuals=ResidualsRecord(settings={}, tokens=TOKENS, device="cpu", made_from="0" * 64),
    )
    return run


def known_prompt(name: str) -> Prompt:
    """Return a prompt of the run with every measure."""
    features, positions, activations = zip(*ACTIVE[name], strict=True)
    tokens = TOKENS_OF[name]
    return Prompt(
        id=name,
        text="".join(tokens[1:]),
        created=f"2999-02-0{len(tokens)}T00:00:00+00:00",
        tokens=tokens,
        counted=tuple(range(1, len(tokens))),
        features=tuple(map(whole, features)),
        positions=positions,
        activations=activations,
    )


def bare_run(folder: Path) -> RunDirectory:
    """Return an import of the same features and edges: other correlations, no other measure, nothing about features."""
    run = _created(folder, BARE, "import", "2999-01-01T00:00:00+00:00")
    pearson = {edge: values[0] / 2 + 0.5 for edge, values in EDGES.items()}
    bare = {name: column for name, column in _feature_columns().items() if name in _IDENTITY}
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [tables.rows(tables.FEATURES, {**bare, **_best(pearson)})])
    _write_edges(run, {edge: {"pearson": value} for edge, value in pearson.items()})
    run.update(status="complete")
    return run


_IDENTITY = ("id", "sae", "layer", "depth", "index")


def _created(folder: Path, name: str, kind: Any, created: str) -> RunDirectory:
    saes = tuple(
        SaeRecord(id=f"{layer}-s", layer=layer, set="s", depth=layer, d_sae=9, dead=1 / 9 if layer == 0 else 0.0)
        for layer in range(4)
    )
    pairs = (("0-s", "1-s"), ("1-s", "2-s"), ("2-s", "3-s"))
    record = RunRecord(id=name, kind=kind, model=MODEL, created=created, config={"run": name}, saes=saes, pairs=pairs)
    return RunDirectory.create(folder / name, record)


def _feature_columns() -> dict[str, list[Any]]:
    layers = [int(f.split("/")[0]) for f in FEATURES]
    active = [values[1] for values in FEATURES.values()]
    labels = [values[0] for values in FEATURES.values()]
    return {
        "id": [whole(f) for f in FEATURES],
        "sae": [f"{layer}-s" for layer in layers],
        "layer": layers,
        "depth": layers,
        "index": [int(f.split("/")[1]) for f in FEATURES],
        "n_positive": [2 * n for n in active],
        "n_active": active,
        "density": [n / TOKENS for n in active],
        "mean": [n / TOKENS for n in active],
        "max": [5.0 if n else 0.0 for n in active],
        "threshold": [1.0] * len(active),
        "positional": [f in POSITIONAL for f in FEATURES],
        "state_in": [values[2] for values in FEATURES.values()],
        "state_out": [values[3] for values in FEATURES.values()],
        "label": labels,
        "top_tokens": [[f" {word}" for word in label.split()] if label else None for label in labels],
        "examples": [[f"one [[{label}]] two"] if label else None for label in labels],
        **_best({edge: values[0] for edge, values in EDGES.items()}),
    }


def _best(pearson: Mapping[tuple[str, str], float]) -> dict[str, list[float | None]]:
    """Return the best correlations of each feature with its neighbours, as a run knows them."""
    return {
        name: [max((r for ends, r in pearson.items() if ends[end] == f), default=None) for f in FEATURES]
        for name, end in (("best_in", 1), ("best_out", 0))
    }


def _write_motifs(run: RunDirectory) -> None:
    gates = {
        "id": [gate.id for gate in GATES],
        "kind": [gate.kind for gate in GATES],
        "output": [whole(gate.output) for gate in GATES],
        "inputs": [[whole(f) for f in gate.inputs] for gate in GATES],
        **{name: [getattr(gate, name) for gate in GATES] for name in ("verdict", "rank", "gain", "support")},
        **{name: [gate.f1 for gate in GATES] for name in ("precision", "recall", "f1", "f1_chosen")},
        **{name: [gate.gain for gate in GATES] for name in ("gain_chosen", "score")},
        **{name: [gate.tokens for gate in GATES] for name in ("tokens", "tokens_chosen")},
        **{name: [gate.active for gate in GATES] for name in ("active", "active_chosen")},
    }
    run.write(tables.GATES, rundir.GATES_FILE, [tables.rows(tables.GATES, gates)])
    parents, children, shares, purities, coverage, overlap, score, support = zip(*SPLITS, strict=True)
    splits = {
        "id": [f"{parent}>2-s" for parent in parents],
        "parent": [whole(f) for f in parents],
        "children": [[whole(f) for f in part] for part in children],
        "shares": shares,
        "purities": purities,
        **dict.fromkeys(("coverage", "coverage_chosen"), coverage),
        **dict.fromkeys(("overlap", "overlap_chosen"), overlap),
        "score": score,
        "support": support,
    }
    run.write(tables.SPLITS, rundir.SPLITS_FILE, [tables.rows(tables.SPLITS, splits)])


def _write_residuals(run: RunDirectory) -> None:
    layers = {f: int(f[0]) for f in (*RECOVERED, *COPIED)}
    group, tokens, recovered, correlation, control = zip(*RECOVERED.values(), strict=True)
    recovery = {
        "feature": [whole(f) for f in RECOVERED],
        "sae": [f"{layers[f]}-s" for f in RECOVERED],
        "next_sae": [f"{layers[f] + 1}-s" for f in RECOVERED],
        "feature_group": group,
        "tokens": tokens,
        "recovered": recovered,
        "correlation": correlation,
        "slope": [None if value is None else value / 2 for value in correlation],
        "control": control,
    }
    run.write(tables.RECOVERY, rundir.RECOVERY_FILE, [tables.rows(tables.RECOVERY, recovery)])
    copied, ratio = zip(*COPIED.values(), strict=True)
    copies = {
        "feature": [whole(f) for f in COPIED],
        "sae": [f"{layers[f]}-s" for f in COPIED],
        "previous_sae": [f"{layers[f] - 1}-s" for f in COPIED],
        "copied": copied,
        "ratio": ratio,
        "positive": [1] * len(COPIED),
        "tokens": [TOKENS] * len(COPIED),
    }
    run.write(tables.COPIES, rundir.COPIES_FILE, [tables.rows(tables.COPIES, copies)])
    run.write(tables.HEATMAPS, rundir.HEATMAPS_FILE, [tables.HEATMAPS.schema.empty_table()])


def _write_communities(run: RunDirectory) -> None:
    """Write the partitions, and what other resolutions of one give, as if a stage had found them."""
    columns: dict[str, list[Any]] = {column.name: [] for column in tables.COMMUNITIES.columns}
    for community in COMMUNITIES:
        own = [other for other in COMMUNITIES if other.partition == community.partition]
        members = [whole(member) for member in community.members]
        inside, outside = zip(*(_ties(member, community.members) for member in community.members), strict=True)
        stays = community.stabilities
        row = {
            "partition": community.partition,
            "is_default": community.partition == "main",
            "base": "main" if community.partition == "main.1" else None,
            "level": int(community.partition == "main.1"),
            "algorithm": "leiden", "engine": "gds", "measure": MEASURE, "min_similarity": FLOOR,
            "resolution": 1.0, "seed": 42, "fast": False, "runs": 11 if stays else 1,
            "communities": len(own), "features": sum(len(other.members) for other in own),
            "modularity": 0.5, "mean_stability": 0.81 if stays else None, "label_chance": 0.1, "next_number": 5,
            "id": f"{community.partition}/{community.number}",
            "number": community.number,
            "parent": community.parent,
            "size": len(members),
            "layers": community.layers,
            "layer_sizes": [sum(m.startswith(f"{n}/") for m in community.members) for n in community.layers],
            "label": community.label,
            "weight": sum(inside) / 2,
            "conductance": sum(outside) / (sum(inside) + sum(outside)),
            "coherence": community.coherence,
            "coherence_chance": None if community.coherence is None else 0.01,
            "coherence_rank": None if community.coherence is None else 1.0,
            "label_similarity": 0.9,
            "stability": sum(stays) / len(stays) if stays else None,
            "recovery": sum(stays) / len(stays) - 0.1 if stays else None,
            "members": members,
            "inside": list(inside),
            "outside": list(outside),
            "stabilities": list(stays) or [None] * len(members),
        }  # fmt: skip
        for name, value in row.items():
            columns[name].append(value)
    run.write(tables.COMMUNITIES, rundir.COMMUNITIES_FILE, [tables.rows(tables.COMMUNITIES, columns)])
    names = ("resolution", "communities", "largest", "modularity", "nmi")
    swept: dict[str, Any] = dict(zip(names, zip(*RESOLUTIONS, strict=True), strict=True))
    swept |= {"id": [f"main@{r}" for r, *_ in RESOLUTIONS], "partition": ["main"] * len(RESOLUTIONS)}
    run.write(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE, [tables.rows(tables.RESOLUTIONS, swept)])


def _ties(feature: str, members: tuple[str, ...]) -> tuple[float, float]:
    """Return the weight of a feature's edges to some features, and to others."""
    ends = {(u if d == feature else d): EDGES[u, d][0] for u, d in EDGES if feature in (u, d)}
    counted = {other: r for other, r in ends.items() if r >= FLOOR}
    inside = sum(r for other, r in counted.items() if other in members)
    return inside, sum(counted.values()) - inside


def _write_edges(run: RunDirectory, edges: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    for source, target in run.record.pairs:
        of_pair = {e: m for e, m in edges.items() if (f"{e[0][0]}-s", f"{e[1][0]}-s") == (source, target)}
        ends: dict[str, Iterable[Any]] = {
            "source": [whole(u) for u, _ in of_pair],
            "target": [whole(d) for _, d in of_pair],
        }
        names = list(next(iter(of_pair.values())))
        measures = {name: [m[name] for m in of_pair.values()] for name in names}
        rows = tables.rows(tables.EDGES, {**ends, **measures})
        run.write(tables.EDGES, rundir.edges_file(source, target), [rows])
