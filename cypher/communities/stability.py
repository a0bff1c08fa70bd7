"""How far a partition depends on chance: the same algorithm with other seeds.

1. Of a feature: the share of the other runs in which it stays with its community, that is, lies in that community of
   the run which holds most of its own. Of a community: the mean of its features.
2. That a community is swallowed by a larger one, its features do not show. So each has a recovery, too: the mean, over
   the other runs, of its highest Jaccard with one of theirs (Hennig 2007, cluster-wise stability).
3. The consensus: edges whose ends share a community in at least half of the runs, weighted by the share, are divided
   once more (Lancichinetti and Fortunato 2012, on the edges that there are, and once).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from saedb.cypher.communities.numbering import ALONE, Overlap
from saedb.cypher.communities.weighted import Labels, Weighted
from saedb.ingest.measures import Floats, Integers

_TOGETHER: Final = 0.5
"""Share of the runs in which the ends of an edge share a community, for the edge to count."""


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
        np.maximum.at(best := np.zeros(len(sizes)), overlap.one, jaccard)
        recovered += best
        home = np.full(len(sizes), ALONE)
        order = np.lexsort((-their_sizes[overlap.other], overlap.count))  # of equal ones the smaller comes last
        home[overlap.one[order]] = overlap.other[order]
        stayed[members] += other[members] == home[number[members]]
    return Stability(
        feature=np.where(members, stayed / len(others), np.nan),
        recovery=np.where(sizes > 0, recovered / len(others), np.nan),
    )


def agreed(graph: Weighted, runs: Sequence[Labels]) -> Weighted:
    """Return the graph of what several runs agree on: its edges join ends that share a community in most of them."""
    together = np.zeros(len(graph.weight))
    for labels in runs:
        together += labels[graph.source] == labels[graph.target]
    share = together / len(runs)
    kept = share >= _TOGETHER
    return replace(graph, source=graph.source[kept], target=graph.target[kept], weight=share[kept])
