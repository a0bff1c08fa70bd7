"""Where a graph is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from saedb.ingest.errors import GraphError

DATABASE: Final = "neo4j"
USERNAME: Final = "neo4j"

_SCHEMES: Final = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server, a database on it, and the login."""

    uri: str
    username: str
    password: str = field(repr=False)
    database: str
    origin: str
    """Why this server, for people: the first line that a command writes."""
    home: Path | None = None
    """The home of a local server, whose store can be rebuilt."""


def checked(uri: str) -> str:
    """Return a server's address as it was given.

    Raises:
        GraphError: it is none, or holds a login, which the message does not repeat.
    """
    if "@" in uri:
        raise GraphError(
            "the server's address holds a login, which would end up in logs; write it without, such as "
            "bolt://127.0.0.1:7687, and set NEO4J_USERNAME and NEO4J_PASSWORD"
        )
    if uri.partition("://")[0] not in _SCHEMES:
        raise GraphError(no_address(uri, "it begins otherwise"))
    return uri


def no_address(uri: str, reason: str) -> str:
    """Return the line for a server's address that cannot be one."""
    return f"{uri!r} is no address of a Neo4j server ({reason}); one looks like bolt://127.0.0.1:7687"
