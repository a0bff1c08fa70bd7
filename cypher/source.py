"""The text of a query file, taken apart: the lines of its header, and what answers the query below them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from saedb.cypher import statement
from saedb.ingest.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of a query."""

    file: Path
    header: tuple[tuple[int, str], ...]
    """Number and text of each line of the header, without comment marks."""
    cypher: str | None
    """The statement; None where the file is Python."""
    used: Mapping[str, int]
    """The parameters that are used below the header, and on which line first."""
    bare: Mapping[str, int]
    """Those that stand in the statement otherwise than as the name of a property."""

    @property
    def last(self) -> int:
        """The number of the header's last line."""
        return self.header[-1][0] if self.header else 1


def fail(file: Path, line: int, message: str) -> NoReturn:
    """Raise an `InputError` that begins with file and line."""
    raise InputError(f"{file}:{max(line, 1)}: {message}")


def of_statement(text: str, file: Path) -> Source:
    """Return a ``.cypher`` file taken apart: comment lines, then one statement, which may end by ``;``.

    Raises:
        InputError: there are several statements below the header.
    """
    header = tuple(_comments(text))
    cypher = "\n".join(text.splitlines()[len(header) :]).strip()
    end = statement.end(cypher)
    if end is not None:
        if cypher[end + 1 :].strip():
            fail(file, _line(cypher, end, len(header)), "a file holds one statement")
        cypher = cypher[:end].rstrip()
    found = list(statement.parameters(cypher))[::-1]  # so that the first place of each stays
    return Source(
        file=file,
        header=header,
        cypher=cypher,
        used={name: _line(cypher, place, len(header)) for name, place in found},
        bare={name: _line(cypher, place, len(header)) for name, place in found if cypher[max(place - 1, 0)] != "."},
    )


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("//"):
            return
        yield number, line[2:].strip()


def _line(cypher: str, place: int, above: int) -> int:
    return above + 1 + cypher.count("\n", 0, place)
