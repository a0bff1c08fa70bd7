"""What becomes of a feature: its best link forward, and its best link back, as far as they go."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from saedb.cypher.connection import Connection, Row
from saedb.ingest.measures import BY_NAME

Direction = Literal["forward", "back"]
_ARROW: Final = {"forward": "-[e:EVOLVES_TO]->", "back": "<-[e:EVOLVES_TO]-"}
_STATE: Final = {"forward": "state_out", "back": "state_in"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracer:
    """Follows the links of a run."""

    connection: Connection
    run: str
    measure: str
    minimum: float
    """Lowest value of the measure on a link."""
    branches: int
    """Most features told of beside the one that is followed."""

    def trace(self, feature: str) -> Iterator[Row]:
        """Yield one row for each step, in the order of the model; step 0 is the feature itself."""
        back = [{"step": -step, **row} for step, row in enumerate(self._follow(feature, "back"), 1)]
        yield from reversed(back)
        yield {"step": 0, **self._itself(feature)}
        for step, row in enumerate(self._follow(feature, "forward"), 1):
            yield {"step": step, **row}

    def _follow(self, feature: str, direction: Direction) -> Iterator[Row]:
        while found := self._next(feature, direction):
            first, *others = found
            yield {
                **first,
                "others": [row["feature"] for row in others],
                "other_labels": [row["label"] for row in others],
            }
            feature = first["feature"]

    def _next(self, feature: str, direction: Direction) -> list[Row]:
        """Return where the feature leads: links that reach the minimum, best first, then other children of a split."""
        value = f"e.{BY_NAME[self.measure].name}"
        return self.connection.read(
            f"MATCH (f:Feature {{run: $run, id: $id}}){_ARROW[direction]}(n:Feature) "
            f"WITH n, e, coalesce({value} >= $minimum, false) AS reaches, "
            "head([(f)-[:PARENT_OF]->(:Split)-[child:CHILD]->(n) | child.share]) AS share "
            "WHERE reaches OR share IS NOT NULL "
            f"RETURN n.id AS feature, n.label AS label, {value} AS value, e.support AS support, "
            f"n.{_STATE[direction]} AS state "
            f"ORDER BY reaches DESC, CASE WHEN reaches THEN {value} ELSE share END DESC, n.depth, n.index LIMIT $most",
            run=self.run, id=feature, minimum=self.minimum, most=self.branches + 1,
        )  # fmt: skip

    def _itself(self, feature: str) -> Row:
        (row,) = self.connection.read(
            "MATCH (f:Feature {run: $run, id: $id}) RETURN f.id AS feature, f.label AS label, null AS value, "
            "null AS support, f.state_out AS state, [] AS others, [] AS other_labels",
            run=self.run, id=feature,
        )  # fmt: skip
        return row
