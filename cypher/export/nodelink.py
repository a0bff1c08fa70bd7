"""Node-link JSON as networkx reads it (``edges="links"``) and arXiv 2410.08869 published its graphs, part by part.

    {"directed": true, "multigraph": false, "graph": {"run": ..., "measure_name": ...},
     "nodes": [{"id": ..., "layer": ..., "feature": ..., "explanation": ...}],
     "links": [{"source": ..., "target": ..., "similarity": ..., "pearson": ...}]}

``layer``, ``feature``, ``explanation`` and ``similarity`` are the paper's names; every property and measure stands
beside them under its own.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from saedb.cypher.export.attributes import Attributes, of_edges, of_features


def write(
    stream: BinaryIO,
    about: Mapping[str, Any],
    features: Iterable[pa.Table],
    edges: Iterable[pa.Table],
    measure: str,
) -> None:
    """Write a graph; one feature or edge a line."""
    stream.write(f'{{"directed": true, "multigraph": false, "graph": {_json(about)},\n"nodes": ['.encode())
    first = True
    for part in features:
        lines = [_json({"id": id_, **_in_the_papers_form(values)}) for id_, values in of_features(part)]
        first = _write_lines(stream, lines, is_first=first)
    stream.write(b'\n],\n"links": [')
    first = True
    for part in edges:
        ends = of_edges(part, measure)
        lines = [_json({"source": source, "target": target, **values}) for source, target, values in ends]
        first = _write_lines(stream, lines, is_first=first)
    stream.write(b"\n]}\n")


def _in_the_papers_form(values: Attributes) -> Attributes:
    paper = {"layer": values["layer"], "feature": values["index"], "explanation": values.get("label", "")}
    return {**paper, **values}


def _write_lines(stream: BinaryIO, lines: list[str], *, is_first: bool) -> bool:
    """Return whether nothing has been written yet."""
    if lines:
        stream.write(("\n" if is_first else ",\n").encode())
        stream.write(",\n".join(lines).encode())
    return is_first and not lines


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
