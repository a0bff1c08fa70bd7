"""The edges of one feature that reach a floor, the highest first, and how many more there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from saedb.cypher.connection import Connection
from saedb.ingest.measures import ASKED, EVIDENCE

Side = Literal["inputs", "outputs"]

_ARROWS: Final[Mapping[Side, str]] = {"inputs": "<-[e:EVOLVES_TO]-", "outputs": "-[e:EVOLVES_TO]->"}
_KEPT: Final = ", ".join(f".{item.name}" for item in (*ASKED, *EVIDENCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An edge as one of its ends sees it."""

    id: str
    """Of the feature at the other end."""
    label: str | None
    values: Mapping[str, float]
    """Measures and evidence that are known, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The inputs or the outputs of a feature."""

    shown: Sequence[Edge]
    """The highest by the measure that was asked for; those without a value last."""
    passing: int
    """Edges that reach the floor, shown or not."""
    total: int
    lowest: float | None
    """Of the measure, on all edges, whatever the floor."""
    highest: float | None


def edges(
    connection: Connection, run: str, feature: str, side: Side, *, measure: str, floor: float | None, limit: int
) -> Edges:
    """Return the edges of a feature whose measure reaches a floor; all of them for None.

    Raises:
        ValueError: there is no such measure.
    """
    if measure not in {item.name for item in ASKED}:
        raise ValueError(f"no measure {measure!r}")
    start = f"MATCH (f:Feature {{run: $run, id: $id}}){_ARROWS[side]}(n:Feature)"
    passes = f"($floor IS NULL OR e.{measure} >= $floor)"
    known: dict[str, Any] = {"run": run, "id": feature, "floor": floor}
    counted = connection.read(
        f"{start} RETURN count(e) AS total, count(CASE WHEN {passes} THEN 1 END) AS passing, "
        f"min(e.{measure}) AS lowest, max(e.{measure}) AS highest",
        **known,
    )[0]
    rows = connection.read(
        f"{start} WHERE {passes} RETURN n.id AS id, n.label AS label, e {{{_KEPT}}} AS values "
        f"ORDER BY e.{measure} IS NULL, e.{measure} DESC, n.depth, n.index LIMIT $limit",
        **known,
        limit=limit,
    )
    return Edges(shown=[_edge(**row) for row in rows], **counted)


def _edge(id: str, label: str | None, values: Mapping[str, float | None]) -> Edge:
    return Edge(id=id, label=label, values={name: value for name, value in values.items() if value is not None})
