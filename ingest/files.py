"""Local files of text: which columns they have, and the values of one of them, row by row."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from saedb.ingest.errors import InputError

SUFFIXES: Final = (".txt", ".jsonl", ".csv", ".parquet")
"""Kinds of files; all but Parquet also compressed, with ``.gz`` after it."""

_LONGEST_FIELD: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Rows of a file or dataset, of which one column is to be read."""

    columns: Mapping[str, bool]
    """Name of each column, and whether it holds text."""
    read: Callable[[str], Iterable[Any]]
    """Returns the values of a column, row by row."""


def kind(path: Path) -> str | None:
    """Return which of `SUFFIXES` a file name has, or None."""
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return suffix.lower() if suffix.lower() in SUFFIXES else None


def below(path: Path) -> list[Path]:
    """Return a file itself, or the files of known kinds in a folder and its subfolders, by path.

    Raises:
        InputError: the file is of no known kind, or the folder has none such.
    """
    known = ", ".join(SUFFIXES)
    if path.is_file():
        if kind(path) is None:
            raise InputError(f"{path} is no text that saedb reads; it reads {known} and these with .gz")
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and kind(file) is not None)
    if not found:
        raise InputError(f"no text in folder {path}; it should have files of {known} or these with .gz")
    return found


def texts(file: Path) -> Texts:
    """Return the columns of a ``.jsonl``, ``.csv`` or ``.parquet`` file, and how to read one.

    Raises:
        InputError: the file is not what its name says; while reading, too.
    """
    readers = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}
    return readers[kind(file) or ""](file)


def parts(file: Path, characters: int) -> Iterator[str]:
    """Yield the text of a ``.txt`` file, so many characters at a time.

    Raises:
        InputError: while reading: it is not text.
    """
    with _opened(file) as stream:
        while part := stream.read(characters):
            if "\0" in part:
                raise InputError(f"{file} is binary, not text; give a file or folder of text")
            yield part


def _json_lines(file: Path) -> Texts:
    def rows() -> Iterator[dict[str, Any]]:
        with _opened(file) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _object(line, f"{file}:{number}")

    def read(column: str) -> Iterator[Any]:
        return (row.get(column) for row in rows())

    first = next(rows(), {})
    return Texts(columns={name: isinstance(value, str) for name, value in first.items()}, read=read)


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON ({error.msg}); each line should be one JSON object") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} is not a JSON object; each line should be one, like {{'text': '...'}}")
    return row


def _csv(file: Path) -> Texts:
    csv.field_size_limit(_LONGEST_FIELD)  # the default refuses documents of over 128 KiB

    def read(column: str) -> Iterator[Any]:
        with _opened(file) as stream:
            yield from (row[column] for row in csv.DictReader(stream))

    with _opened(file) as stream:
        names = csv.DictReader(stream).fieldnames or ()
    return Texts(columns=dict.fromkeys(names, True), read=read)


def _parquet(file: Path) -> Texts:
    def read(column: str) -> Iterator[Any]:
        with _readable(file):
            for batch in pq.ParquetFile(file).iter_batches(columns=[column]):
                yield from batch.column(0).to_pylist()

    with _readable(file):
        schema = pq.read_schema(file)
    return Texts(
        columns={f.name: pa.types.is_string(f.type) or pa.types.is_large_string(f.type) for f in schema}, read=read
    )


@contextmanager
def _opened(file: Path) -> Generator[TextIO]:
    """Open a file as UTF-8 text, decompressed where its name ends in ``.gz``."""
    opener = gzip.open if file.suffix == ".gz" else open
    with _readable(file), opener(file, "rt", encoding="utf-8-sig", newline="") as stream:
        yield stream


@contextmanager
def _readable(file: Path) -> Generator[None]:
    """Turn what reading a file of another kind raises into one line about the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not UTF-8 text (byte {error.object[error.start]:#x}); convert it to UTF-8"
        ) from error
    except (csv.Error, EOFError, OSError, pa.ArrowException, zlib.error) as error:
        raise InputError(f"{file} cannot be read ({error}); check that it is a whole {kind(file)} file") from error
