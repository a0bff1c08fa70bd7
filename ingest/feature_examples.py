"""The examples of one feature, from a run directory that may hold millions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from saedb.ingest import tables
from saedb.ingest.errors import RunError
from saedb.ingest.rundir import EXAMPLES_FILE, RunDirectory

_FEATURE: Final = "feature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A context in which a feature is active."""

    rank: int
    """0 is the most active one."""
    document: int
    """Number of the document in ``documents.parquet``."""
    context: int
    position: int
    """Of the active token in the context."""
    activation: float
    """On that token."""
    tokens: tuple[str, ...]
    """Texts of the active token and of those around it; joined they are the text."""
    activations: tuple[float, ...]
    """On each of these tokens, whether it counts or not: one that does not may have more than the feature's maximum."""
    at: int
    """Which of these tokens is the active one."""


def examples_of(run: RunDirectory, feature: str) -> list[Example]:
    """Return the examples of a feature by rank; none of a dead one, of one that the run has not, or of an import.

    Little of the file is read, and what is read is checked by its checksums, the rest by its size.

    Raises:
        RunError: the file is gone, damaged or another than the run's.
    """
    if EXAMPLES_FILE not in run.record.files:
        return []
    _check_size(run)
    with tables.opened(tables.EXAMPLES, run.path / EXAMPLES_FILE) as file:
        parts = [_rows(file, number, feature) for number in _groups(file, feature)]
    return [_example(**row) for part in parts for row in part.to_pylist()]


def _check_size(run: RunDirectory) -> None:
    file, recorded = run.path / EXAMPLES_FILE, run.record.files[EXAMPLES_FILE]
    if file.exists() and file.stat().st_size != recorded.bytes:
        raise RunError(
            f"{file} has {file.stat().st_size:,} bytes, run.json says {recorded.bytes:,}; compute the run again"
        )


def _groups(file: pq.ParquetFile, feature: str) -> Iterator[int]:
    """Yield the row groups that may have a feature."""
    column = file.schema_arrow.get_field_index(_FEATURE)
    for number in range(file.metadata.num_row_groups):
        known = file.metadata.row_group(number).column(column).statistics
        if known is None or not known.has_min_max or known.min <= feature <= known.max:
            yield number


def _rows(file: pq.ParquetFile, group: int, feature: str) -> pa.Table:
    """Return the rows of a feature in a row group, of which the ids are read first: most groups do not have it."""
    is_its = pc.call_function("equal", [file.read_row_group(group, columns=[_FEATURE])[_FEATURE], pa.scalar(feature)])
    place = pc.call_function("indices_nonzero", [is_its])
    if not len(place):
        return file.schema_arrow.empty_table()
    return file.read_row_group(group).slice(place[0].as_py(), len(place))


def _example(*, feature: str, tokens: list[str], activations: list[float], **known: Any) -> Example:
    del feature
    return Example(tokens=tuple(tokens), activations=tuple(activations), **known)
