"""Some edges of every level of a measure, drawn by a seed: the same ones from the run directory and from the graph.

An edge is drawn by a number that its features and the seed give, as a hash does: the lowest numbers of a level are in.
So the draw does not depend on the order in which edges lie anywhere, and a larger one holds a smaller one.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.cypher.connection import Connection
from saedb.cypher.explore.spread import Edge
from saedb.cypher.runs import same_directory
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.measures import MEASURES, Measure
from saedb.ingest.rundir import RunDirectory

LEVELS: Final = 10
_PRIME: Final = 2**31 - 1
_FACTORS: Final = (48_271, 69_621, 16_807, 40_692)
"""Of the two indexes and the two depths."""
_OF_SEED: Final = 1_566_083_941
_STIRRED: Final = (12_345, 54_321)

Integers = NDArray[np.int64]
_Drawn = tuple[int, int, str, str]
"""Level, number, source, target."""

_READ: Final = f"""
MATCH (u:Feature)-[e:EVOLVES_TO {{run: $run}}]->(d:Feature)
WHERE $low <= e.<measure> <= $high
  AND CASE WHEN e.<measure> >= 1.0 THEN {LEVELS - 1} ELSE toInteger(floor(e.<measure> * {LEVELS})) END = $level
WITH u, d, (u.index * {_FACTORS[0]} + d.index * {_FACTORS[1]} + u.depth * {_FACTORS[2]} + d.depth * {_FACTORS[3]}
            + $seed) % {_PRIME} AS a
WITH u, d, a * (a + {_STIRRED[0]}) % {_PRIME} AS b
WITH u, d, b * (b + {_STIRRED[1]}) % {_PRIME} AS number ORDER BY number, u.id, d.id LIMIT $count
RETURN number, u.id AS source, d.id AS target
"""
_LABELLED: Final = """
UNWIND $pairs AS pair
MATCH (u:Feature {run: $run, id: pair[0]})-[e:EVOLVES_TO]->(d:Feature {run: $run, id: pair[1]})
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label, e.<measure> AS value,
       e.pearson AS pearson, e.support AS support
"""


def levelled() -> tuple[Measure, ...]:
    """Return the measures that have levels: those that end at 1."""
    return tuple(measure for measure in MEASURES if measure.high == 1.0)


def check_levels(of: Measure) -> None:
    """Check that a measure has levels.

    Raises:
        InputError: it has no highest value.
    """
    if of not in levelled():
        there = ", ".join(measure.name for measure in levelled())
        raise InputError(f"{of.name} has no levels, because it has no highest value; choose with --measure: {there}")


def sampled(connection: Connection, run: str, of: Measure, *, count: int, seed: int) -> list[tuple[int, Edge]]:
    """Return up to so many edges of each level, with the level, the lowest first; level 3 is 0.3 to below 0.4.

    Args:
        connection: to the graph.
        run: id of the run.
        of: the measure; values below 0 are in no level.
        count: edges of each level.
        seed: decides which.

    Raises:
        InputError: the measure has no highest value.
    """
    check_levels(of)
    directory = same_directory(connection, run)
    found = (
        _there(connection, run, of, count, seed) if directory is None else _here(directory, of, count, seed)
    )  # fmt: skip
    drawn = sorted(found)
    rows = connection.read(
        _LABELLED.replace("<measure>", of.name), run=run, pairs=[[source, target] for *_, source, target in drawn]
    )
    edges = {(row["source"], row["target"]): Edge(**row) for row in rows}
    return [(level, edges[source, target]) for level, _, source, target in drawn]


def _there(connection: Connection, run: str, of: Measure, count: int, seed: int) -> Iterator[_Drawn]:
    statement = _READ.replace("<measure>", of.name)
    for level in range(LEVELS):
        ends = {"low": level / LEVELS, "high": (level + 1) / LEVELS, "level": level}
        rows = connection.read(statement, run=run, count=count, seed=_start(seed), **ends)
        yield from ((level, row["number"], row["source"], row["target"]) for row in rows)


def _here(directory: RunDirectory, of: Measure, count: int, seed: int) -> Iterator[_Drawn]:
    best: list[list[_Drawn]] = [[] for _ in range(LEVELS)]
    depths = {sae.id: sae.depth for sae in directory.record.saes}
    for source, target in directory.record.pairs:
        for part in directory.parts(tables.EDGES, rundir.edges_file(source, target), "source", "target", of.name):
            rows = part.filter(pc.field(of.name) >= 0)
            levels = np.minimum(np.floor(rows[of.name].to_numpy() * LEVELS), LEVELS - 1).astype(np.int64)
            numbers = _numbers(_indexes(rows["source"]), _indexes(rows["target"]), depths[source], depths[target], seed)
            for level in range(LEVELS):
                own = np.flatnonzero(levels == level)
                own = own[np.argpartition(numbers[own], count - 1)[:count]] if len(own) > count else own
                new = rows.take(own)
                drawn = zip(numbers[own].tolist(), new["source"].to_pylist(), new["target"].to_pylist(), strict=True)
                best[level] = sorted([*best[level], *((level, *each) for each in drawn)])[:count]
    for of_level in best:
        yield from of_level


def _indexes(ids: pa.ChunkedArray) -> Integers:
    """Return the last part of the ids of features."""
    return (
        pc.call_function("replace_substring_regex", [ids], pc.ReplaceSubstringOptions("^.*/", ""))
        .cast(pa.int64())
        .to_numpy()
    )


def _numbers(sources: Integers, targets: Integers, depth: int, next_depth: int, seed: int) -> Integers:
    """Return the numbers by which edges are drawn, as `_READ` has them in Cypher [edges]."""
    of_source, of_target, of_depth, of_next = _FACTORS
    a = (sources * of_source + targets * of_target + depth * of_depth + next_depth * of_next + _start(seed)) % _PRIME
    b = a * (a + _STIRRED[0]) % _PRIME
    return b * (b + _STIRRED[1]) % _PRIME


def _start(seed: int) -> int:
    return seed % _PRIME * _OF_SEED % _PRIME
