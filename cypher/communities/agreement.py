"""How like two partitions of the same features are: by mutual information, and by pairs of features."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from saedb.cypher.communities.numbering import ALONE, alone_apart
from saedb.ingest.measures import Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """On features that are in a community of either partition; one that is in none is alone in its own."""

    features: int
    nmi: float
    """Normalised mutual information (arithmetic mean), from 0 to 1."""
    ari: float
    """Adjusted Rand index: 1 for equal partitions, 0 as by chance."""


def agreement(one: Integers, other: Integers) -> Agreement | None:
    """Return how like two partitions are [n]; `ALONE` is in no community. None where no feature is in any."""
    known = np.flatnonzero((one != ALONE) | (other != ALONE))
    if not len(known):
        return None
    first, second = (alone_apart(number)[known] for number in (one, other))
    return Agreement(
        features=len(known),
        nmi=float(normalized_mutual_info_score(first, second)),
        ari=float(adjusted_rand_score(first, second)),
    )
