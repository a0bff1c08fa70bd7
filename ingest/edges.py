"""Edges between the features of two SAEs: from the pairs that were kept to the rows of their file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest.cells import unbiased
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import MEASURES, MOVES, PairStatistics
from saedb.ingest.statistics import FeatureStatistics, Moments
from saedb.ingest.tables import EDGES, rows

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_COSINES: Final = 1024
"""Pairs of decoder rows that are compared at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two SAEs of a pair."""

    sae: str
    statistics: FeatureStatistics
    ids: NDArray[np.object_]
    """Id of each feature, [d_sae]."""
    decoder: NDArray[np.float32]
    """Decoder rows, [d_sae, d_in]."""


def edges(
    kept: Iterable[Kept],
    upstream: Side,
    downstream: Side,
    *,
    halves: bool = False,
    evidence: Callable[[Kept], Mapping[str, Floats]] | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of the edges of a pair of SAEs, part by part, in the order in which they were kept.

    Args:
        kept: the pairs that are edges.
        upstream: the one SAE.
        downstream: the other.
        halves: whether both halves of the documents were counted, so that measures can be compared between them.
        evidence: gives further columns of the edges.
    """
    ids = pa.array(upstream.ids), pa.array(downstream.ids)
    for part in kept:
        u, d = part.upstream.astype(np.int64), part.downstream.astype(np.int64)
        cosines = decoder_cosines(upstream.decoder, downstream.decoder, u, d)
        whole = _statistics(part, upstream.statistics, downstream.statistics, cosines)
        values: dict[str, object] = {m.name: m.values(whole) for m in MEASURES}
        if halves:
            values |= _moved(part, upstream.statistics, downstream.statistics)
        if evidence is not None:
            values |= evidence(part)
        yield rows(EDGES, {"source": ids[0].take(pa.array(u)), "target": ids[1].take(pa.array(d)), **values})


def statistics_of(kept: Kept, upstream: FeatureStatistics, downstream: FeatureStatistics) -> PairStatistics:
    """Return the statistics of pairs that were kept, without the cosines of their decoders."""
    return _statistics(kept, upstream, downstream, np.full(len(kept.upstream), np.nan))


def _statistics(kept: Kept, upstream: Moments, downstream: Moments, cosines: Floats) -> PairStatistics:
    u, d = kept.upstream, kept.downstream
    sums = upstream.sum[u], downstream.sum[d]
    with np.errstate(invalid="ignore"):  # an empty half has 0/0
        products = unbiased(kept.products, upstream.tokens, *sums, upstream.rounded[u], downstream.rounded[d])
    return PairStatistics(
        tokens=upstream.tokens,
        n_u=upstream.n_active[u],
        n_d=downstream.n_active[d],
        n_ud=kept.n_ud,
        documents=kept.documents,
        sum_u=sums[0],
        sum_d=sums[1],
        squares_u=upstream.squares[u],
        squares_d=downstream.squares[d],
        products=products,
        decoder=cosines,
    )


def _moved(kept: Kept, upstream: FeatureStatistics, downstream: FeatureStatistics) -> Mapping[str, Floats]:
    """Return how far each measure is apart in the two halves of the documents."""
    first = kept._replace(n_ud=kept.n_ud_first, products=kept.products_first)
    second = kept._replace(n_ud=kept.n_ud - kept.n_ud_first, products=kept.products - kept.products_first)
    none = np.full(len(kept.upstream), np.nan)
    parts = [
        _statistics(half, upstream.halves[number], downstream.halves[number], none)
        for number, half in enumerate((first, second))
    ]
    return {f"{m.name}_moved": np.abs(m.values(parts[0]) - m.values(parts[1])) for m in MOVES}


def decoder_cosines(
    upstream: NDArray[np.float32], downstream: NDArray[np.float32], u: Integers, d: Integers
) -> NDArray[np.float64]:
    """Return the cosine of the decoder rows of each pair, [E]; NaN for a row of zeros or rows of different length.

    Args:
        upstream: decoder rows, [d_sae, d_in].
        downstream: decoder rows, [d_sae, d_in].
        u: upstream feature of each pair, [E].
        d: downstream feature of each pair, [E].
    """
    result = np.full(len(u), np.nan)
    if upstream.shape[1] != downstream.shape[1]:
        return result
    dots = np.empty(len(u))
    for start in range(0, len(u), _COSINES):
        part = slice(start, start + _COSINES)
        dots[part] = np.einsum("ij,ij->i", upstream[u[part]], downstream[d[part]])
    norms = np.linalg.norm(upstream, axis=1).astype(np.float64)[u] * np.linalg.norm(downstream, axis=1)[d]
    np.divide(dots, norms, out=result, where=norms > 0)
    return np.clip(result, -1.0, 1.0)
