"""What lies around a feature: its run and SAE, the features before and after it, the same one in other runs."""

from dataclasses import dataclass, field
from typing import Final

from saedb.cypher.connection import Connection, Row

_READ: Final = """
MATCH (r:Run {id: $run}), (f:Feature {run: $run, id: $id})
OPTIONAL MATCH (s:Sae {run: $run, id: f.sae})
CALL (f) { OPTIONAL MATCH (n:Feature {run: f.run, layer: f.layer}) WHERE n.sae = f.sae AND n.index < f.index
           RETURN n.id AS previous ORDER BY n.index DESC LIMIT 1 }
CALL (f) { OPTIONAL MATCH (n:Feature {run: f.run, layer: f.layer}) WHERE n.sae = f.sae AND n.index > f.index
           RETURN n.id AS next ORDER BY n.index LIMIT 1 }
CALL (f) { MATCH (other:Run {status: 'ready'}) WHERE other.id <> f.run
           MATCH (:Feature {run: other.id, id: f.id}) WITH other ORDER BY other.created DESC, other.id
           RETURN collect(other.id) AS other_runs }
RETURN r.kind AS kind, r.path AS path, r.content AS content, s.hook AS hook, previous, next, other_runs,
       EXISTS { (s)<-[:COMPARED_WITH]-() } AS is_compared_back, EXISTS { (s)-[:COMPARED_WITH]->() } AS is_compared_on,
       f.labels AS labels, f.label_sources AS sources
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One of the labels of a feature."""

    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What lies around a feature."""

    kind: str
    """Of its run: ``ingest`` or ``import``."""
    path: str | None
    """The run directory, on the machine that loaded it."""
    content: str | None
    """Hash of what the graph holds of it."""
    hook: str | None
    previous: str | None
    """Id of the feature before it in its SAE."""
    next: str | None
    other_runs: list[str]
    """Ready runs that have a feature of the same id, newest first."""
    is_compared_back: bool
    """Whether edges from a layer before were looked for."""
    is_compared_on: bool
    labels: tuple[Labelled, ...] = field(default=())
    """Every label with its source, the preferred one first; empty where the run does not keep them apart."""


def surroundings(connection: Connection, run: str, feature: str) -> Surroundings:
    """Return what lies around the feature of this whole id, which must exist."""
    row: Row = connection.read(_READ, run=run, id=feature)[0]
    labels, sources = row.pop("labels") or (), row.pop("sources") or ()
    named = tuple(Labelled(text=text, source=source) for text, source in zip(labels, sources, strict=False))
    return Surroundings(labels=named, **row)
