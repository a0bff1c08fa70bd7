"""How good a partition is, by the edges alone: modularity, and of each community its weight and conductance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saedb.cypher.communities.numbering import ALONE
from saedb.cypher.communities.weighted import Labels, Weighted
from saedb.ingest.measures import Floats, Integers


def modularity(graph: Weighted, labels: Labels, resolution: float = 1.0) -> float:
    """Return the modularity of a partition, features that are alone included.

    sum over communities of w_in / W - resolution * (s / 2W)^2, with the weight w_in of the edges inside, the strength s
    of the features, and the weight W of all edges (Newman 2004; Reichardt and Bornholdt 2006).
    """
    _, group = np.unique(labels, return_inverse=True)
    inside = graph.weight[group[graph.source] == group[graph.target]].sum()
    strength = np.bincount(group, graph.strength)
    return float(inside / graph.total - resolution * ((strength / (2 * graph.total)) ** 2).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """The weight of edges inside communities and out of them, by number [largest number + 1]."""

    inside: Floats
    conductance: Floats
    """Weight that leads out, over the strength of the side that has less; NaN where that is 0."""


def ties(graph: Weighted, number: Integers) -> Ties:
    """Return the ties of communities, given the number of each feature's [n]; `ALONE` where it is in none."""
    count = int(number.max(initial=ALONE)) + 1
    one, other = number[graph.source], number[graph.target]
    same = (one == other) & (one != ALONE)
    inside = np.bincount(one[same], graph.weight[same], minlength=count).astype(np.float64)
    members = number != ALONE
    strength = np.bincount(number[members], graph.strength[members], minlength=count)
    smaller = np.minimum(strength, 2 * graph.total - strength)
    # rounding of sums: what has no edge out has no conductance of 1e-16, nor a smaller side of 1e-12
    leaving = np.where(_has_edge_out(one, other, count), np.maximum(strength - 2 * inside, 0.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(leaving > 0, leaving / smaller, 0.0)
    return Ties(inside=inside, conductance=np.where(inside > 0, np.minimum(share, 1.0), np.nan))


def _has_edge_out(one: Integers, other: Integers, count: int) -> NDArray[np.bool_]:
    found = np.zeros(count, np.bool_)
    for near, far in ((one, other), (other, one)):
        found[near[(near != far) & (near != ALONE)]] = True
    return found
