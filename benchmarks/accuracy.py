"""How exact the engine is: its edges among some features against dense float64 matrices of the same activations."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine import kept_pairs
from benchmarks.figures import Figure, Goal, Kind
from saedb.ingest.edges import statistics_of
from saedb.ingest.gather import Task
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import PairStatistics, pearson
from saedb.ingest.rule import is_edge

PEARSON: Final = Kind(
    name="error of Pearson",
    unit="largest difference",
    meaning="The correlation of each edge among some hundreds of features of each SAE, the densest of them and others,"
    " against dense float64 activations, centred before they are multiplied.",
)
COUNTS: Final = Kind(
    name="wrong counts",
    unit="edges",
    meaning="Edges among the same features whose joint tokens or documents differ from those of dense matrices.",
)
EDGES: Final = Kind(
    name="wrong edges",
    unit="pairs",
    meaning="Pairs of the same features that the rule takes in float64 and the engine does not, or the reverse.",
)

_UPSTREAM: Final = 128
_DOWNSTREAM: Final = 256

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def accuracy(case: str, task: Task) -> list[Figure]:
    """Return by how much the edges among some features are wrong."""
    kept = _joined(kept_pairs(task))
    features = _chosen(task, kept)
    part = _among(kept, features)
    pair = np.searchsorted(features[0], part.upstream), np.searchsorted(features[1], part.downstream)
    up, down = (_activations(task, side, chosen) for side, chosen in enumerate(features))
    dense = _statistics(task, features, up, down)
    error = np.abs(pearson(statistics_of(part, *task.statistics)) - _correlations(up, down)[pair])
    wrong = (part.n_ud != dense.n_ud[pair]) | (part.documents != dense.documents[pair])
    found = np.zeros_like(dense.n_ud, np.bool_)
    found[pair] = True
    measured = f"{len(error):,} edges among {' x '.join(map(str, found.shape))} features, {len(up):,} tokens"
    return [
        PEARSON.figure(case, float(error.max(initial=0.0)), Goal.at_most(1e-5), measured=measured),
        COUNTS.figure(case, int(wrong.sum()), Goal.at_most(0), measured=measured),
        EDGES.figure(case, int((found != is_edge(dense, task.rule)).sum()), Goal.at_most(0), measured=measured),
    ]


def _joined(parts: list[Kept]) -> Kept:
    return Kept._make(np.concatenate(values) for values in zip(*parts, strict=True))


def _chosen(task: Task, kept: Kept) -> tuple[Integers, Integers]:
    """Return features of both SAEs, ascending: the densest, and others that have edges with each other."""
    random = np.random.default_rng(0)
    densest = [
        np.argsort(-s.n_positive)[: n // 2] for s, n in zip(task.statistics, (_UPSTREAM, _DOWNSTREAM), strict=True)
    ]
    others = random.permutation(np.unique(kept.upstream))[: _UPSTREAM // 2]
    partners = random.permutation(np.unique(kept.downstream[np.isin(kept.upstream, others)]))[: _DOWNSTREAM // 2]
    return np.union1d(densest[0], others), np.union1d(densest[1], partners)


def _among(kept: Kept, features: tuple[Integers, Integers]) -> Kept:
    inside = np.isin(kept.upstream, features[0]) & np.isin(kept.downstream, features[1])
    return Kept._make(values[inside] for values in kept)


def _activations(task: Task, side: int, features: Integers) -> Floats:
    """Return the activations of some features of one side, dense [tokens, features]."""
    sae = (task.upstream, task.downstream)[side]
    parts: list[Floats] = []
    for stretch in task:
        rows = stretch.rows[sae]
        chosen = rows.entries(np.isin(rows.indices, features))
        parts.append(np.zeros((len(rows), len(features))))
        parts[-1][chosen.row_of, np.searchsorted(features, chosen.indices)] = chosen.values
    return np.concatenate(parts)


def _correlations(up: Floats, down: Floats) -> Floats:
    """Return the correlation of each pair, [upstream, downstream]."""
    u, d = up - up.mean(axis=0), down - down.mean(axis=0)
    return (u.T @ d) / np.outer(np.sqrt((u * u).sum(axis=0)), np.sqrt((d * d).sum(axis=0)))


def _statistics(task: Task, features: tuple[Integers, Integers], up: Floats, down: Floats) -> PairStatistics:
    """Return the statistics of each pair, [upstream, downstream], above the engine's thresholds."""
    u, d = (
        side > statistics.threshold[chosen]
        for side, statistics, chosen in zip((up, down), task.statistics, features, strict=True)
    )
    return PairStatistics(
        tokens=len(up),
        n_u=u.sum(axis=0)[:, None],
        n_d=d.sum(axis=0),
        n_ud=(u.T.astype(np.float64) @ d.astype(np.float64)).astype(np.int64),
        documents=_documents(task, u, d),
        sum_u=up.sum(axis=0)[:, None],
        sum_d=down.sum(axis=0),
        squares_u=(up * up).sum(axis=0)[:, None],
        squares_d=(down * down).sum(axis=0),
        products=up.T @ down,
        decoder=np.nan,
    )


def _documents(task: Task, u: NDArray[np.bool_], d: NDArray[np.bool_]) -> Integers:
    """Return the documents with a token on which both are active, of each pair."""
    document = np.concatenate([stretch.documents for stretch in task])
    counts: list[Integers] = []
    for feature in u.T:
        tokens = np.flatnonzero(feature)
        first = np.flatnonzero(np.diff(document[tokens], prepend=-1))
        counts.append(np.logical_or.reduceat(d[tokens], first, axis=0).sum(axis=0))
    return np.stack(counts)
