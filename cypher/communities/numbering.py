"""The numbers of communities: by size, and those of an earlier partition where a community is found again.

A community is the same as an earlier one if they have more than half of the features of both together in common
(Jaccard above 1/2). Then each has at most one such partner, so it does not matter in which order they are matched. The
others get numbers that no community of the partition ever had.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from saedb.cypher.communities.weighted import Labels
from saedb.ingest.measures import Floats, Integers

ALONE: Final = -1
"""Number of a feature that is in no community."""
SAME: Final = 0.5
"""Two communities that overlap more than this are the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier partition of the same features, or some of them."""

    number: Integers
    """Number of each feature's community [n]; `ALONE` where it had none, or was not there."""
    sizes: Mapping[int, int]
    """Features of each community, those that are not there any more among them."""
    next_number: int
    """The first number that was never given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A partition whose communities have numbers."""

    number: Integers
    """Of each feature's community [n]; `ALONE` where it is in none."""
    next_number: int


def numbered(labels: Labels, earlier: Earlier | None = None) -> Numbered:
    """Return the numbers of communities of two features and more.

    Args:
        labels: community of each feature [n], by place.
        earlier: partition whose numbers are kept.
    """
    number = by_size(labels)
    count = int(number.max(initial=ALONE)) + 1
    if earlier is None or count == 0:
        return Numbered(number=number, next_number=max(count, earlier.next_number if earlier else 0))
    given = np.full(count, ALONE)
    overlap = Overlap.of(number, earlier.number)
    sizes = np.bincount(number[number != ALONE], minlength=count)
    theirs = np.array([earlier.sizes.get(int(other), 0) for other in overlap.other])
    same = overlap.jaccard(sizes[overlap.one], theirs) > SAME
    given[overlap.one[same]] = overlap.other[same]
    new = np.flatnonzero(given == ALONE)
    given[new] = earlier.next_number + np.arange(len(new))
    kept = np.where(number == ALONE, ALONE, given[number])
    return Numbered(number=kept, next_number=earlier.next_number + len(new))


def alone_apart(number: Integers) -> Labels:
    """Return a partition in which each feature of no community has one of its own [n]."""
    return np.where(number == ALONE, ALONE - np.arange(len(number)), number)


def by_size(labels: Labels) -> Integers:
    """Return the number of each feature's community [n]: the largest is 0, equal ones in the order of first members."""
    _, first, group, size = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    ranking = np.lexsort((first, -size))
    number = np.empty_like(ranking)
    number[ranking] = np.arange(len(ranking))
    return np.where(size[group] > 1, number[group], ALONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How many features each community of one partition has in common with each of another, where there are any."""

    one: Integers
    """Number of the first [cells]; sorted."""
    other: Integers
    """Number of the second [cells]."""
    count: Integers
    """Features in both [cells]."""

    @classmethod
    def of(cls, one: Integers, other: Integers) -> "Overlap":
        """Return the overlaps of two partitions of the same features [n]; `ALONE` is no community."""
        both = (one != ALONE) & (other != ALONE)
        width = int(other.max(initial=0)) + 1
        cells, count = np.unique(one[both] * width + other[both], return_counts=True)
        first, second = np.divmod(cells, width)
        return cls(one=first, other=second, count=count)

    def jaccard(self, size_one: Integers, size_other: Integers) -> Floats:
        """Return the features in both of those in either [cells], given the sizes of the two communities [cells]."""
        return self.count / (size_one + size_other - self.count)
