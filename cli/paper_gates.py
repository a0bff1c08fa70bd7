"""What the paper's one-sided rule calls a gate, counted beside what the truth table keeps of it."""

from typing import Any, Final

from saedb.cypher import library
from saedb.cypher.graph import Graph
from saedb.ingest.motifs.settings import GATE

THRESHOLDS: Final = (0.999, 0.95, 0.9)
"""The paper's threshold, and two that leave room for a stray token."""
_QUERIES: Final = {"AND": "and-gates", "OR": "or-gates"}
_MANY: Final = 1_000_000


def candidates(graph: Graph, run: str, kind: str) -> list[dict[str, Any]]:
    """Return how many gates of a kind the rule has at each threshold, and how many the table keeps; none of AND NOT."""
    if kind not in _QUERIES:
        return []
    query, values = library.find(_QUERIES[kind]), {"run": run, "rule": "paper", "limit": _MANY}
    found = [(threshold, graph.rows(query, {**values, "threshold": threshold})) for threshold in THRESHOLDS]
    return [
        {"kind": kind, "threshold": threshold, "candidates": len(rows),
         "kept": sum(row["verdict"] == GATE for row in rows)}
        for threshold, rows in found
    ]  # fmt: skip
