"""GraphML and GEXF, part by part: what networkx reads as the graph that it would have written from memory itself.

networkx builds the whole document before it writes; here each feature and edge is written and forgotten.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from saedb.cypher.export.attributes import SIMILARITY, WEIGHT, Attributes, for_xml, of_edges, of_features, weighted
from saedb.cypher.export.selection import EDGE_PROPERTIES, FEATURE_PROPERTIES
from saedb.cypher.schema import Type

_TYPES: Final[Mapping[Type, str]] = {
    "STRING": "string", "INTEGER": "long", "FLOAT": "double", "BOOLEAN": "boolean",
    "LIST<STRING>": "string", "LIST<INTEGER>": "string",
}  # fmt: skip
_OF_NODES: Final = {p.name: _TYPES[p.type] for p in FEATURE_PROPERTIES if p.name != "id"}
_OF_EDGES: Final = {SIMILARITY: "double", **{p.name: _TYPES[p.type] for p in EDGE_PROPERTIES}}

_GRAPHML: Final = """\
<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_GEXF: Final = """\
<?xml version='1.0' encoding='utf-8'?>
<gexf xmlns="http://www.gexf.net/1.2draft" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.gexf.net/1.2draft http://www.gexf.net/1.2draft/gexf.xsd" version="1.2">
<graph defaultedgetype="directed" mode="static" name="">
"""


def write_graphml(
    stream: BinaryIO,
    about: Mapping[str, Any],
    features: Iterable[pa.Table],
    edges: Iterable[pa.Table],
    measure: str,
) -> None:
    """Write a graph as GraphML; each attribute's key is its name behind ``g-``, ``n-`` or ``e-``."""
    about = for_xml(about)
    stream.write(_GRAPHML.encode())
    for scope, types in (
        ("graph", {name: "double" if isinstance(value, float) else "string" for name, value in about.items()}),
        ("node", _OF_NODES),
        ("edge", {WEIGHT: "double", **_OF_EDGES}),
    ):
        keys = (f'<key id="{scope[0]}-{n}" for="{scope}" attr.name="{n}" attr.type="{t}"/>\n' for n, t in types.items())
        stream.write("".join(keys).encode())
    stream.write(f'<graph edgedefault="directed">{_data("g", about)}\n'.encode())
    for part in features:
        nodes = (f"<node id={_quoted(id_)}>{_data('n', for_xml(v))}</node>\n" for id_, v in of_features(part))
        stream.write("".join(nodes).encode())
    for part in edges:
        ends = of_edges(part, measure)
        lines = (f"<edge {_ends(u, d)}>{_data('e', weighted(values))}</edge>\n" for u, d, values in ends)
        stream.write("".join(lines).encode())
    stream.write(b"</graph>\n</graphml>\n")


def write_gexf(
    stream: BinaryIO,
    about: Mapping[str, Any],
    features: Iterable[pa.Table],
    edges: Iterable[pa.Table],
    measure: str,
) -> None:
    """Write a graph as GEXF, which has no place for attributes of the whole graph."""
    del about
    stream.write(_GEXF.encode())
    for class_, types in (("node", _OF_NODES), ("edge", _OF_EDGES)):
        kept = {name: type_ for name, type_ in types.items() if (class_, name) != ("node", "label")}
        declared = (f'<attribute id="{class_[0]}-{n}" title="{n}" type="{t}"/>\n' for n, t in kept.items())
        stream.write(f'<attributes mode="static" class="{class_}">\n{"".join(declared)}</attributes>\n'.encode())
    stream.write(b"<nodes>\n")
    for part in features:
        stream.write("".join(_gexf_nodes(part)).encode())
    stream.write(b"</nodes>\n<edges>\n")
    number = count()
    for part in edges:
        stream.write("".join(_gexf_edges(part, measure, number)).encode())
    stream.write(b"</edges>\n</graph>\n</gexf>\n")


def _gexf_nodes(part: pa.Table) -> Iterator[str]:
    for id_, values in of_features(part):
        shown = for_xml(values)
        label = shown.pop("label", id_)
        yield f"<node id={_quoted(id_)} label={_quoted(label)}>{_attvalues('n', shown)}</node>\n"


def _gexf_edges(part: pa.Table, measure: str, number: "count[int]") -> Iterator[str]:
    for u, d, values in of_edges(part, measure):
        weight = f' weight="{values[SIMILARITY]}"' if SIMILARITY in values else ""
        yield f'<edge {_ends(u, d)} id="{next(number)}"{weight}>{_attvalues("e", values)}</edge>\n'


def _data(scope: str, values: Attributes) -> str:
    return "".join(f'<data key="{scope}-{name}">{escape(_text(value))}</data>' for name, value in values.items())


def _attvalues(scope: str, values: Attributes) -> str:
    found = (f'<attvalue for="{scope}-{name}" value={_quoted(_text(value))}/>' for name, value in values.items())
    return f"<attvalues>{''.join(found)}</attvalues>"


def _ends(source: str, target: str) -> str:
    return f"source={_quoted(source)} target={_quoted(target)}"


def _quoted(text: str) -> str:
    return quoteattr(text)  # line ends and tabs as references, which a reader would else turn into blanks


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
