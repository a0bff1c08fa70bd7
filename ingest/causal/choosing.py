"""Which edges to check: a sample over the whole range of a measure, so that weak edges are judged as well as strong."""

from typing import Final

import numpy as np

from saedb.ingest.measures import BY_NAME
from saedb.ingest.rundir import RunDirectory, edges_file
from saedb.ingest.tables import EDGES

BINS: Final = 10

Edges = list[tuple[str, str]]
"""Ids of source and target."""


def sample(run: RunDirectory, measure: str, per_bin: int, seed: int) -> Edges:
    """Return up to `per_bin` edges of each tenth of a measure's range from 0 to 1, for each pair of SAEs.

    Source: arXiv 2410.08869 draws ten of each bin and layer.
    """
    assert BY_NAME[measure].high == 1.0
    chosen: Edges = []
    for number, (u, d) in enumerate(run.record.pairs):
        edges = run.read(EDGES, edges_file(u, d)).select(["source", "target", measure])
        values = edges[measure].to_numpy()
        bins = np.minimum((values * BINS).astype(np.int64), BINS - 1)
        random = np.random.default_rng([seed, number])
        for of_bin in range(BINS):
            there = np.flatnonzero((bins == of_bin) & (values >= 0))
            drawn = np.sort(random.permutation(there)[:per_bin])
            chosen += zip(*(edges[end].take(drawn).to_pylist() for end in ("source", "target")), strict=True)
    return chosen
