"""A graph in memory, as networkx holds it, and its own writers for graphs that fit there."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa

from saedb.cypher.export.attributes import for_xml, of_edges, of_features, weighted

if TYPE_CHECKING:
    from networkx import DiGraph

LARGEST: Final = 50_000
"""Features and edges up to which networkx writes GraphML and GEXF: it needs some 12 kB for each."""


def digraph(
    about: Mapping[str, Any], features: Iterable[pa.Table], edges: Iterable[pa.Table], measure: str
) -> "DiGraph[str]":
    """Return a graph with the attributes of its features and edges; each edge has its ``similarity``, too."""
    import networkx as nx  # takes a while

    graph: DiGraph[str] = nx.DiGraph(**about)
    for part in features:
        graph.add_nodes_from(of_features(part))
    for part in edges:
        graph.add_edges_from(of_edges(part, measure))
    return graph


def write_graphml(stream: BinaryIO, graph: "DiGraph[str]") -> None:
    """Write a graph as GraphML."""
    import networkx as nx

    nx.write_graphml(_for_xml(graph), stream)


def write_gexf(stream: BinaryIO, graph: "DiGraph[str]") -> None:
    """Write a graph as GEXF, which has no place for attributes of the whole graph."""
    import networkx as nx

    nx.write_gexf(_for_xml(graph), stream)


def _for_xml(graph: "DiGraph[str]") -> "DiGraph[str]":
    import networkx as nx

    changed: DiGraph[str] = nx.DiGraph(**for_xml(graph.graph))
    changed.add_nodes_from((id_, for_xml(values)) for id_, values in graph.nodes(data=True))
    changed.add_edges_from((u, d, weighted(values)) for u, d, values in graph.edges(data=True))
    return changed
