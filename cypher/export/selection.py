"""The features and edges of a run that leave the graph, part by part and always in the same order."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from saedb.cypher import measured, schema
from saedb.cypher.connection import Connection
from saedb.ingest.errors import GraphError, InputError
from saedb.ingest.layers import layer_numbers

_PART: Final = 2048
"""Features whose edges are read at once."""

FEATURE_PROPERTIES: Final = tuple(p for p in schema.FEATURE.properties if p.name != "run")
EDGE_PROPERTIES: Final = tuple(p for p in schema.EVOLVES_TO.properties if p.name != "run")
ENDS: Final = ("source", "target")
KEYS: Final = ("source_layer", "source_index", "target_layer", "target_index")
"""Columns by which ``saedb import-edges`` knows the ends of an edge."""

_RUN: Final = """
MATCH (r:Run {id: $run, status: 'ready'})
RETURN r.model AS model, r.content AS content, r.loaded AS loaded
"""
_SAES: Final = """
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
RETURN s.id AS id, s.layer AS layer ORDER BY s.depth, id
"""
_OF_SAE: Final = "MATCH (f:Feature {run: $run, layer: $layer}) WHERE f.sae = $sae"
_OF_IDS: Final = (
    "UNWIND $ids AS id MATCH (f:Feature {run: $run, id: id}) USING INDEX SEEK f:Feature(run, id) WHERE f.sae = $sae"
)
_SIZE: Final = "RETURN count(*) AS features, sum(count { (f)-[:EVOLVES_TO]->() }) AS edges"
_FEATURES: Final = f"RETURN {', '.join(f'f.`{p.name}` AS `{p.name}`' for p in FEATURE_PROPERTIES)} ORDER BY f.index"
_EDGES: Final = f"""
UNWIND range(0, size($ids) - 1) AS i
MATCH (u:Feature {{run: $run, id: $ids[i]}}) USING INDEX SEEK u:Feature(run, id)
MATCH (u)-[e:EVOLVES_TO]->(d:Feature)
WHERE d.sae IN $saes AND ($floor IS NULL OR e.$measure >= $floor)
WITH i, u, e, d ORDER BY i, d.depth, d.sae, d.index
RETURN collect(u.id) AS source, collect(d.id) AS target,
       collect(u.layer) AS source_layer, collect(u.index) AS source_index,
       collect(d.layer) AS target_layer, collect(d.index) AS target_index,
       {", ".join(f"collect(coalesce(e.{p.name}, $missing)) AS {p.name}" for p in EDGE_PROPERTIES)}
"""

FEATURE_SCHEMA: Final = pa.schema([(p.name, schema.ARROW[p.type]) for p in FEATURE_PROPERTIES])
EDGE_SCHEMA: Final = pa.schema(
    [(name, pa.string()) for name in ENDS]
    + [(name, pa.int64()) for name in KEYS]
    + [(p.name, schema.ARROW[p.type]) for p in EDGE_PROPERTIES]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sae:
    """An SAE whose features are taken."""

    id: str
    layer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is at most: a minimum and the other end may leave out edges."""

    features: int
    edges: int


class Selection:
    """What is taken of a run.

    Args:
        connection: the server.
        run: id of a ready run.
        measure: whose value is the similarity of an edge; by default the first that the run has.
        min_similarity: lowest value of it; edges without one are then left out.
        layers: the layers to take, like ``4-8``; by default all.
        features: ids of the features to take; by default all. Those that the run does not have are left out.

    Raises:
        InputError: there is no such measure or layer, or the run does not have it.
    """

    def __init__(
        self,
        connection: Connection,
        run: str,
        *,
        measure: str | None = None,
        min_similarity: float | None = None,
        layers: str | None = None,
        features: Collection[str] | None = None,
    ) -> None:
        if min_similarity is not None and not math.isfinite(min_similarity):
            raise InputError(f"the lowest similarity is {min_similarity}; it must be a number")
        self.connection = connection
        self.run = run
        self._state = self._found()
        self.model: str = self._state["model"]
        self.measure = (
            measured.default(connection, run) if measure is None else measured.checked(connection, run, measure)
        )
        self.min_similarity = min_similarity
        self.saes = self._saes(layers)
        self._ids = None if features is None else sorted(set(features))

    def size(self) -> Size:
        """Return how many features there are, and how many edges leave them."""
        counts = [self._read(sae, _SIZE)[0] for sae in self.saes]
        return Size(features=sum(row["features"] for row in counts), edges=sum(row["edges"] for row in counts))

    def features(self) -> Iterator[pa.Table]:
        """Yield the features, in the order of the model, with every property."""
        for sae in self.saes:
            match, parameters = self._match(sae)
            for part in self.connection.columns(f"{match} {_FEATURES}", **parameters):
                yield pa.table(part, schema=FEATURE_SCHEMA)

    def edges(self) -> Iterator[pa.Table]:
        """Yield the edges among the features, in the order of the model, with every measure and the evidence."""
        kept = None if self._ids is None else set(self._ids)
        for sae in self.saes:
            ids = [row["id"] for row in self._read(sae, "RETURN f.id AS id ORDER BY f.index")]
            for start in range(0, len(ids), _PART):
                part = self._edges(ids[start : start + _PART])
                if kept is not None:
                    part = part.filter(pa.array([target in kept for target in part["target"].to_pylist()], pa.bool_()))
                yield part

    def check_unchanged(self) -> None:
        """Check that the run is still what it was when the selection was made.

        Raises:
            GraphError: it was dropped or loaded again meanwhile.
        """
        if self._found() != self._state:
            raise GraphError(f"run {self.run} was loaded again while it was read; run the same command again")

    def _found(self) -> dict[str, Any]:
        rows = self.connection.read(_RUN, run=self.run)
        if not rows:
            raise GraphError(f"run {self.run} was dropped while it was read; see: saedb runs")
        return rows[0]

    def _saes(self, layers: str | None) -> tuple[Sae, ...]:
        found = [Sae(**row) for row in self.connection.read(_SAES, run=self.run)]
        if layers is None:
            return tuple(found)
        wanted = layer_numbers(layers)
        chosen = tuple(sae for sae in found if sae.layer in wanted)
        if not chosen:
            there = ", ".join(map(str, dict.fromkeys(sae.layer for sae in found)))
            raise InputError(f"run {self.run} has no layers {layers}; it has {there}")
        return chosen

    def _match(self, sae: Sae) -> tuple[str, dict[str, Any]]:
        """Return clauses that find the features of an SAE, and their parameters."""
        given = {"run": self.run, "layer": sae.layer, "sae": sae.id}
        if self._ids is None:
            return _OF_SAE, given
        return _OF_IDS, {**given, "ids": [id_ for id_ in self._ids if f"/{sae.id}/" in id_]}

    def _read(self, sae: Sae, returned: str) -> list[dict[str, Any]]:
        match, parameters = self._match(sae)
        return self.connection.read(f"{match} {returned}", **parameters)

    def _edges(self, ids: list[str]) -> pa.Table:
        found = self.connection.read(
            _EDGES.replace("$measure", self.measure),
            run=self.run, ids=ids, saes=[sae.id for sae in self.saes], floor=self.min_similarity, missing=math.nan,
        )[0]  # fmt: skip
        columns = {name: found[name] for name in (*ENDS, *KEYS)}
        return pa.table(
            [
                *(pa.array(columns[name], EDGE_SCHEMA.field(name).type) for name in columns),
                *(_numbers(found[p.name], EDGE_SCHEMA.field(p.name).type) for p in EDGE_PROPERTIES),
            ],
            schema=EDGE_SCHEMA,
        )


def _numbers(values: list[float], type_: pa.DataType) -> pa.Array:
    """Return a column of numbers, null where they are missing."""
    return pa.array(np.array(values, np.float64), from_pandas=True).cast(type_)
