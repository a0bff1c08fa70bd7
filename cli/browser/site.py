"""What every page of the feature browser is given: the graph, the run of its address, links and colours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode

from dash import Output
from plotly.colors import qualitative

from saedb.cli.browser.kept import Kept
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.ingest.errors import InputError

GREY: Final = "#b4bcc5"
"""The colour of what is in no community."""
_PALETTE: Final = (*qualitative.D3, *qualitative.Dark2, *qualitative.Set2)

_LONGEST: Final = 8000
"""Characters of an address beyond which it is no state of a page."""

SEARCH: Final = Output("address", "search", allow_duplicate=True)
SHOWN: Final = Output("shown", "data", allow_duplicate=True)
"""A page whose state changed by itself gives `SEARCH` and `SHOWN` what `Site.moved` returns: the address then holds the
state, and the page is not made anew. Where only `SEARCH` is given, it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The graph behind the pages; every page reads it in read access mode."""

    connection: Connection
    kept: Kept = field(default_factory=Kept)
    """What took long to find, and never changes."""

    @property
    def graph(self) -> Graph:
        """The ready runs of the database."""
        return Graph(self.connection)

    def run(self, query: Mapping[str, str]) -> str:
        """Return the id of the run that an address names, else of the newest.

        Raises:
            SaedbError: there is no such run, or none at all, or the server does not answer.
        """
        return self.graph.run_id(query.get("run") or None)

    def href(self, path: str, **query: object) -> str:
        """Return the address of a page; values that are None are left out."""
        return path + search(query)

    def moved(self, path: str, **query: object) -> tuple[str, str]:
        """Return what a page whose state has changed gives `SEARCH` and `SHOWN`."""
        text = search(query)
        return text, path + text

    def colour(self, community: int | None) -> str:
        """Return the colour of a community of this number: always the same one."""
        return GREY if community is None else _PALETTE[community % len(_PALETTE)]


def search(query: Mapping[str, object]) -> str:
    """Return the part of an address that begins with a question mark; empty where nothing is asked."""
    asked = urlencode({name: _text(value) for name, value in query.items() if value is not None})
    return f"?{asked}" if asked else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@lru_cache(maxsize=64)
def parsed(text: str) -> Mapping[str, str]:
    """Return the values in what `search` has made, by name; of a name given twice the last one.

    Raises:
        InputError: it is too long to be one.
    """
    if len(text) > _LONGEST:
        raise InputError(f"this address has {len(text):,} characters; a page's has at most {_LONGEST:,}")
    return dict(parse_qsl(text.removeprefix("?"), keep_blank_values=True))
