"""Files of labels, small and in the forms in which they come."""

import gzip
import json
from pathlib import Path
from typing import Any


def explanation(layer: str, index: int | str, text: str, **other: Any) -> dict[str, Any]:
    """Return a line of a Neuronpedia export."""
    return {
        "modelId": "toy",
        "layer": layer,
        "index": str(index),
        "description": text,
        "explanationModelName": "gpt-4o-mini",
        "typeName": "oai_token-act-pair",
        "authorId": "cl0000",
        "embedding": "[0.1, 0.2]",
        **other,
    }


def export(folder: Path, *rows: Any, name: str = "batch-0.jsonl.gz") -> Path:
    """Write a batch of an export; a text among the rows is a line of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    (folder / name).write_bytes(gzip.compress(lines.encode()))
    return folder / name
