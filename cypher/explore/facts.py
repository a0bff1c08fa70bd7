"""What a run has, so that a page asks for no more: found once for each content of a run."""

from dataclasses import dataclass
from functools import lru_cache

from saedb.cypher.connection import Connection, Row

_STAMP = (
    "MATCH (r:Run {id: $run}) OPTIONAL MATCH (p:Partition {run: $run, is_default: true}) "
    "RETURN r.kind AS kind, [r.content, r.loaded, toString(r.communities), toString(r.modularity), p.id] AS stamp, "
    "p.id AS partition"
)
_FACTS = """
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae) WITH s ORDER BY s.depth
WITH collect(DISTINCT s.layer) AS layers
RETURN layers,
       COUNT { (:Feature {run: $run}) } AS features,
       EXISTS { MATCH (f:Feature {run: $run}) WHERE f.label IS NOT NULL OR f.top_tokens IS NOT NULL } AS has_text,
       EXISTS { MATCH (f:Feature {run: $run}) WHERE f.density IS NOT NULL } AS has_density,
       EXISTS { MATCH (f:Feature {run: $run}) WHERE f.state_in IS NOT NULL OR f.state_out IS NOT NULL } AS has_states,
       EXISTS { (:Gate {run: $run}) } AS has_gates
"""
_COMMUNITIES = (
    "MATCH (c:Community {run: $run, partition: $partition}) "
    "RETURN c.number AS number, c.label AS label, c.size AS size ORDER BY c.size DESC, c.number"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run has."""

    run: str
    kind: str
    """``ingest`` or ``import``."""
    stamp: tuple[str | None, ...]
    """Differs where the run's content does."""
    partition: str | None
    """The default one."""
    layers: tuple[int, ...]
    features: int
    has_text: bool
    """Whether any feature has a label or top tokens."""
    has_density: bool
    has_states: bool
    has_gates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityName:
    """A community of the default partition."""

    number: int
    label: str | None
    size: int


def facts(connection: Connection, run: str) -> Facts:
    """Return what a run has; it must exist."""
    row = connection.read(_STAMP, run=run)[0]
    return _facts(connection, run, row["kind"], tuple(row["stamp"]), row["partition"])


@lru_cache(maxsize=64)
def _facts(connection: Connection, run: str, kind: str, stamp: tuple[str | None, ...], partition: str | None) -> Facts:
    row: Row = connection.read(_FACTS, run=run)[0]
    layers = tuple(row.pop("layers"))
    return Facts(run=run, kind=kind, stamp=stamp, partition=partition, layers=layers, **row)


@lru_cache(maxsize=64)
def communities(connection: Connection, known: Facts) -> tuple[CommunityName, ...]:
    """Return the communities of the default partition, the largest first; none where there is no partition."""
    rows = connection.read(_COMMUNITIES, run=known.run, partition=known.partition)
    return tuple(CommunityName(**row) for row in rows)
