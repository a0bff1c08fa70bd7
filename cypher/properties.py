"""What a stage finds of features or edges becomes their properties: in the run directory first, and then in the graph.

1. The graph has to hold the run as it is on disk.
2. The stage writes its table into the run directory.
3. Under a claim the features, or edges, whose values are others now get them, in batches: the graph is then the one
   that a load of the run directory makes.

A process that is stopped in 3 leaves a run that is not ready, and whoever changes something next loads it first; one
that is killed between 2 and 3, a graph of another content than the run directory. ``saedb load`` mends both.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from saedb.cypher import batches, contents, schema
from saedb.cypher.claim import Claim, claimed
from saedb.cypher.connection import Connection
from saedb.cypher.replacement import check_content, mend
from saedb.cypher.schema import Node, Relationship
from saedb.ingest.failpoints import passed
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """Some properties of features, or of edges between them."""

    what: str
    """What they are called together: ``labels``."""
    item: Node | Relationship
    """`schema.FEATURE` or `schema.EVOLVES_TO`."""
    names: tuple[str, ...]
    shown: Callable[[RunDirectory], pa.Table]
    """Returns their values as a load would write them, with the column ``id``, or ``source`` and ``target``; what has
    no row has no values."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell a feature, or an edge, from others."""
        return ("id",) if isinstance(self.item, Node) else ("source", "target")


# A value of null takes the property away.
_OF_FEATURES: Final = """
UNWIND range(0, size($id) - 1) AS i
MATCH (e:{item} {{run: $run, id: $id[i]}}) USING INDEX SEEK e:{item}(run, id)
SET {values}
RETURN count(*) AS n
"""
_OF_EDGES: Final = """
UNWIND range(0, size($source) - 1) AS i
MATCH (u:Feature {{run: $run, id: $source[i]}}) USING INDEX SEEK u:Feature(run, id)
MATCH (d:Feature {{run: $run, id: $target[i]}}) USING INDEX SEEK d:Feature(run, id)
MATCH (u)-[e:{item}]->(d)
SET {values}
RETURN count(*) AS n
"""


def change(
    connection: Connection, run: RunDirectory, properties: Properties, find: Callable[[], T], report: Report = silent
) -> T:
    """Return what `find` returns, after the graph has the properties that it wrote into the run directory.

    Args:
        connection: a server that holds the run.
        run: the run directory, which nobody else writes meanwhile.
        properties: what may change; nothing else of the run may.
        find: computes it, and writes its table into the run directory where that becomes another.
        report: progress.

    Raises:
        GraphError: the graph does not hold this content of the run.
        RunError: another process is writing the run, or a table is damaged.
    """
    with run.writing():
        mend(connection, run, report)
        content = run.content_hash
        check_content(connection, run, content)
        before = properties.shown(run)
        result = find()
        if run.content_hash == content:
            return result
        after = properties.shown(run)
        check_content(connection, run, content)  # for it may have taken hours
        with claimed(connection, run.record.id, "loading") as claim:
            _set(claim, properties, _changed(properties, before, after), report)
            claim.finish(**contents.run_properties(run))
    _log.info("changed the %s of run %s", properties.what, run.record.id)
    return result


def _changed(properties: Properties, before: pa.Table, after: pa.Table) -> pa.Table:
    """Return the rows that are others than before; what has no values any more has a row of nulls."""
    places = _places(properties, before), _places(properties, after)
    either = places[0].union(places[1], sort=False)
    was, becomes = (_at(rows, of.get_indexer(either)) for rows, of in zip((before, after), places, strict=True))
    differs = np.zeros(len(either), np.bool_)
    for name in properties.names:
        values = zip(was[name].to_pylist(), becomes[name].to_pylist(), strict=True)
        differs |= np.fromiter((one != other for one, other in values), np.bool_, len(either))
    keys = {name: either.get_level_values(place) for place, name in enumerate(properties.key)}
    columns = {name: pa.array(values, pa.string()) for name, values in keys.items()}
    return pa.table({**columns, **{name: becomes[name] for name in properties.names}}).filter(pa.array(differs))


def _places(properties: Properties, rows: pa.Table) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([rows[name].to_pylist() for name in properties.key])


def _at(rows: pa.Table, places: NDArray[np.intp]) -> pa.Table:
    """Return the rows at some places, nulls at -1."""
    return rows.take(pa.array(places, pa.int64(), mask=places < 0))


def _set(claim: Claim, properties: Properties, rows: pa.Table, report: Report) -> None:
    """Set properties of what has a row; one that is null goes."""
    item, values = properties.item, ", ".join(f"e.{name} = ${name}[i]" for name in properties.names)
    if isinstance(item, Node):
        statement = _OF_FEATURES.format(item=item.label, values=values)
    else:
        statement = _OF_EDGES.format(item=item.type, values=values)
    done = 0
    for part in batches.batches(rows):
        claim.write(statement, expected=part.num_rows, **{name: part[name].to_pylist() for name in part.column_names})
        passed("batch committed")
        done += part.num_rows
        report(f"loading {properties.what}", done, rows.num_rows)


EFFECTS: Final = Properties(
    what="effects", item=schema.EVOLVES_TO, names=tuple(p.name for p in schema.EFFECTS), shown=contents.effects
)
