"""Which measures the edges of a run have."""

from typing import Final

from saedb.cypher.connection import Connection
from saedb.cypher.nearest import suggestion
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME, MEASURES, SELECTING

NAMES: Final = tuple(measure.name for measure in MEASURES)


def has(connection: Connection, run: str, measure: str) -> bool:
    """Return whether an edge of a run has a value of a measure."""
    with_value = f"MATCH ()-[e:EVOLVES_TO]->() WHERE e.run = $run AND e.{BY_NAME[measure].name} IS NOT NULL"
    return bool(connection.read(f"{with_value} RETURN true LIMIT 1", run=run))


def checked(connection: Connection, run: str, measure: str) -> str:
    """Return a measure that a run has; one without any edge may have each.

    Raises:
        InputError: there is no such measure, or the run does not have it.
    """
    if measure not in BY_NAME:
        raise InputError(f"there is no measure {measure!r}; {suggestion(measure, BY_NAME)}")
    if has(connection, run, measure):
        return measure
    there = [name for name in NAMES if has(connection, run, name)]
    if there:
        raise InputError(f"run {run} has no {measure}; it has {', '.join(there)}: choose with --measure {there[0]}")
    return measure


def default(connection: Connection, run: str) -> str:
    """Return the first measure that a run has, of those that select edges."""
    return next((m.name for m in SELECTING if has(connection, run, m.name)), SELECTING[0].name)
