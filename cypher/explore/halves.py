"""How far measures are apart in the two halves of the documents, by their level: what ``--split-half`` stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher.connection import Connection, Row
from saedb.cypher.runs import same_directory
from saedb.ingest import tables
from saedb.ingest.measures import MOVES, Measure
from saedb.ingest.rundir import RunDirectory

LEVELS: Final = 10

_READ: Final = f"""
MATCH (:Run {{id: $run}})-[:HAS_SAE]->(s:Sae)
CALL (s) {{
  MATCH (u:Feature {{run: s.run, layer: s.layer}})-[e:EVOLVES_TO]->()
  WHERE u.sae = s.id AND e.<measure> >= 0 AND e.<measure>_moved IS NOT NULL
  RETURN CASE WHEN e.<measure> >= 1.0 THEN {LEVELS - 1} ELSE toInteger(floor(e.<measure> * {LEVELS})) END AS level,
         e.<measure>_moved AS moved
}}
RETURN level, count(*) AS edges, percentileCont(moved, 0.5) AS median, percentileCont(moved, 0.9) AS high
ORDER BY level
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How far the edges of one level moved."""

    measure: str
    level: int
    """3 is 0.3 to below 0.4."""
    edges: int
    """That have the measure in both halves."""
    median: float
    """Of the distance between the two halves."""
    high: float
    """The distance that nine of ten edges do not reach."""


def moved(connection: Connection, run: str) -> tuple[Moved, ...]:
    """Return how far each measure that ends at 1 moved, by level; nothing where halves were not counted."""
    directory = same_directory(connection, run)
    found: list[Moved] = []
    for of in (measure for measure in MOVES if measure.high == 1.0):
        rows = _there(connection, run, of) if directory is None else _here(directory, of)
        found += [Moved(measure=of.name, **row) for row in rows]
    return tuple(found)


def _there(connection: Connection, run: str, of: Measure) -> list[Row]:
    return connection.read(_READ.replace("<measure>", of.name), run=run)


def _here(directory: RunDirectory, of: Measure) -> Iterator[Row]:
    name = f"{of.name}_moved"
    parts = [
        part.filter((pc.field(of.name) >= 0) & pc.field(name).is_valid())
        for file in directory.edge_files
        for part in directory.parts(tables.EDGES, file, of.name, name)
    ]
    if not parts:
        return
    rows = pa.concat_tables(parts)
    levels = np.minimum(np.floor(rows[of.name].to_numpy() * LEVELS), LEVELS - 1).astype(np.int64)
    distances = rows[name].to_numpy()
    for level in np.unique(levels).tolist():
        own = distances[levels == level]
        median, high = np.quantile(own, (0.5, 0.9)).tolist()
        yield {"level": level, "edges": len(own), "median": median, "high": high}
