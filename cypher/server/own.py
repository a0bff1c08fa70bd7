"""The user's own settings of the local server: lines ``name=value`` in ``own.conf``, kept over every start."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from saedb.ingest.errors import ServerError

HEAP: Final = "server.memory.heap.max_size"
PAGE_CACHE: Final = "server.memory.pagecache.size"
TRANSACTIONS: Final = "dbms.memory.transaction.total.max"

_LINE: Final = re.compile(r"(?P<name>[a-z][\w.-]*) *= *(?P<value>.*?) *", re.ASCII | re.IGNORECASE)
_SIZE: Final = re.compile(r"(?P<number>[1-9]\d{0,11}) *(?P<unit>[kmgt]?)(i?b)?", re.IGNORECASE)
_UNITS: Final = {"": 2**-20, "k": 2**-10, "m": 1, "g": 2**10, "t": 2**20}

_ELSEWHERE: Final = "the local server answers this machine only; for others run a Neo4j of your own"
_REFUSED: Final = (
    (r".*listen_address", _ELSEWHERE),
    (r"dbms\.security\.auth_enabled", "the local server always asks for the password"),
    (r"server\.directories\..*", "its folders lie in the home; choose another with --home"),
    (r"(server\.jvm\.additional|server\.memory\.heap\.initial_size)", f"of Java's options only {HEAP} can be set"),
    (r"server\.(bolt|http)\.enabled|initial\.dbms\.default_database", "saedb and Neo4j Browser rely on it"),
)


def read(file: Path) -> dict[str, str]:
    """Return the settings of a file, none where there is no file.

    Raises:
        ServerError: a line is no setting, or one that the local server rests on.
    """
    if not file.exists():
        return {}
    settings: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, value = _setting(line.strip(), f"{file}, line {number}")
            if name in settings:
                raise ServerError(f"{file}, line {number}: {name} stands there twice; delete one of them")
            settings[name] = value
    return settings


def megabytes(settings: Mapping[str, str], name: str) -> int | None:
    """Return a size in MB, or None where it is not set."""
    match = _SIZE.fullmatch(settings.get(name, ""))
    return int(int(match["number"]) * _UNITS[match["unit"].lower()]) if match else None


def _setting(line: str, place: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    # A comment behind a value would become a part of it, and a backslash at the end take in the next line.
    if match is None or not match["value"] or " #" in line or line.endswith("\\"):
        raise ServerError(
            f"{place}: {line[:100]!r} is no setting; write name=value, and comments on lines of their own"
        )
    name, value = match["name"], match["value"]
    for pattern, reason in _REFUSED:
        if re.fullmatch(pattern, name):
            raise ServerError(f"{place}: {name} cannot be set ({reason}); delete the line")
    if name == "server.bolt.tls_level" and value.upper() == "REQUIRED":
        raise ServerError(f"{place}: saedb itself connects without TLS; write {name}=OPTIONAL")
    if name in (HEAP, PAGE_CACHE, TRANSACTIONS) and not megabytes({name: value}, name):
        raise ServerError(f"{place}: {value[:100]!r} is no size of at least 1 MB; write one such as {name}=4g")
    return name, value
