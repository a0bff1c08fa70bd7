"""One feature with what the graph knows of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from saedb.cypher.connection import Connection
from saedb.ingest.measures import MEASURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A feature at the other end of an edge."""

    id: str
    label: str | None
    measures: Mapping[str, float | None]
    """Every measure of the edge by name; None where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySummary:
    """The community of a feature."""

    id: int
    label: str | None
    size: int
    layers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRecord:
    """One feature of a run; what an import or a stage left out is None or empty."""

    run: str
    id: str
    sae: str
    layer: int
    index: int
    url: str | None
    """Its page on Neuronpedia, where there is one."""
    label: str | None
    top_tokens: list[str]
    promoted_tokens: list[str]
    examples: list[str]
    """Short contexts, the active token in ``[[ ]]``."""
    n_positive: int | None
    n_active: int | None
    density: float | None
    mean: float | None
    max: float | None
    threshold: float | None
    positional: bool | None
    state_in: str | None
    state_out: str | None
    community: CommunitySummary | None
    inputs: tuple[Neighbour, ...]
    """By Pearson correlation, highest first; likewise `outputs`."""
    outputs: tuple[Neighbour, ...]


_LISTS: Final = ("top_tokens", "promoted_tokens", "examples")
_APART: Final = (*_LISTS, "community", "inputs", "outputs")


def feature_record(connection: Connection, run: str, feature: str) -> FeatureRecord:
    """Return the feature of this whole id, which must exist."""
    found = connection.read(
        "MATCH (f:Feature {run: $run, id: $id}) OPTIONAL MATCH (f)-[:IN_COMMUNITY]->(c:Community) "
        "RETURN properties(f) AS feature, properties(c) AS community",
        run=run, id=feature,
    )[0]  # fmt: skip
    properties: dict[str, Any] = found["feature"]
    single: dict[str, Any] = {f.name: properties.get(f.name) for f in fields(FeatureRecord) if f.name not in _APART}
    lists: dict[str, Any] = {name: properties.get(name) or [] for name in _LISTS}
    return FeatureRecord(
        **single,
        **lists,
        community=_community(found["community"]),
        inputs=_neighbours(connection, "<-[e:EVOLVES_TO]-", run, feature),
        outputs=_neighbours(connection, "-[e:EVOLVES_TO]->", run, feature),
    )


def _community(properties: dict[str, Any] | None) -> CommunitySummary | None:
    if properties is None:
        return None
    known: dict[str, Any] = {field.name: properties.get(field.name) for field in fields(CommunitySummary)}
    return CommunitySummary(**known)


def _neighbours(connection: Connection, arrow: str, run: str, feature: str) -> tuple[Neighbour, ...]:
    measures = ", ".join(f".{measure.name}" for measure in MEASURES)
    rows = connection.read(
        f"MATCH (f:Feature {{run: $run, id: $id}}){arrow}(n:Feature) "
        f"RETURN n.id AS id, n.label AS label, e {{{measures}}} AS measures "
        "ORDER BY e.pearson IS NULL, e.pearson DESC, n.depth, n.index",
        run=run, id=feature,
    )  # fmt: skip
    return tuple(Neighbour(**row) for row in rows)
