"""How the edges of a run spread over a measure: how many have a value in which range, and which these are.

The counts are taken from the run directory where that is on this machine and has what the graph has: its columns are
read some forty times as fast as the edges of the graph, of which two million take two seconds. Both ways count alike.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.cypher.connection import Connection, Row
from saedb.cypher.runs import same_directory
from saedb.ingest import rundir, tables
from saedb.ingest.measures import Measure
from saedb.ingest.rundir import RunDirectory

_PARTS: Final = 20
"""Bars between 0 and 1, where a measure has an end; where it has none, a bar goes from a power of two to the next."""
_LEAST: Final = -20
"""The power of two that the first bar ends with the next of."""
_ROUNDING: Final = 1e-12
"""Of a logarithm: that of a power of two is to be whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How many of the edges from one SAE have a value in one range."""

    sae: str
    number: int
    """Of the range, with which `bounds` and `edges` know it."""
    edges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One edge with what tells what it is."""

    source: str
    source_label: str | None
    target: str
    target_label: str | None
    value: float
    pearson: float | None
    support: int | None


# A layer at a time: the edges of a layer lie beside its features, those of an index lie all over the store.
_COUNTED: Final = """
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
CALL (s) {
  MATCH (u:Feature {run: s.run, layer: s.layer})-[e:EVOLVES_TO]->() WHERE u.sae = s.id AND e.<measure> IS NOT NULL
  WITH <number> AS number
  RETURN number, count(*) AS edges
}
RETURN s.id AS sae, number, edges ORDER BY s.depth, number
"""
_RETURNED: Final = """
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label, e.<measure> AS value,
       e.pearson AS pearson, e.support AS support
ORDER BY value DESC, u.depth, u.index, d.index
"""
_OF_RUN: Final = f"""
MATCH (u:Feature)-[e:EVOLVES_TO {{run: $run}}]->(d:Feature)
WHERE $low <= e.<measure> <= $high AND <number> = $number
WITH u, e, d ORDER BY e.run DESC, e.<measure> DESC LIMIT $limit  // run first: the index's order
{_RETURNED}"""
_OF_SAE: Final = f"""
MATCH (s:Sae {{run: $run, id: $sae}})
MATCH (u:Feature {{run: s.run, layer: s.layer}})-[e:EVOLVES_TO]->(d:Feature)
WHERE u.sae = s.id AND <number> = $number
WITH u, e, d ORDER BY e.<measure> DESC LIMIT $limit
{_RETURNED}"""


def bounds(of: Measure, number: int) -> tuple[float, float]:
    """Return the ends of a range; the upper one belongs to it only where the measure ends there."""
    if of.high is not None:
        return number / _PARTS, (number + 1) / _PARTS
    return (0.0 if number == _LEAST else 2.0**number), 2.0 ** (number + 1)


def bars(connection: Connection, run: str, of: Measure) -> tuple[Bar, ...]:
    """Return how the edges from each SAE spread over a measure, by SAE along the model."""
    directory = same_directory(connection, run)
    return tuple(_there(connection, run, of) if directory is None else _here(directory, of))


def edges(
    connection: Connection, run: str, of: Measure, number: int, saes: Sequence[str] | None, limit: int
) -> list[Edge]:
    """Return edges with a value in a range.

    Args:
        connection: to the graph.
        run: id of the run.
        of: the measure.
        number: of the range.
        saes: SAEs that they start from, those of the first one first; None: any, the highest values first, which is
            quick for measures that have an index.
        limit: most edges returned.
    """
    low, high = bounds(of, number)
    if saes is None:
        rows = connection.read(_written(_OF_RUN, of), run=run, low=low, high=high, number=number, limit=limit)
        return [Edge(**row) for row in rows]
    rows: list[Row] = []
    for sae in saes:
        if len(rows) < limit:
            left = limit - len(rows)
            rows += connection.read(_written(_OF_SAE, of), run=run, sae=sae, number=number, limit=left)
    return [Edge(**row) for row in rows]


def _there(connection: Connection, run: str, of: Measure) -> Iterator[Bar]:
    for row in connection.read(_written(_COUNTED, of), run=run):
        yield Bar(**row)


def _here(directory: RunDirectory, of: Measure) -> Iterator[Bar]:
    counts: dict[str, Counter[int]] = {sae.id: Counter() for sae in directory.record.saes}
    for source, target in directory.record.pairs:
        for part in directory.parts(tables.EDGES, rundir.edges_file(source, target), of.name):
            numbers, edges = np.unique(_numbers(of, part[of.name].drop_null().to_numpy()), return_counts=True)
            counts[source].update(dict(zip(numbers.tolist(), edges.tolist(), strict=True)))
    for sae, found in counts.items():
        for number in sorted(found):
            yield Bar(sae=sae, number=number, edges=found[number])


def _numbers(of: Measure, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of the ranges of values, as `_written` has them in Cypher [values]."""
    if of.high is not None:
        return np.minimum(np.floor(values * _PARTS), of.high * _PARTS - 1).astype(np.int64)
    powers = np.log(np.maximum(values, 2.0**_LEAST)) / np.log(2.0)
    return np.floor(powers + _ROUNDING).astype(np.int64)


def _written(statement: str, of: Measure) -> str:
    """Return a statement with the measure in it, and with what gives the number of a range."""
    value = f"e.{of.name}"
    if of.high is not None:
        found, last = f"toInteger(floor({value} * {_PARTS}))", int(of.high * _PARTS) - 1
        number = f"CASE WHEN {found} > {last} THEN {last} ELSE {found} END"
    else:
        least = f"CASE WHEN {value} > {2.0**_LEAST!r} THEN {value} ELSE {2.0**_LEAST!r} END"
        number = f"toInteger(floor(log({least}) / log(2.0) + {_ROUNDING!r}))"
    return statement.replace("<measure>", of.name).replace("<number>", number)
