"""The formats that a graph or table is written in."""

from pathlib import Path
from typing import Final, Literal, get_args

from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted

Format = Literal["json", "graphml", "gexf", "csv", "parquet"]

FORMATS: Final[tuple[Format, ...]] = get_args(Format)
TABLES: Final[tuple[Format, ...]] = ("csv", "parquet")
"""Formats that hold a table; the others hold a graph."""
PIPED: Final[tuple[Format, ...]] = ("json", "csv")
"""Formats that may go to stdout."""
STDOUT: Final = "-"


def format_of(output: str, given: str | None = None) -> Format:
    """Return the format of an output: the one given, else that of the file name's suffix.

    Raises:
        InputError: there is no such format, the suffix tells none, or it cannot go to stdout.
    """
    name = given or Path(output).suffix[1:].lower()
    known: Format | None = next((format_ for format_ in FORMATS if format_ == name), None)
    if known is None and given:
        raise InputError(f"there is no format {quoted(given)}; there is {', '.join(FORMATS)}")
    if known is None and output == STDOUT:
        raise InputError(f"what goes to stdout has no name that tells its format; add --format {' or '.join(PIPED)}")
    if known is None:
        suffixes = ", ".join(f".{format_}" for format_ in FORMATS)
        raise InputError(f"the name {quoted(output)} tells no format; end it in {suffixes}, or add --format")
    if output == STDOUT and known not in PIPED:
        raise InputError(f"{known} cannot go to stdout, only {' and '.join(PIPED)} can; name a file")
    return known
