"""Labels in tables of text: CSV, and the same with tabs or semicolons. Columns are found by name."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from saedb.ingest.errors import InputError
from saedb.ingest.labelling.labelled import Labelled, Rows, UselessError, cleaned, name_in, number, whole_number
from saedb.ingest.naming import name_of

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "label": ("label", "explanation", "description", "text"),
    "layer": ("layer", "sae"),
    "index": ("index", "feature_index", "feature", "idx", "latent"),
    "id": ("id", "feature_id", "feature"),
    "author": ("author", "explanationmodelname", "model"),
    "method": ("method", "typename"),
    "score": ("score",),
    "source": ("source",),
}
"""What a column may be called, by what it holds; without regard to case, and spaces and hyphens count as _."""

_LONGEST_FIELD: Final = 1 << 24
_TELLS: Final = (",", "\t", ";")


def table_rows(stream: BinaryIO, file: Path) -> Rows:
    """Yield the rows of a table, each with the line on which it ends.

    Raises:
        InputError: it is not UTF-8, or has no header with the columns of a label.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        header = text.readline()
        separator = max(_TELLS, key=header.count)
        names = next(csv.reader([header], delimiter=separator), [])
        columns = _columns(names, file)
        reader = csv.reader(text, delimiter=separator)
        for row in reader:
            if row:
                yield f":{reader.line_num + 1}", _label(row, columns)
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text (byte {error.object[error.start]:#x}); save it as UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{file} cannot be read as a table ({error}); check that it is whole") from error


def _columns(header: Sequence[str], file: Path) -> Mapping[str, int]:
    """Return the place of each column that is known, by what it holds."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        places.setdefault("_".join(name.strip().lower().replace("-", " ").replace("_", " ").split()), place)
    found = {what: next((places[n] for n in names if n in places), -1) for what, names in NAMES.items()}
    found = {what: place for what, place in found.items() if place >= 0}
    is_placed = {"layer", "index"} <= found.keys() or "id" in found
    if "label" in found and is_placed:
        return found
    shown = ", ".join(repr(name[:40]) for name in header[:8])
    raise InputError(
        f"{file} begins with {shown}; its first line should name the columns: feature (an id such as "
        "gpt2-small/6-res-jb/2320) and label; or layer, index and label"
    )


def _label(row: Sequence[str], columns: Mapping[str, int]) -> Labelled | UselessError:
    if len(row) <= max(columns.values()):
        return UselessError(f"{len(row)} cells, the header has more")
    cells = {what: row[place].strip() for what, place in columns.items()}
    try:
        sae, index = _place(cells)
    except UselessError as error:
        return error
    return Labelled(
        sae=sae,
        feature=index,
        text=cleaned(cells["label"]),
        author=name_in(cells.get("author")),
        method=name_in(cells.get("method")),
        score=number(cells.get("score")),
        source=name_of(cells.get("source", "")) or None,
    )


def _place(cells: Mapping[str, str]) -> tuple[str, int]:
    if "layer" in cells and "index" in cells:
        if not cells["layer"]:
            raise UselessError("no layer")
        return cells["layer"], whole_number(cells["index"], "index")
    sae, slash, index = cells["id"].rpartition("/")
    if not slash:
        raise UselessError(f"{cells['id'][:40]!r} is no id such as gpt2-small/6-res-jb/2320")
    return sae, whole_number(index, "index")
