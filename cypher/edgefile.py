"""One file of an edge table: its columns found by name, its values checked.

Key columns go by many names; the spellings that are understood are made from the words below. Everything is vectorised:
a file of five million edges is read without a Python loop over rows.
"""

import difflib
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from saedb.cypher import measured
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME, Measure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SUFFIXES: Final = (".csv", ".tsv", ".parquet")
"""File names end in one of these, or in one of these and ``.gz``."""

KEYS: Final = ("source_layer", "source_index", "target_layer", "target_index")
_SIDES: Final = {
    "source": ("source", "src", "from", "upstream", "u", "left"),
    "target": ("target", "dst", "dest", "to", "downstream", "d", "right"),
}
_ENDS: Final = {"layer": ("layer",), "index": ("index", "feature", "idx", "feature_index", "latent")}
_END: Final = 2**31
_TOLERANCE: Final = 1e-3
"""How far beyond its range a value may lie: sums in single precision over 10 M tokens give correlations of 1.00002."""


def _spellings() -> dict[str, str]:
    return {
        spelling: f"{side}_{end}"
        for side, end in product(_SIDES, _ENDS)
        for first, second in product(_SIDES[side], _ENDS[end])
        for spelling in (f"{first}_{second}", f"{second}_{first}")
    }


_KEY_OF: Final = _spellings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The checked rows of one edge file."""

    source_layer: Integers
    source_index: Integers
    target_layer: Integers
    target_index: Integers
    measures: Mapping[str, Floats]
    """Values [rows] by name of the measure; NaN where a cell is empty."""


def read_edges(file: Path, columns: Mapping[str, str]) -> Edges:
    """Return the edges of one file.

    Args:
        file: CSV, TSV or Parquet, also with ``.gz``.
        columns: what a column of the file is, where its name does not say: a key of `KEYS` or a measure.

    Raises:
        InputError: the file cannot be read, lacks a column, or has a value that no edge can have.
    """
    names = _named(_header(file), columns, file)
    types = {column: pa.int64() if key in KEYS else pa.float64() for key, column in names.items()}
    table = _read(file, types)
    keys = {key: _integers(table[names[key]], names[key], file) for key in KEYS}
    _check_order(keys, file)
    measures = {m.name: _values(table[names[m.name]], m, file) for m in BY_NAME.values() if m.name in names}
    _check_values(measures, file)
    return Edges(**keys, measures=measures)


def _header(file: Path) -> list[str]:
    with _reading(file):
        if _suffix(file) == ".parquet":
            return pq.read_schema(_stream(file)).names
        with pacsv.open_csv(_stream(file), parse_options=_dialect(file)) as reader:
            return reader.schema.names


def _read(file: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    with _reading(file):
        if _suffix(file) == ".parquet":
            table = pq.read_table(_stream(file), columns=list(types))
        else:
            convert = pacsv.ConvertOptions(column_types=types, include_columns=list(types))
            table = pacsv.read_csv(_stream(file), parse_options=_dialect(file), convert_options=convert)
    if table.num_rows == 0:
        raise InputError(f"{file} has no rows")
    return table


@contextmanager
def _reading(file: Path) -> Generator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"no file {file}") from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file} cannot be read as {_suffix(file)[1:]}: {reason}") from error


def _suffix(file: Path) -> str:
    suffix = Path(file.name.removesuffix(".gz")).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{file} is no table; its name should end in {_listed(SUFFIXES)}, or one of them and .gz")
    return suffix


def _stream(file: Path) -> pa.NativeFile:
    stream = pa.input_stream(file, compression="detect")
    # Parquet is read from its end, and a compressed stream cannot be.
    return pa.BufferReader(stream.read()) if _suffix(file) == ".parquet" else stream


def _dialect(file: Path) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(delimiter="\t" if _suffix(file) == ".tsv" else ",", newlines_in_values=True)


def _named(found: list[str], columns: Mapping[str, str], file: Path) -> dict[str, str]:
    absent = [name for name, meaning in columns.items() if name not in found and meaning not in found]
    if absent:
        raise InputError(f"{file} has no column {absent[0]!r}; it has {_listed(found)}")
    for meaning in columns.values():
        if meaning not in KEYS:
            measured.named(meaning)
    names: dict[str, str] = {}
    for column in found:
        plain = _plain(column)
        meaning = columns.get(column) or _KEY_OF.get(plain) or (plain if plain in BY_NAME else None)
        if meaning is None:
            continue
        if meaning in names:
            raise InputError(f"{file} has two columns for {meaning}: {names[meaning]!r} and {column!r}; rename one")
        names[meaning] = column
    _check_complete(names, found, file)
    return names


def _check_complete(names: Mapping[str, str], found: list[str], file: Path) -> None:
    missing = [key for key in KEYS if key not in names]
    if missing:
        unused = {_plain(column): column for column in found if column not in names.values()}
        near = difflib.get_close_matches(missing[0], unused, n=1, cutoff=0.0)
        hint = f", nearest {unused[near[0]]!r}" if near else ""
        raise InputError(f"{file} has no column {missing[0]!r}{hint}; it has {_listed(found)}")
    if not any(name in BY_NAME for name in names):
        unused = [column for column in found if column not in names.values()]
        which = f"; say what {unused[0]!r} is with --measure" if unused else ""
        raise InputError(f"{file} has no column with a measure ({_listed(BY_NAME)}){which}")


def _integers(column: pa.ChunkedArray, name: str, file: Path) -> Integers:
    if column.null_count:
        raise InputError(f"row {_first(column.is_null())} of {file} has no {name}")
    try:
        values: Integers = column.cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise InputError(f"column {name} of {file} should hold integers: {str(error).splitlines()[0]}") from error
    except pa.ArrowNotImplementedError:
        raise InputError(f"column {name} of {file} should hold integers, it holds {column.type}") from None
    beyond = (values < 0) | (values >= _END)
    if beyond.any():
        row = int(np.argmax(beyond))
        raise InputError(f"row {row + 1} of {file}: {name} is {values[row]}, it should be in [0, 2^31)")
    return values


def _values(column: pa.ChunkedArray, measure: Measure, file: Path) -> Floats:
    try:
        values: Floats = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(f"the column of {measure.name} in {file} should hold numbers, not {column.type}") from None
    high = np.inf if measure.high is None else measure.high
    beyond = (values < measure.low - _TOLERANCE) | (values > high + _TOLERANCE) | np.isinf(values)
    if measure.integer:
        beyond |= np.isfinite(values) & (values != np.floor(values))
    if beyond.any():
        row = int(np.argmax(beyond))
        kind = "an integer " if measure.integer else ""
        raise InputError(
            f"row {row + 1} of {file}: {measure.name} is {values[row]:g}, it should be {kind}in "
            f"[{measure.low:g}, {'infinity' if measure.high is None else format(measure.high, 'g')}]"
        )
    return np.clip(values, measure.low, high)


def _check_order(keys: Mapping[str, Integers], file: Path) -> None:
    wrong = keys["target_layer"] <= keys["source_layer"]
    if wrong.any():
        row = int(np.argmax(wrong))
        source, target = keys["source_layer"][row], keys["target_layer"][row]
        raise InputError(f"row {row + 1} of {file} leads from layer {source} to {target}; edges lead to later layers")


def _check_values(measures: Mapping[str, Floats], file: Path) -> None:
    empty = np.logical_and.reduce([np.isnan(values) for values in measures.values()])
    if empty.any():
        raise InputError(f"row {int(np.argmax(empty)) + 1} of {file} has no value of {_listed(measures)}")


def _first(mask: pa.ChunkedArray) -> int:
    return int(pc.index(mask, pa.scalar(True)).as_py()) + 1


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").replace("_", " ").replace(".", " ").split())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
