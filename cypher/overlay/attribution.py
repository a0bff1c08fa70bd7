"""Attribution graphs of one prompt, as circuit-tracer and Neuronpedia write them.

A file has ``metadata``, ``nodes`` and ``links``. Which feature a node is stands there twice: its ``node_id`` is
``{layer}_{index}_{position}``, and ``feature`` the Cantor pair of layer and index. Files before the Cantor pair have
``layer * 10^n + index`` there, or the index alone, so the id goes first and the pair is for ids of another form.

The error of a layer's reconstruction is ``{layer}_-1_{position}``; in older files ``0_{layer}_{position}``, which is
the id of a feature of layer 0, too. Where a file has both, links of that id are ambiguous. Embeddings are
``E_{token}_{position}``, logits ``{layer}_{token}_{position}`` with a layer behind the last.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, isqrt
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from saedb.ingest.errors import InputError

Kind = Literal["feature", "embedding", "logit", "error", "unreadable"]

_EXPECTED: Final = "an attribution graph is the JSON file of circuit-tracer or of Neuronpedia, with nodes and links"
_NO_FEATURE: Final = -1
"""The ``feature`` of an error."""


class Link(NamedTuple):
    """One attribution, between ids of nodes."""

    source: str
    target: str
    weight: float | None


@dataclass(frozen=True, slots=True)
class Node:
    """What an id of a node stands for."""

    kind: Kind
    layer: int | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionGraph:
    """What a file holds; texts are those of its metadata, None where it does not say."""

    slug: str | None
    model: str | None
    source_set: str | None
    """Neuronpedia's name for the dictionaries whose features the nodes are."""
    prompt: str | None
    rows: list[Node]
    """Every node of the file."""
    nodes: Mapping[str, Node]
    """The nodes by id."""
    ambiguous: frozenset[str]
    """Ids of which the file has nodes that are not the same."""
    links: list[Link]


def read(file: Path) -> AttributionGraph:
    """Return the attribution graph of a file.

    Raises:
        InputError: it cannot be read, or is no attribution graph.
    """
    found = _json(file)
    rows, links = (_listed(found, name, file) for name in ("nodes", "links"))
    nodes: dict[str, Node] = {}
    ambiguous: set[str] = set()
    kinds: list[Node] = []
    for row in rows:
        id_, node = _node(row)
        kinds.append(node)
        if id_ is not None and nodes.setdefault(id_, node) != node:
            ambiguous.add(id_)
    metadata = _object(found.get("metadata"))
    details, info = _object(metadata.get("feature_details")), _object(metadata.get("info"))
    return AttributionGraph(
        slug=_text(metadata.get("slug")),
        model=_text(metadata.get("scan")),
        source_set=_text(details.get("neuronpedia_source_set")) or _text(info.get("neuronpedia_source_set")),
        prompt=_text(metadata.get("prompt")),
        rows=kinds,
        nodes=nodes,
        ambiguous=frozenset(ambiguous),
        links=[link for link in links if isinstance(link, Link)],
    )


def paired(layer: int, index: int) -> int:
    """Return the Cantor pair of a layer and an index."""
    return (layer + index) * (layer + index + 1) // 2 + index


def unpaired(number: int) -> tuple[int, int]:
    """Return the layer and index of a Cantor pair, at least 0."""
    diagonal = (isqrt(8 * number + 1) - 1) // 2
    index = number - diagonal * (diagonal + 1) // 2
    return diagonal - index, index


def _json(file: Path) -> dict[str, Any]:
    ids: dict[str, str] = {}

    def built(pairs: list[tuple[str, Any]]) -> Any:
        """Return an object; a link as so little that millions fit into memory."""
        row = dict(pairs)
        if "source" not in row or "target" not in row:
            return row
        source, target = (str(row[end]) for end in ("source", "target"))
        return Link(ids.setdefault(source, source), ids.setdefault(target, target), _number(row.get("weight")))

    try:
        found = json.loads(file.read_bytes(), object_pairs_hook=built)
    except FileNotFoundError:
        raise InputError(f"no file {file}; {_EXPECTED}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text (byte {error.start}); {_EXPECTED}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{file} is damaged or no JSON ({error.msg}, {where}); {_EXPECTED}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets of thousands of levels
        raise InputError(f"{file} is no JSON that can be read ({error}); {_EXPECTED}") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} holds no JSON object; {_EXPECTED}")
    return found


def _listed(found: Mapping[str, Any], name: str, file: Path) -> Iterable[Any]:
    value = found.get(name)
    if not isinstance(value, list):
        raise InputError(f"{file} has no list of {name}; {_EXPECTED}")
    return value


def _node(row: Any) -> tuple[str | None, Node]:
    """Return the id of a node, and what it is."""
    if not isinstance(row, dict) or row.get("node_id") is None:
        return None, Node("unreadable")
    id_ = str(row["node_id"])
    layer, number = _integer(row.get("layer")), _integer(row.get("feature"))
    kind = _kind(row, id_, number)
    if kind != "feature":
        return id_, Node(kind, layer)
    index = _index(id_, layer, number)
    return id_, Node("unreadable") if index is None else Node("feature", layer, index)


def _kind(row: Mapping[str, Any], id_: str, number: int | None) -> Kind:
    type_ = str(row.get("feature_type", "")).lower()
    if "error" in type_ or number == _NO_FEATURE or f"_{_NO_FEATURE}_" in id_:
        return "error"
    if "embedding" in type_ or row.get("layer") == "E":
        return "embedding"
    if "logit" in type_ or str(row.get("jsNodeId", "")).startswith("L_"):
        return "logit"
    return "feature"


def _index(id_: str, layer: int | None, number: int | None) -> int | None:
    """Return the index of a feature within its layer, or None where the node does not say."""
    parts = [_integer(part) for part in id_.split("_")]
    if len(parts) == 3 and None not in parts and parts[0] == layer:
        index = parts[1]
    elif number is not None and number >= 0 and unpaired(number)[0] == layer:
        index = unpaired(number)[1]
    else:
        return None
    return index if index is not None and index >= 0 else None


def _integer(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool | float) else int(value)
    except (TypeError, ValueError):
        return None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if is_number else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """Return a text; half a surrogate pair, which JSON can hold, becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and value else None
