"""Which way a run goes into the graph: by rebuilding the local server's store, or in batches."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from saedb.cypher import contents
from saedb.cypher.bulk import Held
from saedb.cypher.connection import Connection, Row
from saedb.ingest.errors import RunError
from saedb.ingest.rundir import RunDirectory

Way = Literal["bulk", "online"]

# As two cores have them (benchmarks/RESULTS.md); more speed both ways up alike.
_ONLINE_RATE: Final = 15_000
"""Edges a second, in batches, with their indexes."""
_BULK_RATE: Final = 60_000
"""Edges a second of all runs, from their tables to an indexed store."""
_COMPARED_RATE: Final = 60_000
"""Edges a second of the runs that the graph holds, compared with their tables."""
_BULK_SECONDS: Final = 40.0
"""What a rebuild takes however little there is: servers stop and start."""
_BYTES: Final = 800
"""On the disk for an edge while a store is rebuilt: its files for the import, and itself with its indexes."""

_RUNS: Final = """
MATCH (r:Run)
RETURN r.id AS id, r.status AS status, r.content AS content, r.path AS path, r.loaded AS loaded, r.edges AS edges,
       EXISTS { MATCH (:Lane {run: r.id}) } OR EXISTS { MATCH (:Feature {run: r.id}) } AS has_parts
ORDER BY id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A way, and why."""

    way: Way
    held: Sequence[Held] = ()
    """For a rebuild: the runs that the graph holds."""
    reason: str | None = None
    """Why not by a rebuild, where it would be faster."""


def choose(connection: Connection, run: RunDirectory, wanted: Way | None = None) -> Choice:
    """Return the way for a run that the graph does not hold as it is on disk.

    Args:
        connection: the server.
        run: the run directory.
        wanted: the way to take; None: the faster one. A rebuild that cannot be is not taken in any case.
    """
    if wanted == "online":
        return Choice(way="online")
    home = connection.address.home
    if home is None:
        reason = "only the local server's store can be rebuilt" if wanted else None
        return Choice(way="online", reason=reason)
    rows = connection.read(_RUNS)
    new = contents.edge_count(run)
    held_edges = sum(row["edges"] or 0 for row in rows)
    total = new + held_edges
    rebuilding = _BULK_SECONDS + total / _BULK_RATE + held_edges / _COMPARED_RATE
    if wanted is None and new / _ONLINE_RATE <= rebuilding:
        return Choice(way="online")
    if (free := shutil.disk_usage(home).free) < total * _BYTES:
        return Choice(
            way="online", reason=f"to rebuild the store takes {total * _BYTES / 1e9:.1f} GB, {free / 1e9:.1f} are free"
        )
    held: list[Held] = []
    for row in rows:
        found = _held(row, run)
        if isinstance(found, str):
            return Choice(way="online", reason=found)
        held += [found] if found is not None else []
    return Choice(way="bulk", held=held)


def _held(row: Row, new: RunDirectory) -> Held | str | None:
    """Return a run of the graph, None for the new one, or why the store cannot be rebuilt."""
    name = row["id"]
    if name == new.record.id:
        return f"the graph has a part of run {name}" if row["has_parts"] else None
    if row["status"] != "ready":
        return f"run {name} is {row['status']}" if row["has_parts"] else f"run {name} is unfinished (saedb drop {name})"
    try:
        run = RunDirectory.open(Path(str(row["path"])))
    except (RunError, OSError, ValueError):  # the last of what can be no path
        return f"the folder of run {name} is not here, or cannot be read ({row['path']})"
    if run.content_hash != row["content"]:
        return f"the folder of run {name} has changed ({row['path']})"
    return Held(run=run, loaded=row["loaded"])
