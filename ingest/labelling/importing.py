"""Labels in files become those of a run: matched with its features, counted where they are of none.

Files are read once, from the beginning to the end, and only what is matched is kept.
"""

import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest import tables
from saedb.ingest.errors import InputError
from saedb.ingest.labelling import files
from saedb.ingest.labelling.files import LabelFile
from saedb.ingest.labelling.labelled import Labelled, Tally, UselessError
from saedb.ingest.labelling.rule import AUTO
from saedb.ingest.labelling.targets import Targets
from saedb.ingest.naming import checked_name, name_of
from saedb.ingest.progress import Report
from saedb.ingest.rundir import replacing

_STAGE: Final = "reading labels (kB)"
_PART: Final = 1 << 16
"""Labels that are held as Python's objects."""


@dataclass(slots=True)
class Gathered:
    """What files held."""

    labels: pa.Table
    """Rows of the table of labels, all of rank 0, without a preference."""
    files: int
    read: int = 0
    """Labels that were read, those of no feature among them."""
    misses: Tally = field(default_factory=Tally)
    """Labels of features that the run does not have, by id."""
    useless: Tally = field(default_factory=Tally)
    """Rows that hold no label, with the reason."""
    empty: int = 0
    """Labels without a text."""


def gather(
    given: Sequence[Path],
    targets: Targets,
    ids: Sequence[str],
    *,
    imported: str,
    source: str | None = None,
    misses: Path | None = None,
    report: Report,
) -> Gathered:
    """Return the labels of a run's features that files and folders hold.

    Args:
        given: files, and folders of them.
        targets: the features.
        ids: of the features, by row.
        imported: when, ISO 8601, UTC.
        source: name for all; by default what the file says: its form, or a table's column ``source`` or name.
        misses: file to write all labels to that are of none of the features.
        report: progress, in kB of the files.

    Raises:
        InputError: a file cannot be read, a name is none, or not one label is of a feature.
    """
    if source is not None and checked_name("source", source) == AUTO:
        raise InputError(f"{AUTO} is the source of labels that saedb makes; choose another --source")
    found = files.found(given)
    result = Gathered(labels=tables.LABELS.schema.empty_table(), files=len(found))
    rows = _Rows(np.asarray(ids, dtype=object), imported)
    with _written(misses) as missed:
        for file, where, row in _read(found, report):
            _take(row, where, file, source, targets, rows, result, missed)
    result.labels = rows.table()
    if not result.labels.num_rows:
        raise _nothing(result, targets, given)
    return result


def default_source(file: Path) -> str:
    """Return the name that the labels of a table get."""
    name = file.name.removesuffix(".gz")
    return name_of(name.rpartition(".")[0] or name) or "table"


def _read(found: Sequence[LabelFile], report: Report) -> Iterator[tuple[LabelFile, str, Labelled | UselessError]]:
    done, total = 0, sum(file.size for file in found)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(_STAGE, done >> 10, max(total >> 10, 1))

    for file in found:
        for where, row in files.read(file, advance):
            yield file, where, row


class _Rows:
    """The labels that were matched, in columns."""

    def __init__(self, ids: NDArray[np.object_], imported: str) -> None:
        self._ids = ids
        self._imported = imported
        self._parts: list[pa.Table] = []
        self._found: list[tuple[Any, ...]] = []

    def add(self, row: int, label: Labelled, source: str, file: str) -> None:
        self._found.append((row, label.text, source, label.author, label.method, label.score, file))
        if len(self._found) == _PART:
            self._flush()

    def table(self) -> pa.Table:
        self._flush()
        return pa.concat_tables([tables.LABELS.schema.empty_table(), *self._parts])

    def _flush(self) -> None:
        if not self._found:
            return
        row, text, source, author, method, score, file = zip(*self._found, strict=True)
        count = len(row)
        columns = {
            "feature": self._ids[list(row)],
            "rank": [0] * count,
            "text": text,
            "source": source,
            "author": author,
            "method": method,
            "score": score,
            "file": file,
            "imported": [self._imported] * count,
            "preference": [[]] * count,
        }
        self._parts.append(tables.rows(tables.LABELS, columns))
        self._found = []


def _take(
    row: Labelled | UselessError,
    where: str,
    file: LabelFile,
    source: str | None,
    targets: Targets,
    rows: _Rows,
    result: Gathered,
    missed: Callable[[str, Labelled, str], None] | None,
) -> None:
    """Put a row where it belongs."""
    if isinstance(row, UselessError):
        result.useless.add(f"{where} ({row})")
        return
    result.read += 1
    if not row.text:
        result.empty += 1
        return
    place = targets.row(row.sae, row.feature)
    if place >= 0:
        rows.add(place, row, source or row.source or default_source(file.path), file.name)
        return
    id_ = targets.name(row.sae, row.feature)
    result.misses.add(id_)
    if missed is not None:
        missed(id_, row, where)


@contextmanager
def _written(path: Path | None) -> Generator[Callable[[str, Labelled, str], None] | None]:
    """Yield what writes a label of no feature into a file, which is there when all are."""
    with nullcontext() if path is None else replacing(path) as temporary:
        if temporary is None:
            yield None
            return
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["feature", "label", "where"])

            def write(id_: str, row: Labelled, where: str) -> None:
                writer.writerow([id_, row.text, where])

            yield write


def _nothing(result: Gathered, targets: Targets, given: Sequence[Path]) -> InputError:
    """Return the error for files of which nothing could be taken."""
    where = str(given[0]) if len(given) == 1 else f"{len(given)} files"
    if result.misses.count:
        first = result.misses.first[0]
        return InputError(
            f"none of the {result.misses.count:,} labels in {where} is of a feature of run {targets.run}: they are of "
            f"features such as {first}, the run has such as {targets.example()}; choose another with --run"
        )
    if result.empty:
        return InputError(f"the {result.empty:,} labels in {where} have no text; give the file of explanations")
    first = result.useless.first[0] if result.useless.first else "no rows"
    return InputError(f"{where} holds no labels: {first}; it should be a Neuronpedia export of explanations, or CSV")
