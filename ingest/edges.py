"""Edges between the features of two SAEs: from the pairs that were kept to the rows of their file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest.cells import unbiased
from saedb.ingest.compiled import compiled
from saedb.ingest.hooks import share_a_space
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import MEASURES, MOVES, PairStatistics
from saedb.ingest.statistics import FeatureStatistics, Moments
from saedb.ingest.tables import EDGES, rows

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two SAEs of a pair."""

    sae: str
    hook: str
    """The hook point whose vectors its decoder rebuilds."""
    statistics: FeatureStatistics
    ids: NDArray[np.object_]
    """Id of each feature, [d_sae]."""
    decoder: NDArray[np.float32]
    """Decoder rows, [d_sae, d_in]."""


def comparable(upstream: Side, downstream: Side) -> bool:
    """Return whether the decoders of two SAEs write to one space, so that a cosine of their rows means something."""
    return share_a_space(upstream.hook, downstream.hook) and upstream.decoder.shape[1] == downstream.decoder.shape[1]


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
    known = comparable(upstream, downstream)
    for part in kept:
        u, d = part.upstream.astype(np.int64), part.downstream.astype(np.int64)
        cosines = decoder_cosines(upstream.decoder, downstream.decoder, u, d) if known else np.full(len(u), np.nan)
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
    norms = np.sqrt(_squares(upstream))[u] * np.sqrt(_squares(downstream))[d]
    dots = np.empty(len(u))
    _add_dots(upstream, downstream, u, d, dots)
    np.divide(dots, norms, out=result, where=norms > 0)
    return np.clip(result, -1.0, 1.0)


def _squares(rows: NDArray[np.float32]) -> Floats:
    every, squares = np.arange(len(rows)), np.empty(len(rows))
    _add_dots(rows, rows, every, every, squares)
    return squares


@compiled
def _add_dots(upstream: Any, downstream: Any, u: Any, d: Any, dots: Any) -> None:
    """Write the dot product of each pair of rows, summed in float64."""
    for pair in range(len(u)):
        left, right, total = upstream[u[pair]], downstream[d[pair]], 0.0
        for j in range(len(left)):
            total += np.float64(left[j]) * np.float64(right[j])
        dots[pair] = total
