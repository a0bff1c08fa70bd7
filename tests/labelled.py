"""The labels of a run as the graph should have them, read from its tables row by row."""

from collections import defaultdict
from typing import Any

from saedb.ingest import rundir, tables
from saedb.ingest.rundir import RunDirectory


def labels_of(run: RunDirectory) -> dict[str, dict[str, Any]]:
    """Return the properties that labels give to features, by id."""
    found: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    if rundir.LABELS_FILE in run.record.files:
        for row in run.read(tables.LABELS, rundir.LABELS_FILE).to_pylist():
            method = f"({row['method']})" if row["method"] else None
            source = " ".join(part for part in (row["source"], row["author"], method) if part)
            found[row["feature"]].append((row["rank"], row["text"], source))
    else:
        for row in run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pylist():
            if row["label"]:
                found[row["id"]].append((0, row["label"], "auto"))
    ordered = {feature: sorted(labels) for feature, labels in found.items()}
    return {
        feature: {
            "label": labels[0][1],
            "label_source": labels[0][2],
            "labels": [text for _, text, _ in labels],
            "label_sources": [source for *_, source in labels],
        }
        for feature, labels in ordered.items()
    }
