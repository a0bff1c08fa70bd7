"""Files of labels: which there are, and what each holds. What a file is, is told by what is in it, not by its name."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from saedb.ingest.errors import InputError
from saedb.ingest.labelling.columns import table_rows
from saedb.ingest.labelling.labelled import Rows, UselessError
from saedb.ingest.labelling.neuronpedia import labels_in

_SUFFIXES: Final = (".jsonl", ".json", ".csv", ".tsv")
_EXPLANATIONS: Final = "explanations"
"""How the folders of explanations begin in Neuronpedia's exports; beside them lie activations."""

_HEAD: Final = 1 << 16
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_DIGITS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile:
    """One file to read."""

    path: Path
    name: str
    """From the folder on that was asked for."""
    size: int


def found(given: Sequence[Path]) -> list[LabelFile]:
    """Return files, and those of labels in folders; in a folder of exports those of explanations.

    Raises:
        InputError: there is no such file or folder, or none in a folder.
    """
    return [file for path in given for file in (_below(path) if path.is_dir() else [_file(path, path.name)])]


def read(file: LabelFile, advance: Callable[[int], None]) -> Rows:
    """Yield what a file holds, with its name and place in it; `advance` is called with the bytes newly read.

    Raises:
        InputError: the file cannot be read, or is nothing that holds labels.
    """
    with _opened(file, advance) as stream:
        head = stream.peek(_HEAD)[:_HEAD].removeprefix(_BOM).lstrip()
        _check(head, file.path)
        rows = _json(stream, file.path) if head[:1] in (b"{", b"[") else table_rows(cast("BinaryIO", stream), file.path)
        for place, row in rows:
            yield f"{file.name}{place}", row


def _below(folder: Path) -> list[LabelFile]:
    inside = [path for path in folder.rglob("*") if path.is_file() and _is_known(path)]
    explained = [path for path in inside if _is_explanation(path.relative_to(folder))]
    if folder.name.startswith(_EXPLANATIONS) or not explained:
        explained = inside
    if not explained:
        raise InputError(
            f"no labels in folder {folder}; it should have files of {', '.join(_SUFFIXES)}, or these with .gz, such as "
            "explanations/batch-0.jsonl.gz of a Neuronpedia export"
        )
    ordered = sorted(explained, key=lambda path: _natural(path.relative_to(folder)))
    return [_file(path, (folder.name / path.relative_to(folder)).as_posix()) for path in ordered]


def _is_known(path: Path) -> bool:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def _is_explanation(path: Path) -> bool:
    return any(part.startswith(_EXPLANATIONS) for part in path.parts[:-1])


def _natural(path: Path) -> list[Any]:
    """Return a key by which batch-2 comes before batch-10."""
    return [[int(piece) if piece.isdecimal() else piece for piece in _DIGITS.split(part)] for part in path.parts]


def _file(path: Path, name: str) -> LabelFile:
    try:
        return LabelFile(path=path, name=name, size=path.stat().st_size)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


class _Counted(io.RawIOBase):
    """A file that tells how many bytes were read."""

    def __init__(self, raw: io.FileIO, advance: Callable[[int], None]) -> None:
        self._raw = raw
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer) or 0
        self._advance(count)
        return count


@contextmanager
def _opened(file: LabelFile, advance: Callable[[int], None]) -> Generator["io.BufferedReader[Any]"]:
    """Open a file, decompressed where its content is; what goes wrong is told in one line."""
    path = file.path
    try:
        with path.open("rb", buffering=0) as raw:
            stream: io.BufferedReader[Any] = io.BufferedReader(_Counted(raw, advance), _HEAD)
            if stream.peek(2)[:2] == _GZIP:
                stream = io.BufferedReader(cast("Any", gzip.GzipFile(fileobj=stream)), _HEAD)
            yield stream
    except EOFError as error:
        raise InputError(f"{path} ends too early: it was not downloaded whole; fetch it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged ({error}); fetch it again") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def _check(head: bytes, path: Path) -> None:
    """Check the beginning of a file.

    Raises:
        InputError: it is of a file that holds no labels.
    """
    if not head:
        raise InputError(f"{path} is empty; fetch it again")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path} is UTF-16 text; save it as UTF-8")
    if b"\0" in head:
        raise InputError(f"{path} is binary; give JSON lines of a Neuronpedia export, JSON or CSV, or these with .gz")
    if head[:1] == b"<":
        raise InputError(f"{path} is a web page, not the file itself; download that")


def _json(stream: "io.BufferedReader[Any]", path: Path) -> Rows:
    """Yield the labels of JSON lines, or of one JSON value of many lines."""
    first, second = stream.readline(), stream.readline()
    if second.strip() and not _is_json(first) and not _is_json(second):
        yield from _of(_whole(first + second + stream.read(), path), "")
        return
    for place, line in enumerate(_lines(first, second, stream), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.removeprefix(_BOM))
        except (ValueError, RecursionError) as error:
            yield f":{place}", UselessError(f"no JSON ({getattr(error, 'msg', None) or type(error).__name__})")
        else:
            yield from _of(value, f":{place}")


def _lines(first: bytes, second: bytes, stream: "io.BufferedReader[Any]") -> Iterator[bytes]:
    yield from (first, second)
    yield from stream


def _of(value: Any, where: str) -> Rows:
    return ((f"{where}{place}", row) for place, row in labels_in(value))


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.removeprefix(_BOM))
    except (ValueError, RecursionError):
        return False
    return True


def _whole(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content.removeprefix(_BOM))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}); fetch it again") from error
