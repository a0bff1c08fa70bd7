"""Which measures the edges of a run have."""

from typing import TYPE_CHECKING, Final

from saedb.cypher.nearest import suggestion
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME, MEASURES, SELECTING, Measure

if TYPE_CHECKING:
    from saedb.cypher.connection import Connection

NAMES: Final = tuple(measure.name for measure in MEASURES)


def named(name: str) -> Measure:
    """Return the measure of a name.

    Raises:
        InputError: there is none.
    """
    if name not in BY_NAME:
        raise InputError(f"there is no measure {name!r}; {suggestion(name, BY_NAME)}")
    return BY_NAME[name]


def has(connection: "Connection", run: str, name: str) -> bool:
    """Return whether an edge of a run has a value of a measure."""
    with_value = f"MATCH ()-[e:EVOLVES_TO]->() WHERE e.run = $run AND e.{BY_NAME[name].name} IS NOT NULL"
    return bool(connection.read(f"{with_value} RETURN true LIMIT 1", run=run))


def checked(connection: "Connection", run: str, name: str) -> str:
    """Return a measure that a run has; one without any edge may have each.

    Raises:
        InputError: there is no such measure, or the run does not have it.
    """
    if has(connection, run, named(name).name):
        return name
    there = [other for other in NAMES if has(connection, run, other)]
    if there:
        raise InputError(f"run {run} has no {name}; it has {', '.join(there)}: choose with --measure {there[0]}")
    return name


def default(connection: "Connection", run: str) -> str:
    """Return the first measure that a run has, of those that select edges."""
    return next((m.name for m in SELECTING if has(connection, run, m.name)), SELECTING[0].name)
