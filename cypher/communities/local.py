"""Communities on this machine, by leidenalg and igraph: for any server, and to check Graph Data Science.

Leiden maximises the modularity with a resolution (`RBConfigurationVertexPartition`; gamma in Graph Data Science) of the
undirected weighted graph, pass after pass, until one adds less than a tolerance to it. By the directed graph it is
asked once, as the paper did. CPM (`CPMVertexPartition`,
Traag et al. 2011) has no resolution limit, and no counterpart on the server.
"""

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import igraph
import leidenalg
import numpy as np

from saedb.cypher.communities.quality import modularity
from saedb.cypher.communities.settings import Algorithm
from saedb.cypher.communities.weighted import Labels, Weighted

_TOLERANCE: Final = 1e-4
_PASSES: Final = 20
"""Most passes from a given partition, of which each adds a fraction of the one before."""


class LocalFinder:
    """Finds communities of one graph."""

    def __init__(self, graph: Weighted, algorithm: Algorithm) -> None:
        self._weighted = graph
        self._graph = igraph.Graph(n=graph.size, edges=np.stack([graph.source, graph.target], axis=1))
        self._algorithm: Algorithm = algorithm

    def find(self, resolution: float, seed: int, *, levels: bool = False) -> list[Labels]:
        """Return a partition, and with `levels` the finer ones after it.

        Args:
            resolution: higher finds more and smaller communities.
            seed: random seed.
            levels: whether finer ones are wanted too, which only Louvain has here.
        """
        match self._algorithm:
            case "leiden":
                return [self._leiden(leidenalg.RBConfigurationVertexPartition, resolution, seed)]
            case "leiden_directed":
                return [self._directed(seed)]
            case "cpm":
                return [self._leiden(leidenalg.CPMVertexPartition, resolution, seed)]
            case "louvain":
                return self._louvain(resolution, seed, levels=levels)
            case "components":
                return [np.array(self._graph.connected_components(mode="weak").membership)]

    def _leiden(self, kind: Any, resolution: float, seed: int) -> Labels:
        found = kind(self._graph, weights=self._weighted.weight, resolution_parameter=resolution)
        optimiser = leidenalg.Optimiser()
        optimiser.set_rng_seed(seed)
        least = _TOLERANCE * 2 * self._weighted.total  # leidenalg does not divide its quality by the weight
        while optimiser.optimise_partition(found, n_iterations=1) > least:
            pass
        return np.array(found.membership)

    def _directed(self, seed: int) -> Labels:
        """Return what leidenalg finds when it is asked for nothing more: two passes (arXiv 2410.08869, section 7)."""
        edges = np.stack([self._weighted.source, self._weighted.target], axis=1)
        directed = igraph.Graph(n=self._weighted.size, edges=edges, directed=True)
        kind: Any = leidenalg.ModularityVertexPartition
        return np.array(leidenalg.find_partition(directed, kind, weights=self._weighted.weight, seed=seed).membership)

    def _louvain(self, resolution: float, seed: int, *, levels: bool) -> list[Labels]:
        graph: Any = self._graph
        with _seeded(seed):
            found = graph.community_multilevel(self._weighted.weight, return_levels=True, resolution=resolution)
        coarsest_first = [np.array(level.membership) for level in reversed(found)]
        return coarsest_first if levels else coarsest_first[:1]

    def improved(self, labels: Labels, resolution: float, seed: int) -> Labels:
        """Return a partition after further passes of Leiden by igraph, until one adds less than a tolerance.

        Args:
            labels: the partition to start from [n].
            resolution: of the modularity that is maximised.
            seed: random seed.
        """
        graph: Any = self._graph
        best, quality = labels, modularity(self._weighted, labels, resolution)
        with _seeded(seed):
            for _ in range(_PASSES):
                found = graph.community_leiden(
                    objective_function="modularity",
                    weights=self._weighted.weight,
                    resolution=resolution,
                    initial_membership=np.unique(best, return_inverse=True)[1].tolist(),
                    n_iterations=1,
                )
                new = np.array(found.membership)
                gain = modularity(self._weighted, new, resolution) - quality
                if gain > 0:
                    best, quality = new, quality + gain
                if gain < _TOLERANCE:
                    break
        return best


@contextmanager
def _seeded(seed: int) -> Generator[None]:
    """Give igraph a seed of its own."""
    igraph.set_random_number_generator(random.Random(seed))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)
