"""Results on stdout, the same way from every command: a table for people, JSON or CSV for programs."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import click

from saedb.cypher.query import Column
from saedb.cypher.values import plain

Row = Mapping[str, Any]
Output = Literal["table", "json", "csv"]
F = TypeVar("F", bound=Callable[..., Any])

_UNLIMITED: Final = 100_000


def output_option(command: F) -> F:
    """Add ``--output``; the command gets it as ``output``."""
    return click.option(
        "--output",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="A table for people, a JSON list of objects, or CSV with a header.",
    )(command)


def show(rows: Sequence[Row], columns: Sequence[Column], output: Output, *, empty: str = "nothing found") -> None:
    """Write rows to stdout; if there are none, write `empty`, which says what to relax, to stderr.

    A table fits the terminal: ids and numbers stay whole, texts are cut. Where ids and numbers alone are too wide, each
    row becomes a block of lines. Away from a terminal nothing is cut.
    """
    if not rows:
        click.echo(empty, err=True)
    if output == "json":
        click.echo(json.dumps([_plain_row(row, columns) for row in rows], indent=1, ensure_ascii=False))
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        writer.writerows([_csv_cell(value) for value in _plain_row(row, columns).values()] for row in rows)
    elif rows:
        from saedb.cli.table import table  # rich takes longer to import than a page of help may take

        click.echo(table(rows, columns, width()))


def width() -> int:
    """Return the columns of the terminal; away from one nothing limits a line, unless ``COLUMNS`` is set."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return _UNLIMITED


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of rows that nothing declares, their types taken from the values."""
    names = list(rows[0]) if rows else []
    return [_guessed(name, [row[name] for row in rows if row[name] is not None]) for name in names]


def _plain_row(row: Row, columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: plain(row[column.name]) for column in columns}


def _csv_cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else value


def _guessed(name: str, values: list[Any]) -> Column:
    many = bool(values) and all(isinstance(value, list) for value in values)
    items = [item for value in values for item in value] if many else values
    kinds = {type(item) for item in items}
    if kinds == {int}:
        return Column(name=name, type="integer", many=many)
    if kinds and kinds <= {int, float}:
        return Column(name=name, type="float", many=many)
    return Column(name=name, type="feature" if kinds == {str} and all(map(_is_id, items)) else "string", many=many)


def _is_id(text: str) -> bool:
    return "/" in text and len(text) < 80 and not any(character.isspace() for character in text)
