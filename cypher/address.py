"""Where a graph is."""

from dataclasses import dataclass, field
from typing import Final

DATABASE: Final = "neo4j"
USERNAME: Final = "neo4j"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server, a database on it, and the login."""

    uri: str
    username: str
    password: str = field(repr=False)
    database: str
    origin: str
    """Why this server, for people: the first line that a command writes."""
