"""From run directories to Neo4j and back: the server, the graph, its loading and its queries. Imports no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saedb.cypher.graph import connect

__all__ = ["connect"]


def __getattr__(name: str) -> Any:
    if name != "connect":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from saedb.cypher.graph import connect  # imports the driver, which most modules here do not need

    return connect
