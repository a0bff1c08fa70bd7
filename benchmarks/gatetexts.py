"""Made-up layers with what the search for gates has most work with: features that fire together, and gates.

1. A quarter of the upstream features stand in families of eight: the others fire where the first does, but for a fifth
   of its tokens. What is passed through of them downstream has the family as candidates: 84 sets of two or three.
2. A tenth of the downstream features are ORs of two upstream ones of like density.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.generator import DOWNSTREAM, MISSED, UPSTREAM, Layers
from saedb.ingest.sparse import SparseRows, index_type, starts
from saedb.ingest.stretches import HeldText, Stretch

FAMILY: Final = 8
IN_FAMILIES: Final = 0.25
FOLLOWED: Final = 0.8
"""Share of the first feature's tokens that another one of its family has."""
MERGED: Final = 0.1

Integers = NDArray[np.int64]


class GateLayers:
    """Two made-up SAEs with families and ORs."""

    def __init__(self, active: int, *, width: int) -> None:
        """Draw which features stand in families.

        Args:
            active: mean number of features above 0 on a token, before there are families.
            width: features of each SAE.
        """
        self._layers = Layers(active, width=width)
        random = np.random.default_rng(width)
        count = int(IN_FAMILIES * width) // FAMILY
        self._families = random.permutation(width)[: count * FAMILY].reshape(count, FAMILY)
        self._family = np.full(width, -1, np.int64)
        self._family[self._families[:, 0]] = np.arange(count)
        self._follows = np.zeros(width, np.bool_)
        self._follows[self._families[:, 1:]] = True
        layers = self._layers
        self._successor = np.where(layers.passed & self._follows, layers.successor, -1)
        self._own = np.setdiff1d(np.arange(width), layers.successor[layers.passed])
        """Downstream features that nothing is passed through to."""

    def text(self, tokens: int) -> HeldText:
        """Return a text in memory."""
        random = np.random.default_rng(tokens)
        parts = list(self._layers.stretches(tokens))
        merged = self._merged(parts[0].rows[UPSTREAM])
        return HeldText([self._changed(part, merged, random) for part in parts])

    def _merged(self, up: SparseRows) -> Integers:
        """Return the OR that each upstream feature is an input of, or -1, [width]: the densest in pairs."""
        order = np.argsort(-np.bincount(up.indices, minlength=up.width), kind="stable")
        inputs = order[~self._follows[order]][: 2 * int(MERGED * up.width)]
        found = np.full(up.width, -1, np.int64)
        found[inputs] = self._own[np.arange(len(inputs)) // 2]
        return found

    def _changed(self, part: Stretch, merged: Integers, random: np.random.Generator) -> Stretch:
        up = self._with_families(part.rows[UPSTREAM], random)
        down = part.rows[DOWNSTREAM]
        passed = np.flatnonzero((self._successor[up.indices] >= 0) & (random.random(len(up.indices)) >= MISSED))
        either = np.flatnonzero(merged[up.indices] >= 0)
        replaced = np.zeros(down.width, np.bool_)
        replaced[self._successor[self._successor >= 0]] = replaced[merged[merged >= 0]] = True
        feature = [self._successor[up.indices[passed]], merged[up.indices[either]]]
        entries = np.concatenate([passed, either])
        down = _joined(down, ~replaced[down.indices], up.row_of[entries], np.concatenate(feature), up.values[entries])
        return replace(part, rows={UPSTREAM: up, DOWNSTREAM: down})

    def _with_families(self, up: SparseRows, random: np.random.Generator) -> SparseRows:
        first = np.flatnonzero(self._family[up.indices] >= 0)
        entries = np.repeat(first, FAMILY - 1)
        feature = self._families[self._family[up.indices[first]], 1:].ravel()
        followed = random.random(len(entries)) < FOLLOWED
        entries, feature = entries[followed], feature[followed]
        return _joined(up, ~self._follows[up.indices], up.row_of[entries], feature, up.values[entries])


def _joined(
    rows: SparseRows, kept: NDArray[np.bool_], token: Integers, feature: Integers, value: NDArray[np.float32]
) -> SparseRows:
    """Return some entries of a matrix with others; of two in one place the larger."""
    token = np.concatenate([rows.row_of[kept], token])
    feature = np.concatenate([rows.indices[kept].astype(np.int64), feature])
    value = np.concatenate([rows.values[kept], value])
    order = np.lexsort((-value, token * rows.width + feature))
    place = (token * rows.width + feature)[order]
    order = order[np.diff(place, prepend=-1) > 0]
    return SparseRows(
        indptr=starts(np.bincount(token[order], minlength=len(rows))),
        indices=feature[order].astype(index_type(rows.width)),
        values=value[order],
        width=rows.width,
    )
