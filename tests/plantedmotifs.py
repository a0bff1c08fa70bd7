"""Gates, splits, effects, residual streams, labels and prompts for a made-up run.

Some gates are of each kind, on features with edges in common; on each token of a prompt, some features of every layer
are active; effects and what was measured of residual streams are at random.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import numpy as np
import pyarrow as pa

from saedb.ingest import rundir, tables
from saedb.ingest.labelling.table import Labels
from saedb.ingest.motifs.settings import KINDS, VERDICTS
from saedb.ingest.record import GatesRecord, ResidualsRecord, SplitsRecord
from saedb.ingest.rundir import RunDirectory

EACH = 40
"""Gates of each pair of SAEs, and splits; features of each SAE that are active on a prompt."""
PROMPTS = 3


def plant(run: RunDirectory, seed: int) -> RunDirectory:
    """Write the tables of both stages, and prompts, into a complete run."""
    random = np.random.default_rng(seed)
    gates, splits = [], []
    for file in run.edge_files:
        edges = run.read(tables.EDGES, file).to_pandas()
        gates += _gates(edges.groupby("target")["source"].apply(list), random)
        splits += _splits(edges.groupby("source")["target"].apply(list), random)
    run.write(tables.GATES, rundir.GATES_FILE, [_rows(tables.GATES, gates)])
    run.write(tables.SPLITS, rundir.SPLITS_FILE, [_rows(tables.SPLITS, splits)])
    run.write(tables.EFFECTS, rundir.EFFECTS_FILE, [_effects(run, random)])
    _write_residuals(run, random)
    run.write(tables.PROMPTS, rundir.PROMPTS_FILE, [_rows(tables.PROMPTS, _prompts(run, random))])
    run.update(
        gates=GatesRecord(settings={}, tested={}, kept={}, chance={}),
        splits=SplitsRecord(settings={}, count=len(splits)),
        residuals=ResidualsRecord(settings={}, tokens=1, device="cpu", made_from="0" * 64),
    )
    _label(run)
    return run


def _label(run: RunDirectory) -> None:
    """Give every feature a label from elsewhere, all of one length: relevance then orders them as in a run alone."""
    ids = run.read(tables.FEATURES, rundir.FEATURES_FILE)["id"].to_pylist()
    columns = {"feature": ids, "rank": [0] * len(ids), "text": [f"named {id_}" for id_ in ids]}
    columns |= {"source": [run.record.id] * len(ids), "imported": [run.record.created] * len(ids)}
    found = tables.rows(tables.LABELS, columns | {"preference": [[]] * len(ids)})
    Labels.of(run).merged(found).write(run)


def _effects(run: RunDirectory, random: np.random.Generator) -> pa.Table:
    """Return effects of one in ten edges, of which some tell nothing."""
    edges = pa.concat_tables([run.read(tables.EDGES, file).select(["source", "target"]) for file in run.edge_files])
    chosen = edges.take(np.sort(random.choice(edges.num_rows, edges.num_rows // 10, replace=False)))
    count = chosen.num_rows
    floats = [c.name for c in tables.EFFECTS.columns if c.type == pa.float64()]
    integers = [c.name for c in tables.EFFECTS.columns if c.type == pa.int64()]
    columns = {name: np.where(random.random(count) < 0.1, np.nan, random.normal(0.3, 0.4, count)) for name in floats}
    columns |= {name: random.integers(1, 100, count) for name in integers}
    columns |= {"source": chosen["source"], "target": chosen["target"]}
    columns |= {"effect_share": np.ones(count), "effect_direction": ["sae"] * count, "settings": ["planted"] * count}
    return tables.rows(tables.EFFECTS, columns)


def _write_residuals(run: RunDirectory, random: np.random.Generator) -> None:
    """Write what was measured of every feature, as if at random; half of the features vanish."""
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pandas().groupby("sae")["id"]
    own, other, ids = (np.concatenate(parts) for parts in zip(*_pairs(run, features, 0), strict=True))
    known = {name: random.normal(0.5, 0.5, len(ids)) for name in ("recovered", "slope", "correlation", "control")}
    group = np.where(random.random(len(ids)) < 0.5, "low_necessity", "other")
    tokens = random.integers(1, 1000, len(ids))
    recovery = {"feature": ids, "sae": own, "next_sae": other, "feature_group": group, "tokens": tokens, **known}
    run.write(tables.RECOVERY, rundir.RECOVERY_FILE, [tables.rows(tables.RECOVERY, recovery)])
    own, other, ids = (np.concatenate(parts) for parts in zip(*_pairs(run, features, 1), strict=True))
    known = {name: random.random(len(ids)) for name in ("copied", "ratio")}
    counts = {name: np.full(len(ids), 1000) for name in ("positive", "tokens")}
    copies = {"feature": ids, "sae": own, "previous_sae": other, **known, **counts}
    run.write(tables.COPIES, rundir.COPIES_FILE, [tables.rows(tables.COPIES, copies)])
    run.write(tables.HEATMAPS, rundir.HEATMAPS_FILE, [tables.HEATMAPS.schema.empty_table()])


def _pairs(run: RunDirectory, features: Any, end: int) -> Iterator[tuple[Any, Any, Any]]:
    """Yield for each pair of SAEs that of one end, the other one, and the features of the first, each as long."""
    for pair in run.record.pairs:
        ids = features.get_group(pair[end]).to_numpy()
        yield np.full(len(ids), pair[end]), np.full(len(ids), pair[1 - end]), ids


def _rows(table: tables.Table, rows: list[dict[str, object]]) -> pa.Table:
    return tables.rows(table, {name: [row[name] for row in rows] for name in rows[0]})


def _gates(inputs: Any, random: np.random.Generator) -> list[dict[str, object]]:
    outputs = inputs[inputs.str.len() > 1].sample(EACH, random_state=random)
    kinds = islice(zip(cycle(KINDS), cycle(VERDICTS), strict=False), EACH)
    return [
        _gate(output, sorted(found[:2]), *kind, random)
        for (output, found), kind in zip(outputs.items(), kinds, strict=True)
    ]


def _gate(output: str, inputs: list[str], kind: str, verdict: str, random: np.random.Generator) -> dict[str, object]:
    f1, gain = random.uniform(0.6, 1), random.uniform(0.05, 0.5)
    tokens = random.integers(10, 1000, 4).tolist()
    return {
        "id": f"{output}:{kind}:{'+'.join(inputs)}",
        "kind": kind,
        "output": output,
        "inputs": inputs,
        "verdict": verdict,
        "rank": 0 if verdict == "gate" else None,
        **dict.fromkeys(("precision", "recall", "f1", "f1_chosen"), f1),
        **dict.fromkeys(("gain", "gain_chosen", "score"), gain),
        "support": tokens[3],
        **{name: tokens for name in ("tokens", "tokens_chosen")},
        **{name: [n // 2 for n in tokens] for name in ("active", "active_chosen")},
    }


def _splits(children: Any, random: np.random.Generator) -> list[dict[str, object]]:
    parents = children[children.str.len() > 2].sample(EACH, random_state=random)
    return [_split(parent, found[:3], random) for parent, found in parents.items()]


def _split(parent: str, children: list[str], random: np.random.Generator) -> dict[str, object]:
    coverage, overlap = random.uniform(0.5, 1), random.uniform(0, 0.2)
    return {
        "id": f"{parent}>",
        "parent": parent,
        "children": children,
        "shares": [coverage / len(children)] * len(children),
        "purities": [0.95] * len(children),
        **dict.fromkeys(("coverage", "coverage_chosen"), coverage),
        **dict.fromkeys(("overlap", "overlap_chosen"), overlap),
        "score": coverage * (1 - overlap),
        "support": int(random.integers(10, 1000)),
    }


def _prompts(run: RunDirectory, random: np.random.Generator) -> list[dict[str, object]]:
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pandas()
    return [_prompt(f"prompt-{number}", features.groupby("depth")["id"], random) for number in range(PROMPTS)]


def _prompt(name: str, features: Any, random: np.random.Generator) -> dict[str, object]:
    active = features.sample(EACH, random_state=random).tolist()
    return {
        "id": name,
        "text": f"text of {name}",
        "created": f"2026-01-{random.integers(10, 30)}T00:00:00+00:00",
        "tokens": ["<s>", "text", " of", f" {name}"],
        "counted": [1, 2, 3],
        "threshold": None,
        "features": active,
        "positions": random.integers(1, 4, len(active)).tolist(),
        "activations": random.uniform(0.1, 3, len(active)).tolist(),
    }
