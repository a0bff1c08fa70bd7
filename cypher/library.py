"""The library of queries: those that come with saedb, and the user's own folders."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from saedb.cypher import header, program
from saedb.cypher.nearest import suggestion
from saedb.cypher.query import Query
from saedb.ingest.errors import InputError

GROUPS: Final = ("evolution", "gates", "communities", "edges", "features", "prompts")
"""The groups of the shipped queries, in the order of a list."""


def library(folders: Sequence[Path] = ()) -> dict[str, Query]:
    """Return the queries by name, in the order of a list: shipped ones, then those of `folders` and ``SAEDB_QUERIES``.

    Raises:
        InputError: a folder is missing, a file breaks the rules of its header, or a name is taken.
    """
    queries = dict(shipped())
    for folder in (*folders, *_from_environment()):
        for query in _in(folder):
            if query.name in queries:
                other = queries[query.name].file
                raise InputError(f"{query.file} has the name of another query ({other}); rename it")
            queries[query.name] = query
    return dict(sorted(queries.items(), key=lambda item: _place(item[1])))


def find(name: str, folders: Sequence[Path] = ()) -> Query:
    """Return one query.

    Raises:
        InputError: there is none of this name; the message suggests the nearest.
    """
    queries = library(folders)
    if name not in queries:
        raise InputError(f"no query {name!r}; {suggestion(name, queries)} (all: saedb query)")
    return queries[name]


@cache
def shipped() -> Mapping[str, Query]:
    """Return the queries that come with saedb."""
    return MappingProxyType({query.name: query for query in _in(Path(str(files("saedb.cypher") / "queries")))})


def _in(folder: Path) -> list[Query]:
    if not folder.is_dir():
        raise InputError(f"no folder of queries at {folder}; name one that holds .cypher or .py files")
    return list(_parsed(folder))


def _parsed(folder: Path) -> Iterator[Query]:
    for file in sorted(folder.iterdir()):
        if file.suffix == ".cypher":
            yield header.parse(_text(file), file)
        elif file.suffix == program.SUFFIX and program.is_query(text := _text(file)):
            yield header.parse(text, file)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text ({error.reason} at byte {error.start})") from error


def _from_environment() -> list[Path]:
    return [Path(part).expanduser() for part in os.environ.get("SAEDB_QUERIES", "").split(os.pathsep) if part]


def _place(query: Query) -> tuple[int, str, str]:
    """Sort shipped groups first, in their order; within a group by name."""
    return (GROUPS.index(query.group) if query.group in GROUPS else len(GROUPS), query.group, query.name)
