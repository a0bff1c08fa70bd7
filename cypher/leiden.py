"""Leiden on this machine, by leidenalg: for a server without Graph Data Science, and to check one that has it.

Both maximise the modularity with a resolution (`RBConfigurationVertexPartition`; gamma in Graph Data Science) of the
undirected weighted graph, and stop when a round adds less than the same tolerance to it.
"""

from typing import Final

import igraph
import leidenalg
import numpy as np
import pandas as pd
import pyarrow.compute as pc

from saedb.ingest import rundir, tables
from saedb.ingest.measures import Floats, Integers
from saedb.ingest.progress import Report
from saedb.ingest.rundir import RunDirectory

_TOLERANCE: Final = 1e-4


def partition(
    run: RunDirectory, measure: str, min_similarity: float, resolution: float, seed: int, report: Report
) -> tuple[pd.DataFrame, float]:
    """Return each feature of a run with its community's number, and the modularity of the partition.

    Args:
        run: the run directory; its edge files are read.
        measure: weight of the edges.
        min_similarity: lowest weight of an edge that counts.
        resolution: higher finds more and smaller communities.
        seed: random seed.
        report: progress, in rounds.
    """
    # sorted, because the result depends on the order of the nodes
    features = pd.Index(sorted(run.read(tables.FEATURES, rundir.FEATURES_FILE)["id"].to_pylist()))
    ends, weights = _edges(run, features, measure, min_similarity)
    graph = igraph.Graph(n=len(features), edges=ends)
    found = leidenalg.RBConfigurationVertexPartition(graph, weights=weights, resolution_parameter=resolution)
    optimiser = leidenalg.Optimiser()
    optimiser.set_rng_seed(seed)
    total = 2 * float(weights.sum())  # leidenalg does not divide its quality by it
    rounds = 1
    while optimiser.optimise_partition(found, n_iterations=1) > _TOLERANCE * total:
        report("finding communities", rounds, None)
        rounds += 1
    return pd.DataFrame({"feature": features, "community": found.membership}), found.quality() / total


def _edges(run: RunDirectory, features: pd.Index, measure: str, min_similarity: float) -> tuple[Integers, Floats]:
    """Return the places of both ends [edges, 2] and the weights [edges] of the edges that count."""
    ends, weights = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for name in run.edge_files:
        for part in run.parts(tables.EDGES, name, "source", "target", measure):
            kept = part.filter(pc.field(measure) >= min_similarity)
            places = [features.get_indexer(kept[end].to_pylist()) for end in ("source", "target")]
            ends.append(np.stack(places, axis=1))
            weights.append(kept[measure].to_numpy())
    return np.concatenate(ends), np.concatenate(weights)
