"""The text to analyse: a Hugging Face dataset, local files, or the demo's held-out documents.

A ``.txt`` file is one document; so is each line of a ``.jsonl`` file and each row of a ``.csv`` or ``.parquet``
file. What is no file and no folder is the name of a dataset, ``name`` or ``name:configuration``, and is streamed.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from saedb.ingest import files
from saedb.ingest.document import PIECE, Document
from saedb.ingest.errors import InputError
from saedb.ingest.files import Texts

_INSTEAD: Final = "give a local file or folder of text (.txt, .jsonl, .csv, .parquet) with --dataset"


def documents(
    source: str,
    *,
    column: str | None = None,
    split: str = "train",
    revision: str | None = None,
    blank: bool = False,
) -> Iterator[Document]:
    """Return the documents of a text, in its order.

    Args:
        source: ``demo``, a file, a folder of files (all below it, by path), or the name of a Hugging Face dataset.
        column: the column with the text; the one called ``text``, or the only one with text, when None.
        split: of a Hugging Face dataset.
        revision: of a Hugging Face dataset: branch, tag or commit.
        blank: whether documents of white space alone are among them.

    Raises:
        InputError: the text is missing, empty, binary, or has no column of text; while reading, too.
        DownloadError: a dataset had to be fetched and could not be; while reading, too.
    """
    path = Path(source).expanduser()
    if source == "demo":
        found = _demo()
    elif path.exists():
        found = _local(path, column)
    elif files.kind(path) or source.startswith(("/", "./", "../", "~")):
        raise InputError(f"no file or folder {source}; {_INSTEAD}")
    else:
        found = of_dataset(source, column=column, split=split, revision=revision)
    return _with_text(found, source, blank=blank)


def _demo() -> Iterator[Document]:
    from saedb.ingest.demo.text import excerpts

    return iter(excerpts())


def _local(path: Path, column: str | None) -> Iterator[Document]:
    folder = path if path.is_dir() else path.parent
    found = files.below(path)
    return chain.from_iterable(_file(file, file.relative_to(folder).as_posix(), column) for file in found)


def _file(file: Path, name: str, column: str | None) -> Iterator[Document]:
    if files.kind(file) == ".txt":
        yield _long(name, files.parts(file, PIECE))
    elif (texts := files.texts(file)).columns:
        yield from _rows(texts, name, column)


def _long(name: str, parts: Iterator[str]) -> Document:
    """Return a document that is not read beyond its first part, unless that is blank."""
    text = ""
    for part in parts:
        text += part
        if part.strip():
            break
    return Document(id=name, text=text, more=parts)


def _rows(texts: Texts, name: str, column: str | None) -> Iterator[Document]:
    chosen = _column(texts.columns, column, name)
    for number, value in enumerate(texts.read(chosen), start=1):
        if value is None:
            continue
        if not isinstance(value, str):
            raise InputError(f"{name}:{number} has {type(value).__name__} in column {chosen!r}, not text; see --column")
        yield Document(id=f"{name}:{number}", text=value)


def _column(columns: Mapping[str, bool], asked: str | None, name: str) -> str:
    if asked is not None:
        if asked not in columns:
            raise InputError(f"{name} has no column {asked!r}; it has {', '.join(columns)}")
        return asked
    of_text = [column for column, is_text in columns.items() if is_text]
    if "text" in of_text:
        return "text"
    if len(of_text) == 1:
        return of_text[0]
    found = "several columns" if of_text else "no column"
    raise InputError(f"{name} has {found} of text; choose one with --column from {', '.join(columns)}")


def of_dataset(source: str, *, column: str | None, split: str, revision: str | None) -> Iterator[Document]:
    """Yield the documents of a dataset by the name that `datasets` loads it by; as `documents` otherwise."""
    import datasets

    from saedb.ingest import hub

    name, _, configuration = source.partition(":")
    with hub.fetching(f"dataset {source}", f"there is no such file or folder here; {_INSTEAD}"):
        try:
            dataset: Any = datasets.load_dataset(
                name, configuration or None, split=split, revision=revision, streaming=True
            )
        except (ValueError, RuntimeError) as error:  # no such configuration or split; a dataset made by a script
            reason = " ".join(str(error).split())
            raise InputError(f"dataset {source} cannot be loaded ({reason}); {_INSTEAD}") from error
        first: dict[str, Any] = next(iter(dataset), {})
        columns = {key: isinstance(value, str) for key, value in first.items()}
        texts = Texts(columns=columns, read=lambda chosen: (row[chosen] for row in dataset.select_columns([chosen])))
        if columns:
            yield from _rows(texts, source, column)


def _with_text(found: Iterator[Document], source: str, *, blank: bool) -> Iterator[Document]:
    """Yield the documents that are not blank, or all, and check that there is text."""
    empty = True
    for document in found:
        has_text = bool(document.text.strip())
        empty = empty and not has_text
        if has_text or blank:
            yield document
    if empty:
        raise InputError(f"{source} holds no text; {_INSTEAD}")
