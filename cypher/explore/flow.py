"""A run as a whole: what it is, what becomes of the features of each layer, where its communities lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saedb.cypher.connection import Connection, Row
from saedb.cypher.explore.profile import profile
from saedb.cypher.library import find
from saedb.cypher.runs import same_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run is; what an import left out is None."""

    id: str
    kind: str | None
    model: str | None
    dataset: str | None
    tokens: int | None
    created: str | None
    features: int
    edges: int
    communities: int | None
    partition: str | None
    """Name of the partition that views are coloured by."""
    measure: str | None
    """What its edges were weighted by."""
    content: str
    """Hash of its files: the same content gives the same counts."""
    gates: Mapping[str, int]
    """How many hold, by kind."""
    splits: int
    sources: list[str]
    """SAEs that were compared with a later one, along the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One SAE of a run, with the states of its features; None where the graph does not say."""

    sae: str
    layer: int
    hook: str | None
    features: int
    dead: int | None
    rare: int | None
    l0: float | None
    explained_variance: float | None
    passed_in: int | None
    transformed_in: int | None
    appearing: int | None
    passed_on: int | None
    transformed: int | None
    disappearing: int | None
    edges_out: int | None
    following: tuple[str, ...]
    """SAEs that it was compared with, along the model."""
    copied: float | None = None
    rebuilt: float | None = None
    recovered: float | None = None
    recovered_control: float | None = None
    recovered_slope: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One community with its features by layer."""

    number: int
    label: str | None
    size: int
    layers: Mapping[int, int]


_SUMMARY: Final = """
MATCH (r:Run {id: $run})
OPTIONAL MATCH (p:Partition {run: r.id}) WHERE p.is_default
CALL (r) {
  MATCH (g:Gate {run: r.id, verdict: 'gate'}) WHERE g.kind IN ['AND', 'OR', 'AND_NOT']
  WITH g.kind AS kind, count(*) AS n RETURN collect({kind: kind, n: n}) AS gates
}
CALL (r) { MATCH (s:Split {run: r.id}) RETURN count(s) AS splits }
CALL (r) {
  MATCH (r)-[:HAS_SAE]->(s:Sae) WHERE EXISTS { (s)-[:COMPARED_WITH]->(:Sae) }
  WITH s ORDER BY s.depth RETURN collect(s.id) AS sources
}
RETURN r.id AS id, r.kind AS kind, r.model AS model, r.dataset AS dataset, r.tokens AS tokens, r.created AS created,
       coalesce(r.features, 0) AS features, coalesce(r.edges, 0) AS edges, r.communities AS communities,
       p.id AS partition, p.measure AS measure, coalesce(r.content, '') AS content,
       gates, splits, sources
"""

_SAES: Final = """
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
OPTIONAL MATCH (s)-[:COMPARED_WITH]->(t:Sae)
WITH s, t ORDER BY t.depth
RETURN s.id AS sae, s.hook AS hook, s.l0 AS l0, s.explained_variance AS explained_variance, collect(t.id) AS following
"""

_SPANS: Final = """
MATCH (c:Community {run: $run, partition: $partition})
WITH c ORDER BY c.size DESC, c.number LIMIT $count
RETURN c.number AS number, c.label AS label, c.size AS size, c.layers AS layers, c.layer_sizes AS sizes
ORDER BY size DESC, number
"""


def summary(connection: Connection, run: str) -> Summary:
    """Return what a run is, which must exist."""
    (row,) = connection.read(_SUMMARY, run=run)
    row["gates"] = {gate["kind"]: gate["n"] for gate in row["gates"]}
    return Summary(**row)


def layers(
    connection: Connection, run: str, *, passed: float, vanishing: float, dead_and_rare: bool
) -> tuple[Layer, ...]:
    """Return the SAEs of a run along the model, as the query ``layer-profile`` counts them.

    They are counted in the run directory where that is on this machine and has what the graph has: the query reads
    every feature, which takes a second for 300 thousand.
    """
    thresholds = {"passed": passed, "vanishing": vanishing, "dead_and_rare": dead_and_rare}
    known = {row["sae"]: row for row in connection.read(_SAES, run=run)}
    directory = same_directory(connection, run)
    if directory is None:
        cypher, sent = find("layer-profile").bound({"run": run, **thresholds})
        rows = connection.read(cypher, **sent)
    else:
        rows = profile(directory, passed=passed, vanishing=vanishing, dead_and_rare=dead_and_rare)
    return tuple(_layer(row, known[row["sae"]]) for row in rows)


def _layer(counts: Row, sae: Row) -> Layer:
    found: Row = {**counts, **sae}
    found["following"] = tuple(sae["following"])
    return Layer(**found)


def spans(connection: Connection, run: str, partition: str, count: int) -> tuple[Span, ...]:
    """Return so many communities of a partition, the largest first."""
    rows = connection.read(_SPANS, run=run, partition=partition, count=count)
    return tuple(
        Span(
            number=row["number"], label=row["label"], size=row["size"],
            layers=dict(zip(row["layers"], row["sizes"], strict=True)),
        )
        for row in rows
    )  # fmt: skip
