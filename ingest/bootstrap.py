"""Intervals of necessity and sufficiency, by drawing the documents of a text again.

Tokens of a document are alike, so documents are drawn and not tokens. In each of R resamples a document weighs as often
as it was drawn; joint tokens and active tokens are summed with these weights, and their ratio is one value of the
measure. The interval goes from the 2.5 to the 97.5 percentile of the R values.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import RESAMPLED
from saedb.ingest.statistics import FeatureStatistics
from saedb.ingest.stretches import Stretches

Floats = NDArray[np.float32]
Weights = NDArray[np.uint8]
"""How often each document was drawn, [documents, R]."""

SEED: Final = 0

_TAIL: Final = 0.025
_SUMS: Final = 1 << 26
"""Sums of edges in resamples that are held at once: 256 MB."""


def weights(documents: int, resamples: int, seed: int) -> Weights:
    """Return how often each document is drawn when as many as there are are drawn with replacement, [documents, R]."""
    random = np.random.default_rng(seed)
    drawn = np.empty((documents, resamples), np.uint8)
    for resample in range(resamples):
        drawn[:, resample] = np.bincount(random.integers(0, documents, documents), minlength=documents)
    return drawn


class Bootstrap:
    """The resamples of a run: the same documents are drawn for every edge."""

    def __init__(self, text: Stretches, documents: int, resamples: int) -> None:
        self._text = text
        self._drawn = weights(documents, resamples, SEED)
        self._active: dict[str, Floats] = {}

    def evidence(
        self, upstream: str, downstream: str, statistics: Mapping[str, FeatureStatistics]
    ) -> Callable[[Kept], Mapping[str, NDArray[np.float64]]]:
        """Return what gives the ends of the intervals of a pair's edges, by column of the edge table.

        Args:
            upstream: id of an SAE.
            downstream: id of the other.
            statistics: by SAE id; features are active above their thresholds.
        """
        thresholds = statistics[upstream].threshold, statistics[downstream].threshold
        active = self._of(upstream, thresholds[0]), self._of(downstream, thresholds[1])
        return lambda kept: intervals(self._text, (upstream, downstream), thresholds, active, kept, self._drawn)

    def _of(self, sae: str, threshold: NDArray[np.float64]) -> Floats:
        if sae not in self._active:
            self._active[sae] = active_tokens(self._text, sae, threshold, self._drawn)
        return self._active[sae]


def active_tokens(text: Stretches, sae: str, threshold: NDArray[np.float64], drawn: Weights) -> Floats:
    """Return the active tokens of each feature of an SAE in each resample, [d_sae, R]."""
    sums = np.zeros((len(threshold), drawn.shape[1]), np.float32)
    for part in text.read(sae):
        rows = part.rows[sae]
        _add_active(rows.indptr, rows.indices, rows.values, part.counted, part.documents, threshold, drawn, sums)
    return sums


def intervals(
    text: Stretches,
    saes: tuple[str, str],
    thresholds: tuple[NDArray[np.float64], NDArray[np.float64]],
    active: tuple[Floats, Floats],
    kept: Kept,
    drawn: Weights,
) -> Mapping[str, NDArray[np.float64]]:
    """Return the ends of the intervals of each edge by column of the edge table, [E].

    Args:
        text: what was counted.
        saes: ids of the two SAEs.
        thresholds: of their features.
        active: `active_tokens` of the two.
        kept: the edges, ordered by upstream feature.
        drawn: the resamples.
    """
    found = {f"{m.name}_{end}": np.full(len(kept.upstream), np.nan) for m in RESAMPLED for end in ("low", "high")}
    size = max(_SUMS // drawn.shape[1], 1)
    for start in range(0, len(kept.upstream), size):
        part = slice(start, start + size)
        u, d = kept.upstream[part], kept.downstream[part]
        joint = _joint_tokens(text, saes, thresholds, u, d, drawn)
        for measure, given in (("necessity", active[1][d]), ("sufficiency", active[0][u])):
            found[f"{measure}_low"][part], found[f"{measure}_high"][part] = _ends(joint, given)
    return found


def _joint_tokens(
    text: Stretches,
    saes: tuple[str, str],
    thresholds: tuple[NDArray[np.float64], NDArray[np.float64]],
    u: NDArray[np.uint32],
    d: NDArray[np.uint32],
    drawn: Weights,
) -> Floats:
    """Return the joint tokens of each edge in each resample, [E, R]; edges are ordered by upstream feature."""
    start = np.searchsorted(u, np.arange(len(thresholds[0]) + 1))
    sums, counts = np.zeros((len(u), drawn.shape[1]), np.float32), np.zeros(len(u), np.int64)
    touched, seen = np.zeros(len(u), np.int64), np.zeros(len(thresholds[1]), np.int64)
    done = 0
    for part in text.read(*saes):
        up, down = (part.rows[sae] for sae in saes)
        sides = (up.indptr, up.indices, up.values, down.indptr, down.indices, down.values)
        edges = (start, d, counts, touched, seen)
        _add_joint(*sides, part.counted, part.documents, *thresholds, *edges, drawn, done, sums)
        done += len(part.counted)
    return sums


def _ends(joint: Floats, active: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both ends of the interval of joint over active tokens [E]; NaN where some resample has no active token."""
    with np.errstate(invalid="ignore"):
        ratios = np.sort(joint / active, axis=1)  # NaN comes last
    ratios[np.isnan(ratios[:, -1])] = np.nan
    n = ratios.shape[1]
    low, high = ratios[:, round(_TAIL * (n - 1))], ratios[:, round((1 - _TAIL) * (n - 1))]
    return low, high


@compiled
def _add_active(
    indptr: Any, indices: Any, values: Any, counted: Any, documents: Any, threshold: Any, drawn: Any, sums: Any
) -> None:
    """Add the weight of its document for each active token."""
    for token in range(len(counted)):
        if not counted[token]:
            continue
        for k in range(indptr[token], indptr[token + 1]):
            feature = int(indices[k])
            if values[k] > threshold[feature]:
                for r in range(drawn.shape[1]):
                    sums[feature, r] += drawn[documents[token], r]


@compiled
def _add_joint(
    up_indptr: Any,
    up_indices: Any,
    up_values: Any,
    down_indptr: Any,
    down_indices: Any,
    down_values: Any,
    counted: Any,
    documents: Any,
    up_threshold: Any,
    down_threshold: Any,
    start: Any,
    target: Any,
    counts: Any,
    touched: Any,
    seen: Any,
    drawn: Any,
    done: int,
    sums: Any,
) -> None:
    """Add the joint tokens of each edge, document by document, with the weights of the documents.

    `seen` has the number of the last token, from 1, on which each downstream feature was active.
    """
    n = 0
    for token in range(len(counted)):
        if counted[token]:
            for k in range(down_indptr[token], down_indptr[token + 1]):
                feature = int(down_indices[k])
                if down_values[k] > down_threshold[feature]:
                    seen[feature] = done + token + 1
            for k in range(up_indptr[token], up_indptr[token + 1]):
                feature = int(up_indices[k])
                if up_values[k] > up_threshold[feature]:
                    for edge in range(start[feature], start[feature + 1]):
                        if seen[target[edge]] == done + token + 1:
                            if counts[edge] == 0:
                                touched[n] = edge
                                n += 1
                            counts[edge] += 1
        if token + 1 == len(counted) or documents[token + 1] != documents[token]:
            for i in range(n):
                edge = touched[i]
                for r in range(drawn.shape[1]):
                    sums[edge, r] += counts[edge] * drawn[documents[token], r]
                counts[edge] = 0
            n = 0
