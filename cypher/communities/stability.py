"""How far a partition depends on chance: the same algorithm with other seeds.

1. Of a feature: the share of the other runs in which it stays with its community, that is, lies in that community of
   the run which holds most of its own. Of a community: the mean of its features.
2. That a community is swallowed by a larger one, its features do not show. So each has a recovery, too: the mean, over
   the other runs, of its highest Jaccard with one of theirs (Hennig 2007, cluster-wise stability).
3. The consensus: edges whose ends share a community in more than a share t of the runs, and what they connect (evidence
   accumulation with single links, Fred and Jain 2005, on the edges that there are). Of several t it is the one whose
   partition is most like those of the runs. It has no algorithm or resolution of its own: it is what all agree on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.numbering import ALONE, Overlap, by_size
from saedb.cypher.communities.weighted import Labels, Weighted
from saedb.ingest.measures import Floats, Integers

_SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of the runs that are tried as t."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How features and communities of a partition fared in other runs."""

    feature: Floats
    """Share of the runs in which it stayed [n]; NaN where it is in no community."""
    recovery: Floats
    """Mean overlap of each community, by number [largest number + 1]; NaN for numbers that are not given."""


def stability(number: Integers, others: Sequence[Labels]) -> Stability | None:
    """Return the stability of a partition; None where there is no other run.

    Args:
        number: number of each feature's community [n]; `ALONE` where it is in none.
        others: partitions of other runs, each [n].
    """
    if not others:
        return None
    members = number != ALONE
    sizes = np.bincount(number[members], minlength=int(number.max(initial=ALONE)) + 1)
    stayed, recovered = np.zeros(len(number)), np.zeros(len(sizes))
    for labels in others:
        other = np.unique(labels, return_inverse=True)[1]
        overlap = Overlap.of(number, other)
        their_sizes = np.bincount(other)
        jaccard = overlap.jaccard(sizes[overlap.one], their_sizes[overlap.other])
        best = np.zeros(len(sizes))
        np.maximum.at(best, overlap.one, jaccard)
        recovered += best
        home = np.full(len(sizes), ALONE)
        order = np.lexsort((-their_sizes[overlap.other], overlap.count))  # of equal ones the smaller comes last
        home[overlap.one[order]] = overlap.other[order]
        stayed[members] += other[members] == home[number[members]]
    return Stability(
        feature=np.where(members, stayed / len(others), np.nan),
        recovery=np.where(sizes > 0, recovered / len(others), np.nan),
    )


def consensus(graph: Weighted, runs: Sequence[Labels]) -> Labels:
    """Return the partition [n] that several runs agree on."""
    together = np.zeros(len(graph.weight))
    for labels in runs:
        together += labels[graph.source] == labels[graph.target]
    numbers = [by_size(labels) for labels in runs]
    found = [_connected(graph, together > share * len(runs)) for share in _SHARES]
    return max(found, key=lambda labels: _likeness(by_size(labels), numbers))


def _connected(graph: Weighted, chosen: NDArray[np.bool_]) -> Labels:
    """Return the components of some of the edges."""
    ends = graph.source[chosen], graph.target[chosen]
    edges = sparse.coo_matrix((np.ones(len(ends[0])), ends), (graph.size, graph.size))
    return csgraph.connected_components(edges, directed=False)[1].astype(np.int64)


def _likeness(number: Integers, others: Sequence[Integers]) -> float:
    """Return the mean normalised mutual information with other partitions."""
    found = [agreement(number, other) for other in others]
    return sum(like.nmi for like in found if like is not None) / len(found)
