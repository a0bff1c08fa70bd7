"""The gates and splits of a run directory as rows for people: the best first, features with their labels."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest import tables
from saedb.ingest.labelling.table import Labels
from saedb.ingest.motifs.settings import GATE
from saedb.ingest.rundir import FEATURES_FILE, GATES_FILE, SPLITS_FILE, RunDirectory

Row = dict[str, Any]


def best_gates(run: RunDirectory, kind: str, count: int) -> list[Row]:
    """Return the best gate of each output, those with the highest score first, as `gate_text.gate_lines` takes them."""
    is_best = (pc.field("verdict") == GATE) & (pc.field("rank") == 0) & (pc.field("kind") == kind)
    found = run.read(tables.GATES, GATES_FILE).filter(is_best)
    ordered = found.sort_by([("score", "descending"), ("f1", "descending"), ("id", "ascending")])
    return _labelled(run, ordered.slice(0, count), {"output": "label", "inputs": "input_labels"})


def best_splits(run: RunDirectory, count: int) -> list[Row]:
    """Return the splits with the highest score, as `gate_text.split_lines` takes them."""
    ordered = run.read(tables.SPLITS, SPLITS_FILE).sort_by([("score", "descending"), ("id", "ascending")])
    return _labelled(run, ordered.slice(0, count), {"parent": "parent_label", "children": "child_labels"})


def split_counts(run: RunDirectory) -> list[Row]:
    """Return one row for each SAE with splits, in the order of the model."""
    found = run.read(tables.SPLITS, SPLITS_FILE).select(["parent", "children", "coverage"]).to_pandas()
    sae = found["parent"].str.split("/").str[-2]
    by_sae = {
        name: {"sae": name, "splits": len(rows), "parts": int(rows["children"].str.len().sum()),
               "median_coverage": float(rows["coverage"].median())}
        for name, rows in found.groupby(sae)
    }  # fmt: skip
    return [by_sae[record.id] for record in run.record.saes if record.id in by_sae]


def _labelled(run: RunDirectory, found: pa.Table, names: dict[str, str]) -> list[Row]:
    """Return rows with the labels of the features that some columns name, in columns of their own."""
    features = run.read(tables.FEATURES, FEATURES_FILE)["id"].to_pylist()
    labels = pd.Series(Labels.of(run).shown().label.to_pylist(), index=features, dtype=object)

    def labels_of(ids: str | Sequence[str]) -> Any:
        return labels[ids] if isinstance(ids, str) else [labels[id_] for id_ in ids]

    return [{**row, **{name: labels_of(row[ids]) for ids, name in names.items()}} for row in found.to_pylist()]
