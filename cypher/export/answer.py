"""What a query of the library found, to be exported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from saedb.cypher import library
from saedb.cypher.connection import Connection, Row
from saedb.cypher.parameter import Value
from saedb.cypher.query import Query
from saedb.ingest.errors import InputError


class Queried(Protocol):
    """What an export asks of a `saedb.cypher.graph.Graph`."""

    connection: Connection

    def run_id(self, run: str | None = None) -> str:
        """Return the id of a ready run, the newest if none is named."""
        ...

    def rows(self, query: Query, values: Mapping[str, Any]) -> list[Row]:
        """Return the rows of a query."""
        ...

    def resolved(self, query: Query, values: Mapping[str, Any]) -> dict[str, Value]:
        """Return every value of a query, defaults filled in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of a query, of which there is one at least."""

    query: Query
    rows: Sequence[Row]
    run: str | None
    """The run that was searched, where the query takes one."""
    is_cut: bool
    """Whether there are as many rows as its limit allows, so that there may be more."""

    def features(self) -> set[str]:
        """Return the ids of the features that the rows name.

        Raises:
            InputError: they name none.
        """
        columns = [column.name for column in self.query.columns if column.type == "feature"]
        if not columns:
            name = self.query.name
            raise InputError(f"the result of {name} names no features; a table can be made of it: --format csv")
        cells = [row[column] for row in self.rows for column in columns]
        found = {id_ for cell in cells for id_ in (cell if isinstance(cell, list) else [cell]) if id_ is not None}
        if not found:
            raise _nothing(self.query)
        return found


def ask(graph: Queried, name: str, values: Mapping[str, Any], folders: Sequence[Path]) -> Answer:
    """Return what a query finds.

    Raises:
        InputError: there is no such query, a value is not allowed, or it finds nothing.
    """
    query = library.find(name, folders)
    asked = graph.resolved(query, values)
    rows = graph.rows(query, values)
    if not rows:
        raise _nothing(query)
    run = asked.get("run")
    return Answer(
        query=query, rows=rows, run=None if run is None else str(run), is_cut=len(rows) == asked.get("limit")
    )  # fmt: skip


def _nothing(query: Query) -> InputError:
    hint = query.nothing or f"see what to relax: saedb query {query.name} --help"
    return InputError(f"{query.name} finds nothing, so nothing is written; {hint}")
