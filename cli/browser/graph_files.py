"""A view as data: node-link JSON as the paper published its graphs, and its edges as CSV."""

import csv
import io
import json
from typing import Any

from saedb.cypher.explore import FeatureNode, Subgraph
from saedb.cypher.values import plain
from saedb.ingest.measures import MEASURES


def node_link(subgraph: Subgraph) -> dict[str, Any]:
    """Return a view in the form that networkx reads (``edges="links"``).

    ``layer``, ``feature``, ``explanation``, ``community`` and ``similarity`` are the paper's names; every measure
    stands beside its own.
    """
    scope = subgraph.scope
    return {
        "directed": True,
        "multigraph": False,
        "graph": {
            "run": scope.run,
            "measure_name": scope.measure,
            "clamping_threshold": scope.floor,
            "partition": scope.partition,
            "description": f"{scope.start.kind} {scope.start.value}",
            "cypher": subgraph.cypher,
            "features": subgraph.total_nodes,
            "features_at_least": subgraph.at_least,
            "edges": subgraph.total_edges,
        },
        "nodes": [_node(node) for node in subgraph.nodes],
        "links": [
            {"source": e.source, "target": e.target, "similarity": values[scope.measure], **values}
            for e in subgraph.edges
            for values in [plain(e.measures)]
        ],
    }


def _node(node: FeatureNode) -> dict[str, Any]:
    found = {
        "id": node.id,
        "layer": node.layer,
        "feature": node.index,
        "explanation": node.label or "",
        "sae": node.sae,
        "community": node.community,
        "density": node.density,
        "role": node.role,
    }
    return {name: value for name, value in found.items() if value is not None}


def as_json(subgraph: Subgraph) -> str:
    """Return `node_link` as text."""
    return json.dumps(node_link(subgraph), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_csv(subgraph: Subgraph) -> str:
    """Return the edges of a view, the strongest first, with the labels of their ends and every measure."""
    labels = {node.id: node.label for node in subgraph.nodes}
    measures = [measure.name for measure in MEASURES]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["source", "target", "source_label", "target_label", *measures])
    for edge in subgraph.edges:
        values = [edge.measures[name] for name in measures]
        writer.writerow([edge.source, edge.target, labels[edge.source], labels[edge.target], *values])
    return written.getvalue()
