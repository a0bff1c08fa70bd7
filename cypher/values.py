"""Values that a statement returns, as JSON holds them and as people read them."""

import json
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from neo4j.graph import Node, Path, Relationship

_TELLING: Final = ("id", "label", "status", "size", "pearson")
"""Properties that tell nodes and edges apart; a table has no space for the others."""


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: nodes, relationships and paths as objects, times as ISO 8601, NaN as null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case list() | tuple():  # a point is a tuple of its coordinates
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case bytes():
            return value.hex()
        case _:
            return _plain_entity(value)


def text(value: Any) -> str:
    """Return a value as Cypher writes it, of nodes and relationships only what tells them apart."""
    match value:
        case list() | tuple():
            return f"[{', '.join(text(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}: {text(item)}' for key, item in value.items())}}}"
        case float():
            return f"{value:.4g}"
        case None | bool() | int() | str() | bytes():
            return json.dumps(plain(value), ensure_ascii=False)
        case _:
            return _entity_text(value)


def _plain_entity(value: Any) -> Any:
    from neo4j.graph import Node, Path, Relationship  # takes long to import, and has made such a value

    match value:
        case Node():
            return {"labels": sorted(value.labels), "properties": plain(dict(value))}
        case Relationship():
            # of ends that came without their properties, which are empty and so false, nothing is known
            start, end = (None if node is None else node.get("id") for node in value.nodes)
            return {"type": value.type, "start": start, "end": end, "properties": plain(dict(value))}
        case Path():
            edges = [plain(edge) for edge in value.relationships]
            return {"nodes": [plain(node) for node in value.nodes], "relationships": edges}
        case _:
            return value.iso_format()


def _entity_text(value: Any) -> str:
    from neo4j.graph import Node, Path, Relationship

    match value:
        case Node():
            return f"({''.join(f':{label}' for label in sorted(value.labels))}{_shown(value)})"
        case Relationship():
            return f"[:{value.type}{_shown(value)}]"
        case Path():
            return _path(value)
        case _:
            return value.iso_format()


def _path(path: "Path") -> str:
    steps = zip(path.relationships, path.nodes[1:], strict=True)
    parts = (f"-{text(e)}->{text(n)}" if e.end_node == n else f"<-{text(e)}-{text(n)}" for e, n in steps)
    return text(path.nodes[0]) + "".join(parts)


def _shown(entity: "Node | Relationship") -> str:
    kept = {name: entity[name] for name in _TELLING if name in entity}
    return f" {text(kept)}" if kept else ""
