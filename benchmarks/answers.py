"""How long the library's queries take."""

import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.figures import Figure, Goal, Kind
from saedb.cypher.graph import Graph
from saedb.cypher.library import shipped
from saedb.cypher.query import Query
from saedb.ingest.measures import SELECTING

ANSWER: Final = Kind(
    name="query",
    unit="s",
    meaning="Median seconds until all rows of a query of the library are there, by its defaults and by other values;"
    " the server has the memory that `saedb up` gives it, and the query has run once before. Lists have a second;"
    " queries of the whole graph, and lists by a measure without an index, have five.",
)
LIST: Final = Goal.at_most(1)
WHOLE_GRAPH: Final = Goal.at_most(5)
_RUNS: Final = 5
_COUNTS: Final = ("layer-profile",)
"""Queries that count all features, beside those marked with @whole-graph."""

Values = Mapping[str, Any]

OTHERS: Final[Mapping[str, tuple[Values, ...]]] = {
    "pass-through": ({"min_pearson": 0.9}, {"layer": 2}),
    "pass-through-chains": ({"min_pearson": 0.9, "min_length": 5},),
    "appearing": ({"layer": 2, "max_pearson": 0.2}, {"preset": "paper"}),
    "disappearing": ({"layer": 2, "max_pearson": 0.2}, {"preset": "paper"}),
    "transformed": ({"direction": "in", "layer": 2},),
    "layer-profile": ({"preset": "paper"},),
    "splits": ({"min_children": 3},),
    "paths": ({"target": None, "layer": 3, "score": "minimum"}, {"measure": "necessity"}),
    "trace": ({"measure": "necessity"},),
    "specialisation": ({"max_sufficiency": 0.1, "min_support": 100},),
    "merges": ({"min_inputs": 3, "min_sufficiency": 0.8},),
    "gates": ({"kind": "AND_NOT", "every": True},),
    "and-gates": ({"preset": "paper"}, {"rule": "paper", "threshold": 0.9, "inputs": 3}),
    "or-gates": ({"rule": "paper", "threshold": 0.99, "inputs": 3}, {"rule": "paper", "threshold": 0.9}),
    "one-sided-gates": ({"kind": "OR", "threshold": 0.9},),
    "communities": ({"min_layers": 4, "limit": 20}, {"partition": "fine", "by": "conductance"}),
    "bridges": ({"layer": 2},),
    "neighbours": ({"direction": "in", "measure": "necessity"},),
    "top-edges": (
        {"measure": "necessity"},
        {"measure": "jaccard", "minimum": 0.3, "layer": 2},
        {"measure": "decoder_cosine", "minimum": 0.9},
        {"measure": "lift", "minimum": 10.0, "min_support": 100},
    ),
    "causal": ({"measure": "necessity", "minimum": 0.3, "min_z": 2.0}, {"max_effect": 0.1, "layer": 2}),
    "disagreements": (
        {"min_high": 0.3},
        {"high": "necessity", "low": "sufficiency", "min_high": 0.95, "max_low": 0.1, "min_support": 100},
        {"high": "decoder_cosine", "low": "pearson", "max_low": 0.2},
        {"high": "pearson", "low": "effect", "min_high": 0.3, "max_low": 0.1},
    ),
    "hubs": ({"direction": "out", "limit": 20}, {"measure": "necessity", "minimum": 0.9}),
    "dead": ({"state": "dead", "layer": 2},),
    "recovered": ({"layer": 2, "min_recovered": 0.2}, {"every": True}),
    "rebuilt": ({"layer": 2, "max_copied": 0.9},),
    "prompt": ({"token": 2}, {"top": 20, "measure": "necessity"}),
}
"""What is asked beside the defaults."""


def answers(case: str, graph: Graph) -> Iterator[Figure]:
    """Yield the time of every query of the library, on the newest run."""
    required = arguments(graph)
    for query in shipped().values():
        for values in ({}, *OTHERS.get(query.name, ())):
            rows, seconds = _timed(graph, query, {**required.get(query.name, {}), **values})
            name = " ".join([query.name, *(f"{option}={value}" for option, value in values.items())])
            measured = f"{rows} rows, {_RUNS} runs, {min(seconds):.3f} to {max(seconds):.3f} s"
            yield ANSWER.figure(f"{name}, {case}", statistics.median(seconds), goal(query, values), measured=measured)


def arguments(graph: Graph) -> dict[str, Values]:
    """Return what is asked for where there is no default: the largest hub, a word of its label, the longest chain."""
    hub = graph.rows(shipped()["hubs"], {"limit": 1})[0]
    chain = graph.rows(shipped()["pass-through-chains"], {"limit": 1})[0]
    return {
        "neighbours": {"feature": hub["feature"]},
        "community": {"community": 0},
        "community-evolution": {"community": 0},
        "partition-changes": {"other": "fine"},
        "search": {"text": str(hub["label"]).split()[0]},
        "paths": {"source": chain["features"][0], "target": chain["features"][-1]},
        "trace": {"feature": chain["features"][0]},
        "prompt": {"prompt": "none"},
    }


def goal(query: Query, values: Values) -> Goal:
    """Return in what time a query is to answer."""
    indexed = values.get("measure", values.get("high", "pearson")) in [measure.name for measure in SELECTING]
    by_feature = query.name in ("neighbours", "trace", "paths")  # read edges of single features, whatever the measure
    return WHOLE_GRAPH if query.whole_graph or query.name in _COUNTS or not (indexed or by_feature) else LIST


def _timed(graph: Graph, query: Query, values: Values) -> tuple[int, list[float]]:
    rows = graph.rows(query, values)
    seconds: list[float] = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        graph.rows(query, values)
        seconds.append(time.perf_counter() - start)
    return len(rows), seconds
