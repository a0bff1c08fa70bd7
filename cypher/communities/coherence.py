"""Whether a community is about one thing: how like the directions of its features are, and their labels.

1. Within one layer decoder directions can be compared: the mean cosine of all pairs of a community's features that lie
   in one layer, over all its layers. The paper (figure 5) calls 0.75 and more coherent.
2. Against it, random features of the same layers: the communities' numbers are shuffled among the features of each
   layer that have any, which gives every community a random set at once.
3. Labels are compared as words, weighted by how few features have them (tf-idf), whatever the layer.

The sum of the cosines of all pairs of a set is that of its vectors, squared, less the squares of each: no pair is
looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from saedb.cypher.communities.numbering import ALONE
from saedb.ingest.directions import Directions
from saedb.ingest.measures import Floats, Integers
from saedb.ingest.progress import Report

SHUFFLES: Final = 50
"""Random sets that each community is compared to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coherence:
    """Of communities by number [largest number + 1]; NaN where no layer has two of the features, or none is known."""

    observed: Floats
    chance: Floats
    """Mean of random sets of the same layers."""
    rank: Floats
    """Share of these that are less coherent."""


@dataclass(slots=True)
class _Sums:
    """Sums of the cosines of pairs, and their number, by community."""

    cosines: Floats
    pairs: Floats

    def mean(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.pairs > 0, self.cosines / self.pairs, np.nan)


def coherence(
    number: Integers, places: Mapping[str, Integers], directions: Mapping[str, Directions], seed: int, report: Report
) -> Coherence | None:
    """Return the coherence of communities; None where no direction is known.

    Args:
        number: number of each feature's community [n]; `ALONE` where it is in none.
        places: of the features of each SAE, in the order of its decoder rows.
        directions: unit decoder rows by SAE.
        seed: of the shuffles.
        report: progress, in SAEs.
    """
    if not directions:
        return None
    count = int(number.max(initial=ALONE)) + 1
    observed = _Sums(np.zeros(count), np.zeros(count))
    shuffled = [_Sums(np.zeros(count), np.zeros(count)) for _ in range(SHUFFLES)]
    random = np.random.default_rng(seed)
    for done, (sae, rows) in enumerate(directions.items()):
        report("coherence of communities", done, len(directions))
        own = number[places[sae]]
        member = np.flatnonzero(own != ALONE)
        vectors, groups = rows[member], own[member]
        squares = _squares(vectors)
        _add(observed, groups, vectors, squares)
        for sums in shuffled:
            _add(sums, random.permutation(groups), vectors, squares)
    report("coherence of communities", len(directions), len(directions))
    found, chances = observed.mean(), np.stack([sums.mean() for sums in shuffled])
    return Coherence(
        observed=found,
        chance=chances.mean(axis=0),
        rank=np.where(np.isnan(found), np.nan, (chances < found).mean(axis=0)),
    )


def label_similarity(number: Integers, words: sparse.csr_matrix) -> tuple[Floats, float]:
    """Return the mean similarity of the labels of each community's features, and that of any features in communities.

    Args:
        number: number of each feature's community [n]; `ALONE` where it is in none.
        words: weights of the words of each feature [n, words].

    Returns:
        By number [largest number + 1], and one number for all; NaN where fewer than two features have a label.
    """
    lengths = sparse.linalg.norm(words, axis=1)
    known = np.flatnonzero((number != ALONE) & (lengths > 0))
    count = int(number.max(initial=ALONE)) + 1
    sums, all_ = _Sums(np.zeros(count), np.zeros(count)), _Sums(np.zeros(1), np.zeros(1))
    unit = sparse.diags(1 / lengths[known]) @ words[known]
    squares = np.ones(len(known))
    _add(sums, number[known], unit, squares)
    _add(all_, np.zeros(len(known), np.int64), unit, squares)
    return sums.mean(), float(all_.mean()[0])


def _add(sums: _Sums, groups: Integers, vectors: Any, squares: Floats) -> None:
    """Add the cosines of all pairs of unit vectors [members, width], squared [members], of one group to its sum."""
    sizes = np.bincount(groups, minlength=len(sums.pairs))
    several = np.flatnonzero(sizes > 1)
    if not len(several):
        return
    row = np.full(len(sizes), ALONE)
    row[several] = np.arange(len(several))
    kept = np.flatnonzero(row[groups] != ALONE)
    shape = (len(several), len(groups))
    picked = sparse.csr_matrix((np.ones(len(kept), np.float32), (row[groups[kept]], kept)), shape)
    total = _squares(picked @ vectors) - picked @ squares
    sums.cosines[several] += total
    sums.pairs[several] += sizes[several] * (sizes[several] - 1.0)


def _squares(vectors: Any) -> NDArray[np.float64]:
    """Return the squared length of each row."""
    if sparse.issparse(vectors):
        return np.asarray(vectors.multiply(vectors).sum(axis=1), np.float64).ravel()
    return np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
