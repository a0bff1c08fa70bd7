"""The attributes of features and edges: of a graph in memory, in JSON, and as XML can hold them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from saedb.cypher.export.selection import KEYS

SIMILARITY: Final = "similarity"
"""The attribute of an edge that holds the measure chosen."""
WEIGHT: Final = "weight"
"""The same number in XML, under the name by which Gephi and Cytoscape know it."""

_CONTROLS: Final = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
"""What XML cannot hold, or reads as something else, as the pictures that Unicode has of it."""
_NO_TEXT: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")

Attributes = dict[str, Any]


def of_features(part: pa.Table) -> Iterator[tuple[str, Attributes]]:
    """Yield the id of each feature and its attributes; what is not known is left out."""
    for row in _rows(part):
        yield row.pop("id"), row


def of_edges(part: pa.Table, measure: str) -> Iterator[tuple[str, str, Attributes]]:
    """Yield the ends of each edge and its attributes: the similarity and every measure."""
    for row in _rows(part.drop_columns(list(KEYS))):
        source, target = row.pop("source"), row.pop("target")
        similarity = {SIMILARITY: row[measure]} if measure in row else {}
        yield source, target, {**similarity, **row}


def for_xml(attributes: Mapping[str, Any]) -> Attributes:
    """Return attributes as XML holds them: lists as JSON, characters that it cannot hold as others."""
    return {name: _for_xml(value) for name, value in attributes.items()}


def weighted(attributes: Attributes) -> Attributes:
    """Return the attributes of an edge with the similarity as its weight, too."""
    return {WEIGHT: attributes[SIMILARITY], **attributes} if SIMILARITY in attributes else attributes


def as_text(value: Any) -> str:
    """Return a list as formats without lists hold it."""
    return json.dumps(value, ensure_ascii=False)


def clean(text: str) -> str:
    """Return a text that XML can hold."""
    return _NO_TEXT.sub("\ufffd", text.translate(_CONTROLS))


def _rows(part: pa.Table) -> Iterator[Attributes]:
    columns = [column.to_pylist() for column in part.columns]
    for values in zip(*columns, strict=True):
        yield {name: value for name, value in zip(part.column_names, values, strict=True) if value is not None}


def _for_xml(value: Any) -> Any:
    value = as_text(value) if isinstance(value, list) else value
    return clean(value) if isinstance(value, str) else value
