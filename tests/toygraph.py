"""A small run made by hand, and what the graph should hold of it."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from labelled import labels_of

from saedb.cypher.connection import Connection
from saedb.cypher.edgetable import import_edges
from saedb.ingest import rundir, tables
from saedb.ingest.motifs.settings import GATE, KINDS, GateSettings, SplitSettings
from saedb.ingest.prompts.prompt import Prompt
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.record import GatesRecord, SplitsRecord
from saedb.ingest.rundir import RunDirectory

WIDTH = 60
GROUPS = 6
LAYERS = (0, 1, 2, 10)


def edge_rows(seed: int = 0, count: int = 1000) -> pd.DataFrame:
    """Return edges inside groups of features, with two of the measures and gaps in one."""
    random = np.random.default_rng(seed)
    step = random.integers(0, len(LAYERS) - 1, count)
    source = random.integers(0, WIDTH, count)
    target = (source % GROUPS + GROUPS * random.integers(0, WIDTH // GROUPS, count)) % WIDTH
    layers = np.array(LAYERS)
    table = pd.DataFrame(
        {
            "src_layer": layers[step],
            "src_feature": source,
            "dst_layer": layers[step + 1],
            "dst_feature": target,
            "pearson": random.uniform(0.1, 1, count),
            "jaccard": np.where(random.random(count) < 0.3, np.nan, random.uniform(0.1, 1, count)),
        }
    )
    return table.drop_duplicates(["src_layer", "src_feature", "dst_layer", "dst_feature"])


def make_run(folder: Path, name: str, *, seed: int = 0) -> RunDirectory:
    folder.mkdir(exist_ok=True)
    table, labels = folder / f"{name}.parquet", folder / f"{name}-labels.csv"
    edge_rows(seed).to_parquet(table)
    words = [f"{layer},{i},about topic{i % GROUPS}" for layer in LAYERS for i in range(WIDTH)]
    labels.write_text("layer,feature,explanation\n" + "\n".join(words))
    run = import_edges([table], model="toy", set_="res", runs_folder=folder / "runs", name=name, labels=[labels])
    if run.record.gates is None:
        with run.writing():
            find_gates(run, seed)
            find_splits(run, seed)
            find_prompts(run, seed)
    return run


def find_gates(run: RunDirectory, seed: int = 0, each: int = 4) -> GatesRecord:
    """Write gates of each kind, half of them no more than candidates, as if a stage had found them on tokens."""
    random = np.random.default_rng(seed)
    rows = [_gate(random, kind, number) for kind in KINDS for number in range(each)]
    kept = Counter(row["kind"] for row in rows if row["verdict"] == GATE)
    record = GatesRecord(
        settings=asdict(GateSettings()),
        tested=dict.fromkeys(KINDS, 10 * each),
        kept={kind: kept[kind] for kind in KINDS},
        chance={"AND": 0.0, "OR": 0.25, "AND_NOT": 0.5},
    )
    run.write(tables.GATES, rundir.GATES_FILE, [_table(tables.GATES, rows)], gates=record)
    return record


def find_splits(run: RunDirectory, seed: int = 0, count: int = 5) -> SplitsRecord:
    """Write splits, as if a stage had found them on tokens."""
    random = np.random.default_rng(seed)
    rows = [_split(random, number) for number in range(count)]
    record = SplitsRecord(settings=asdict(SplitSettings()), count=count)
    run.write(tables.SPLITS, rundir.SPLITS_FILE, [_table(tables.SPLITS, rows)], splits=record)
    return record


def find_prompts(run: RunDirectory, seed: int = 0, count: int = 3) -> None:
    """Write prompts, as if a model had read them."""
    stored = StoredPrompts(tables.PROMPTS.schema.empty_table())
    for number in range(count):
        stored = stored.added(made_up_prompt(seed, number))
    stored.write(run)


def made_up_prompt(seed: int = 0, number: int = 0) -> Prompt:
    """Return a prompt with features of every layer on its tokens."""
    random = np.random.default_rng((seed, number))
    active = [(id_, int(random.integers(1, 4))) for layer in LAYERS for id_ in _ids(random, layer, 6)]
    features, positions = zip(*active, *[(id_, at % 3 + 1) for id_, at in active[:5]], strict=True)
    return Prompt(
        id=f"prompt-{number}",
        text=f"the text {number}",
        created=f"2026-01-0{number + 1}T00:00:00+00:00",
        tokens=("<s>", "the", " text", f" {number}"),
        counted=(1, 2, 3),
        threshold=None if number % 2 else 0.1,
        features=features,
        positions=positions,
        activations=tuple(random.random(len(features)).tolist()),
    )


def _gate(random: np.random.Generator, kind: str, number: int) -> dict[str, Any]:
    step = int(random.integers(0, len(LAYERS) - 1))
    size = 3 if number == 0 and kind != "AND_NOT" else 2
    inputs = sorted(_ids(random, LAYERS[step], size))
    output = f"toy/{LAYERS[step + 1]}-res/{number}"
    short = "+".join(id_.removeprefix("toy/") for id_ in inputs)
    tokens, chosen = (random.integers(0, 500, 2**size) for _ in range(2))
    is_gate = number % 2 == 0
    return {
        "id": f"{output.removeprefix('toy/')}:{kind}:{short}",
        "kind": kind,
        "output": output,
        "inputs": inputs,
        "verdict": GATE if is_gate else "no_gain",
        "rank": 0 if is_gate else None,
        "precision": random.random() if is_gate else None,
        "recall": random.random(),
        "f1": random.random(),
        "gain": random.random(),
        "f1_chosen": random.random(),
        "gain_chosen": random.random(),
        "score": random.random(),
        "support": int(random.integers(10, 100)),
        "tokens": tokens.tolist(),
        "active": (tokens // 2).tolist(),
        "tokens_chosen": chosen.tolist(),
        "active_chosen": (chosen // 3).tolist(),
    }


def _split(random: np.random.Generator, number: int) -> dict[str, Any]:
    step = int(random.integers(0, len(LAYERS) - 1))
    children = _ids(random, LAYERS[step + 1], 2 + number % 2)
    return {
        "id": f"{LAYERS[step]}-res/{number}:{LAYERS[step + 1]}-res",
        "parent": f"toy/{LAYERS[step]}-res/{number}",
        "children": children,
        "shares": sorted(random.random(len(children)).tolist(), reverse=True),
        "purities": random.random(len(children)).tolist(),
        **{name: random.random() for name in ("coverage", "overlap", "score", "coverage_chosen", "overlap_chosen")},
        "support": int(random.integers(10, 100)),
    }


def _ids(random: np.random.Generator, layer: int, count: int) -> list[str]:
    return [f"toy/{layer}-res/{index}" for index in random.choice(WIDTH, count, replace=False)]


def _table(table: tables.Table, rows: list[dict[str, Any]]) -> pa.Table:
    return tables.rows(table, {column.name: [row[column.name] for row in rows] for column in table.columns})


def graph(connection: Connection, run: str) -> dict[str, Any]:
    """Return everything that the graph holds of a run, without ids of the database."""
    nodes = connection.read(
        "MATCH (n) WHERE n.run = $run RETURN labels(n) AS labels, properties(n) AS properties", run=run
    )
    edges = connection.read(
        "MATCH (a)-[e]->(b) WHERE coalesce(a.run, a.id) = $run "
        "RETURN type(e) AS type, a.id AS source, b.id AS target, properties(e) AS properties",
        run=run,
    )
    own = connection.read("MATCH (r:Run {id: $run}) RETURN r {.*, loaded: null} AS properties", run=run)
    return {
        "nodes": sorted((sorted(row["labels"]), sorted(row["properties"].items())) for row in nodes),
        "edges": sorted(
            (row["type"], str(row["source"]), str(row["target"]), sorted(row["properties"].items())) for row in edges
        ),
        "run": own,
    }


def check_tables(connection: Connection, run: RunDirectory) -> None:
    """Compare every feature and edge of the graph, with all its properties, to the rows of the tables."""
    id_ = run.record.id
    labels = labels_of(run)
    rows = [{**row, **labels.get(row["id"], {})} for row in run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pylist()]
    found = connection.read("MATCH (f:Feature {run: $run}) RETURN properties(f) AS p", run=id_)
    assert _known_rows(row["p"] for row in found) == _known_rows({**row, "run": id_} for row in rows)
    rows = [row for name in run.edge_files for row in run.read(tables.EDGES, name).to_pylist()]
    found = connection.read(
        "MATCH (a)-[e:EVOLVES_TO {run: $run}]->(b) "
        "RETURN {source: a.id, target: b.id, at: a.run + b.run, p: properties(e)} AS e",
        run=id_,
    )
    graph_rows = (
        {"source": r["e"]["source"], "target": r["e"]["target"], "at": r["e"]["at"], **r["e"]["p"]} for r in found
    )
    assert _known_rows(graph_rows) == _known_rows({**row, "run": id_, "at": id_ + id_} for row in rows)


def _known_rows(rows: Any) -> set[tuple[tuple[str, Any], ...]]:
    """Return each row without its community, and without what is no value in a graph."""
    return {
        tuple(sorted((k, str(v)) for k, v in row.items() if v not in (None, "", []) and k != "community"))
        for row in rows
    }
