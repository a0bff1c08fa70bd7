"""The edges of a run from a floor on, as an undirected graph weighted by one measure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher import contents, measured
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME, MEASURES, Floats, Integers
from saedb.ingest.rundir import RunDirectory

Labels = Integers
"""Of a partition: the community of each feature [n], by any number that tells it from the others."""


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """The graph in which communities are found. A feature's place is its rank in the order of the model."""

    features: pd.DataFrame
    """``id``, ``sae``, ``layer``, ``index``, ``label`` and ``top_tokens`` by place [n]."""
    source: Integers
    """Place of one end of each edge [edges]."""
    target: Integers
    weight: Floats
    """Above 0."""

    @property
    def size(self) -> int:
        """Number of features, those without an edge among them."""
        return len(self.features)

    @cached_property
    def strength(self) -> Floats:
        """Sum of the weights of each feature's edges [n]."""
        return strengths(self.source, self.target, self.weight, self.size)

    @cached_property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self.weight.sum())


def strengths(source: Integers, target: Integers, weight: Floats, size: int) -> Floats:
    """Return the sum of the weights of each feature's edges [size]."""
    ends = np.concatenate([source, target])
    return np.bincount(ends, np.concatenate([weight, weight]), minlength=size).astype(np.float64)


def weighted(run: RunDirectory, measure: str, min_similarity: float) -> Weighted:
    """Return the edges of a run whose measure is at least `min_similarity`.

    Raises:
        InputError: the run has no such measure, or no such edge.
        RunError: a table is missing or damaged.
    """
    measured.named(measure)
    features = _features(run)
    place = pd.Index(features["id"])
    ends: list[Integers] = [np.empty((0, 2), np.int64)]
    weights: list[Floats] = [np.empty(0)]
    highest: list[float] = []
    for part in _parts(run, "source", "target", measure):
        known = part[measure].drop_null()
        if len(known):
            highest.append(float(pc.call_function("max", [known]).as_py()))
        kept = part.filter(pc.field(measure) >= min_similarity)
        if kept.num_rows:
            places = [place.get_indexer(kept[end].to_pandas()) for end in ("source", "target")]
            ends.append(np.stack(places, axis=1))
            weights.append(kept[measure].to_numpy().astype(np.float64))
    joined = np.concatenate(ends)
    if not len(joined):
        raise InputError(_nothing(run, measure, min_similarity, max(highest, default=None)))
    return Weighted(features=features, source=joined[:, 0], target=joined[:, 1], weight=np.concatenate(weights))


def measures_of(run: RunDirectory) -> list[str]:
    """Return the measures that edges of a run have values of."""
    found: set[str] = set()
    for part in _parts(run, *BY_NAME):
        found |= {name for name in BY_NAME if part[name].null_count < part.num_rows}
    return [measure.name for measure in MEASURES if measure.name in found]


def _features(run: RunDirectory) -> pd.DataFrame:
    """Return the features in the order of the model, whatever that of the table: partitions depend on it."""
    columns = ["depth", "id", "sae", "layer", "index", "label", "top_tokens"]
    found = contents.labelled(run, run.read(tables.FEATURES, rundir.FEATURES_FILE)).select(columns)
    return found.sort_by([("depth", "ascending"), ("index", "ascending")]).to_pandas()


def _parts(run: RunDirectory, *columns: str) -> Iterator[pa.Table]:
    for name in run.edge_files:
        yield from run.parts(tables.EDGES, name, *columns)


def _nothing(run: RunDirectory, measure: str, min_similarity: float, highest: float | None) -> str:
    name, there = run.record.id, measures_of(run)
    if not there:
        return f"run {name} has no edges, so it has no communities"
    if highest is None:
        return f"run {name} has no {measure}; it has {', '.join(there)}: choose with --measure {there[0]}"
    return (
        f"run {name} has no edge with {measure} >= {min_similarity}, the highest is {highest:.3g}; lower"
        " --min-similarity"
    )
