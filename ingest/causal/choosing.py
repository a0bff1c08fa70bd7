"""Which edges to check: a sample over the whole range of a measure, so that weak edges are judged as well as strong."""

from typing import Final

import numpy as np

from saedb.ingest.errors import InputError
from saedb.ingest.measures import MEASURES
from saedb.ingest.rundir import RunDirectory, edges_file
from saedb.ingest.tables import EDGES

BINS: Final = 10
SAMPLED: Final = tuple(measure.name for measure in MEASURES if measure.high == 1.0)
"""Measures that an edge may be sampled by."""

Edges = list[tuple[str, str]]
"""Ids of source and target."""


def sample(run: RunDirectory, measure: str, per_bin: int, seed: int) -> Edges:
    """Return up to `per_bin` edges of each tenth of a measure's range from 0 to 1, for each pair of SAEs.

    The more are asked for, the more are added: those of a smaller sample with the same seed stay.

    Source: arXiv 2410.08869 draws ten of each bin and layer.

    Raises:
        InputError: the measure does not end at 1.
    """
    if measure not in SAMPLED:
        raise InputError(f"no tenths of {measure}; a sample is over one of {', '.join(SAMPLED)}")
    chosen: Edges = []
    for number, (u, d) in enumerate(run.record.pairs):
        edges = run.read(EDGES, edges_file(u, d)).select(["source", "target", measure])
        values = edges[measure].to_numpy()
        bins = np.minimum(np.floor(values * BINS), BINS - 1)  # NaN, where a measure is not known, is in none
        random = np.random.default_rng([seed, number])
        for of_bin in range(BINS):
            there = np.flatnonzero(bins == of_bin)
            drawn = np.sort(random.permutation(there)[:per_bin])
            chosen += zip(*(edges[end].take(drawn).to_pylist() for end in ("source", "target")), strict=True)
    return chosen
