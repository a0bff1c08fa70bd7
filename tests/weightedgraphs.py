"""Graphs with known communities, without a run."""

import numpy as np
import pandas as pd

from saedb.cypher.communities.weighted import Labels, Weighted


def graph(size: int, edges: list[tuple[int, int, float]]) -> Weighted:
    """Return a graph of features of one layer."""
    source, target, weight = zip(*edges, strict=True) if edges else ((), (), ())
    features = pd.DataFrame({"id": [f"m/0-s/{i}" for i in range(size)], "sae": "0-s", "layer": 0, "index": range(size)})
    return Weighted(
        features=features.assign(label=None, top_tokens=None),
        source=np.array(source, np.int64),
        target=np.array(target, np.int64),
        weight=np.array(weight, np.float64),
    )


def planted(groups: int, each: int, inside: float, outside: float, seed: int = 0) -> tuple[Weighted, Labels]:
    """Return a graph of groups of features, and the group of each.

    Two of one group are joined with the probability `inside`, others with `outside`; weights are from 0.1 to 1.
    """
    random = np.random.default_rng(seed)
    truth = random.permutation(np.repeat(np.arange(groups), each))
    source, target = np.triu_indices(len(truth), 1)
    chosen = random.random(len(source)) < np.where(truth[source] == truth[target], inside, outside)
    weight = random.uniform(0.1, 1.0, int(chosen.sum()))
    edges = list(zip(source[chosen].tolist(), target[chosen].tolist(), weight.tolist(), strict=True))
    return graph(len(truth), edges), truth
