"""Features and edges made by hand, as they leave the graph, and what is read back of a written graph."""

from collections.abc import Mapping
from typing import Any

import networkx as nx
import pyarrow as pa

from saedb.cypher.export.selection import EDGE_SCHEMA, FEATURE_SCHEMA

ABOUT = {"run": "small", "model": "m", "measure_name": "pearson", "clamping_threshold": 0.1}
HOSTILE = (
    "<b>&amp;\"'</b>",
    "]]><!--",
    "\x00\x01\x1b[31mred",
    "line\nline\r\nline\rend\t|",
    "￾￿",
    "e\u0301 日本 \U0001f600 \u202e\u2028",
    " spaces ",
    '","',
)


def feature(index: int, **values: Any) -> dict[str, Any]:
    """Return a feature of layer 3 of which only what is given is known."""
    known = {"id": f"m/3-s/{index}", "sae": "3-s", "layer": 3, "depth": 0, "index": index}
    return dict.fromkeys(FEATURE_SCHEMA.names) | known | values


def edge(source: int, target: int, **values: Any) -> dict[str, Any]:
    """Return an edge from layer 3 to layer 4 of which only what is given is known."""
    ends = {"source": f"m/3-s/{source}", "target": f"m/4-s/{target}"}
    keys = {"source_layer": 3, "source_index": source, "target_layer": 4, "target_index": target}
    return dict.fromkeys(EDGE_SCHEMA.names) | ends | keys | values


def features(*rows: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=FEATURE_SCHEMA)


def edges(*rows: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=EDGE_SCHEMA)


def contents(graph: "nx.DiGraph[str]") -> dict[str, Any]:
    """Return all that a graph holds, types of values included."""
    return {
        "directed": graph.is_directed(),
        "multigraph": graph.is_multigraph(),
        "graph": {name: value for name, value in graph.graph.items() if name not in ("node_default", "edge_default")},
        "nodes": {node: _typed(values) for node, values in graph.nodes(data=True)},
        "edges": {(u, d): _typed(values) for u, d, values in graph.edges(data=True)},
    }


def _typed(values: Mapping[str, Any]) -> dict[str, tuple[type, Any]]:
    return {name: (type(value), value) for name, value in values.items()}
