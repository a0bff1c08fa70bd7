"""Tables as CSV or Parquet, part by part."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from saedb.cypher.connection import Row
from saedb.cypher.export.attributes import as_text
from saedb.cypher.export.formats import Format
from saedb.cypher.query import Column, ColumnType, Query
from saedb.cypher.values import plain
from saedb.ingest.errors import InputError

_TYPES: Final[Mapping[ColumnType, pa.DataType]] = {
    "integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_(),
    "run": pa.string(), "feature": pa.string(), "string": pa.string(),
}  # fmt: skip


def write(stream: BinaryIO, format_: Format, columns: pa.Schema, parts: Iterable[pa.Table]) -> None:
    """Write the rows of a table, with its columns even where it has none."""
    if format_ == "parquet":
        _write(parts, lambda: pq.ParquetWriter(stream, columns, compression="zstd"))
        return
    flat = pa.schema([pa.field(f.name, pa.string() if pa.types.is_list(f.type) else f.type) for f in columns])
    _write((_flat(part, flat) for part in parts), lambda: pacsv.CSVWriter(stream, flat))


def of_rows(query: Query, rows: Sequence[Row]) -> pa.Table:
    """Return the rows of a query as a table of its declared columns.

    Raises:
        InputError: a column holds something else than is declared.
    """
    return pa.table(
        {column.name: _column(query, column, [row[column.name] for row in rows]) for column in query.columns}
    )


def _write(parts: Iterable[pa.Table], begin: Callable[[], AbstractContextManager[Any]]) -> None:
    with begin() as writer:
        for part in parts:
            writer.write_table(part)


def _column(query: Query, column: Column, values: list[Any]) -> pa.Array:
    type_ = _TYPES[column.type]
    try:
        return pa.array([_valid(plain(value)) for value in values], pa.list_(type_) if column.many else type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{query.file}: column {column.name} is declared {column.type}, but {reason}") from error


def _valid(value: Any) -> Any:
    """Return a value whose texts are Unicode: half a surrogate pair is none."""
    if isinstance(value, list):
        return [_valid(item) for item in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _flat(part: pa.Table, flat: pa.Schema) -> pa.Table:
    """Return a table without lists, which CSV does not have: they are written as JSON."""
    columns = [_texts(column) if pa.types.is_list(column.type) else column for column in part.columns]
    return pa.table(columns, schema=flat)


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if value is None else as_text(value) for value in column.to_pylist()], pa.string())
