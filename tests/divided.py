"""Communities written by hand, as if a stage had found them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from saedb.ingest import rundir, tables
from saedb.ingest.rundir import RunDirectory


def divided(partition: str, members: Sequence[Sequence[str]], **columns: Any) -> pa.Table:
    """Return the rows of a partition with these features in its communities; `columns` are the same in every row."""
    layers = [sorted({int(id_.split("/")[1].split("-")[0]) for id_ in part}) for part in members]
    filled: dict[str, Any] = {
        "is_default": True, "level": 0, "algorithm": "leiden", "engine": "gds", "measure": "pearson",
        "min_similarity": 0.1, "fast": False, "runs": 1, "communities": len(members),
        "features": sum(map(len, members)), "modularity": 0.5, "next_number": len(members), "weight": 1.0, **columns,
    }  # fmt: skip
    own = {
        "partition": [partition] * len(members),
        "id": [f"{partition}/{number}" for number in range(len(members))],
        "number": range(len(members)),
        "size": [len(part) for part in members],
        "layers": layers,
        "layer_sizes": [
            [sum(f"/{n}-" in id_ for id_ in part) for n in own] for own, part in zip(layers, members, strict=True)
        ],
        "members": members,
        "inside": [[1.0] * len(part) for part in members],
        "outside": [[0.5] * len(part) for part in members],
        "stabilities": [[None] * len(part) for part in members],
    }
    return tables.rows(tables.COMMUNITIES, {**{name: [value] * len(members) for name, value in filled.items()}, **own})


def write(run: RunDirectory, *partitions: pa.Table) -> None:
    """Write the partitions of a run."""
    run.write(tables.COMMUNITIES, rundir.COMMUNITIES_FILE, partitions)
