"""Communities by the server's Graph Data Science library.

1. The edges of one run from a floor on are projected into the server's memory, undirected, weighted by one measure.
   Several runs lie in one graph, so the projection is a query; it is dropped whatever happens.
2. Leiden with a seed, on one thread: with more the same seed gives another partition. Louvain and components have none.
3. The library makes one pass of Leiden, and its start from a given partition is broken (2.13.9). So further passes are
   made here, from what it found (`LocalFinder.improved`): on two million edges they add .013 to a modularity of .831.
4. Whether the heap holds projection and algorithm is asked before, of the library's own estimate.

A projection outlives the process that made it if that was killed. Its name says which process that was, and who comes
next takes away what processes of this machine have left.
"""

import re
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from saedb.cypher.claim import Owner
from saedb.cypher.communities.settings import Algorithm
from saedb.cypher.communities.weighted import Labels, Weighted
from saedb.cypher.connection import Connection
from saedb.ingest.errors import GraphError

if TYPE_CHECKING:
    from graphdatascience import GraphDataScience

    from saedb.cypher.communities.local import LocalFinder

_THREADS: Final = 4
"""As many as the open edition has."""
_RESTING: Final = 300 << 20
"""Bytes of the heap that a server takes that does nothing."""

_LEFT: Final = re.compile(r"saedb:(?P<owner>.+:\d+:[\d.]+):[0-9a-f]{32}")
# The result depends on the order of the nodes, and that of the edges is another after each load.
_ROWS: Final = """
MATCH (s:Feature {run: $run})
WITH s ORDER BY s.depth, s.index
RETURN s, null AS t, 0.0 AS weight
UNION ALL
MATCH (s:Feature {run: $run})-[e:EVOLVES_TO]->(t:Feature)
WHERE e.run = $run AND e.`%s` >= $min_similarity
RETURN s, t, e.`%s` AS weight
"""
_PROJECT: Final = (
    "CALL () {{ {rows} }} RETURN gds.graph.project($name, s, t, {{relationshipProperties: {{weight: weight}}}}, "
    "{{undirectedRelationshipTypes: ['*'], readConcurrency: 1}})"
)
_ESTIMATE: Final = """
CALL gds.%s.stats.estimate(
  {nodeCount: $nodes, relationshipCount: $edges, nodeProjection: '*',
   relationshipProjection: {EVOLVES_TO: {type: '*', orientation: 'UNDIRECTED', properties: 'weight'}}},
  {relationshipWeightProperty: 'weight', concurrency: $threads})
YIELD bytesMin
RETURN bytesMin AS least
"""
_PROJECTION_ESTIMATE: Final = """
CALL gds.graph.project.estimate('*', {EVOLVES_TO: {type: '*', orientation: 'UNDIRECTED', properties: 'weight'}},
                                {nodeCount: $nodes, relationshipCount: $edges})
YIELD bytesMin
RETURN bytesMin AS least
"""
_HEAP: Final = """
CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes
RETURN attributes.HeapMemoryUsage.value.properties.max AS most
"""
_NOTHING_MERGED: Final = "LeidenResult.dendrogramManager()"
"""What OpenGDS 2.13 stumbles over where a resolution is so high that every feature stays alone."""
_PROCEDURES: Final = {"leiden": "leiden", "louvain": "louvain", "components": "wcc"}
# Lists, because the driver takes four times as long for as many rows.
_STREAM: Final = """
CALL gds.%s.stream($graph, $options) YIELD nodeId, %s AS label
RETURN nodeId / 20000 AS part, collect(nodeId) AS nodes, collect(label) AS labels
"""
_PLACES: Final = """
MATCH (f:Feature {run: $run})
RETURN f.sae AS sae, collect(id(f)) AS nodes, collect(f.id) AS ids
"""


class ServerFinder:
    """Finds communities of one projected graph."""

    def __init__(
        self, connection: Connection, name: str, graph: Weighted, place: pd.Series, algorithm: Algorithm, threads: int
    ) -> None:
        """Describe the projection.

        Args:
            connection: the server.
            name: of the projection.
            graph: the same graph on this side.
            place: of each feature, by the database's number of its node.
            algorithm: leiden, louvain or components.
            threads: on the server.
        """
        self._connection = connection
        self._name = name
        self._graph = graph
        self._place = place
        self._algorithm: Algorithm = algorithm
        self._threads = threads

    def find(self, resolution: float, seed: int, *, levels: bool = False) -> list[Labels]:
        """Return a partition, and with `levels` the finer ones that were found on the way to it.

        Args:
            resolution: higher finds more and smaller communities; of Leiden only.
            seed: random seed, of Leiden only.
            levels: whether the finer ones are wanted too.
        """
        found = self.found(resolution, seed, levels=levels)
        if self._algorithm != "leiden":
            return found
        return [self._local.improved(found[0], resolution, seed), *found[1:]]

    @cached_property
    def _local(self) -> "LocalFinder":
        from saedb.cypher.communities.local import LocalFinder  # and with it igraph

        return LocalFinder(self._graph, self._algorithm)

    def found(self, resolution: float, seed: int, *, levels: bool = False) -> list[Labels]:
        """Return the same as the library finds it."""
        options: dict[str, Any] = {"concurrency": self._threads}
        if self._algorithm != "components":
            options |= {"relationshipWeightProperty": "weight", "includeIntermediateCommunities": levels}
        if self._algorithm == "leiden":
            options |= {"gamma": resolution, "randomSeed": seed}
        column = "componentId" if self._algorithm == "components" else "communityId"
        statement = _STREAM % (_PROCEDURES[self._algorithm], "intermediateCommunityIds" if levels else column)
        try:
            parts = self._connection.read(statement, graph=self._name, options=options)
        except GraphError as error:
            if _NOTHING_MERGED not in str(error):
                raise
            return [np.arange(self._graph.size)]
        nodes, labels = (np.concatenate([np.array(part[name]) for part in parts]) for name in ("nodes", "labels"))
        placed = np.empty_like(labels)
        placed[self._place.loc[nodes].to_numpy()] = labels
        return [placed] if placed.ndim == 1 else list(placed.T[::-1])


@contextmanager
def projected(
    connection: Connection, run: str, graph: Weighted, measure: str, min_similarity: float, algorithm: Algorithm,
    *, fast: bool
) -> Generator[ServerFinder]:  # fmt: skip
    """Yield what finds communities on the server, which holds the projected graph until the block ends.

    Args:
        connection: a server that holds the run.
        run: id of the run.
        graph: the same edges on this side; places are those of its features.
        measure: weight of the edges.
        min_similarity: lowest weight of an edge that counts.
        algorithm: leiden, louvain or components.
        fast: whether to use several threads.

    Raises:
        GraphError: the server has no Graph Data Science, or too small a heap.
    """
    threads = _THREADS if fast else 1
    name = f"saedb:{Owner.here()}:{uuid.uuid4().hex}"
    rows = _ROWS % (measure, measure)
    with connection.data_science() as gds:
        _remove_left(connection, gds)
        check_heap(connection, graph.size, len(graph.weight), algorithm, threads)
        try:
            gds.graph.project.cypher(_PROJECT.format(rows=rows), name=name, run=run, min_similarity=min_similarity)
            yield ServerFinder(connection, name, graph, _places(connection, run, graph), algorithm, threads)
        finally:
            gds.graph.drop(name, fail_if_missing=False)


def check_heap(connection: Connection, features: int, edges: int, algorithm: Algorithm, threads: int = 1) -> None:
    """Check that a server can hold a projection of so many features and edges, and the algorithm's own data.

    Raises:
        GraphError: it cannot, by the library's estimate.
    """
    sizes = {"nodes": features, "edges": edges, "threads": threads}
    statements = (_PROJECTION_ESTIMATE, _ESTIMATE % _PROCEDURES[algorithm])
    need = _RESTING + sum(connection.read(statement, **sizes)[0]["least"] for statement in statements)
    try:
        most = connection.read(_HEAP)[0]["most"]
    except GraphError:  # not every login may ask; the library asks again by itself, less clearly
        return
    if need > most:
        raise GraphError(
            f"communities of {edges:,} edges need {need / 2**30:.1f} GB of the server's heap, which has "
            f"{most / 2**30:.1f}; see saedb doctor for how to give it more, raise --min-similarity, or take --engine"
            " local"
        )


def _places(connection: Connection, run: str, graph: Weighted) -> pd.Series:
    """Return the place of each feature by the database's number of its node."""
    place = pd.Series(np.arange(graph.size), index=graph.features["id"])
    parts = connection.read(_PLACES, run=run)
    nodes = [node for part in parts for node in part["nodes"]]
    return pd.Series(place.loc[[id_ for part in parts for id_ in part["ids"]]].to_numpy(), index=nodes)


def _remove_left(connection: Connection, gds: "GraphDataScience") -> None:
    """Drop the projections of processes of this machine that are gone."""
    for row in connection.read("CALL gds.graph.list() YIELD graphName RETURN graphName AS name"):
        name = row["name"]
        match = _LEFT.fullmatch(name)
        if match is not None and Owner.parse(match["owner"]).is_gone():
            gds.graph.drop(name, fail_if_missing=False)
