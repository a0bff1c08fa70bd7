"""Finer partitions as a hierarchy: every community of a level is a part of one of the level above."""

from collections.abc import Iterator, Sequence

import numpy as np

from saedb.cypher.communities.weighted import Labels


def nested(levels: Sequence[Labels]) -> Iterator[Labels]:
    """Yield partitions [n], the coarsest first, each of which divides the one before; the first as it is.

    What Leiden finds on its way is not quite so: it moves features after it has put them together. A community that
    lies across the border of a coarser one is cut there. A level that divides nothing is left out.
    """
    coarser: Labels | None = None
    for labels in levels:
        pairs = labels[:, None] if coarser is None else np.stack([coarser, labels], axis=1)
        _, found = np.unique(pairs, axis=0, return_inverse=True)
        found = found.reshape(-1)
        if coarser is None or found.max() > coarser.max():
            yield found if coarser is not None else labels
            coarser = found
