"""What becomes of a feature from layer to layer: passed through, transformed, appearing, disappearing.

A feature's state looking forward (`state_out`) comes from its best Pearson correlation with the features of the next
computed layer, looking back (`state_in`) from its best one with the previous. A feature that never fires is dead, and
one that fires too seldom for an edge, on too few tokens or in too few documents, is rare, whatever its neighbours are.
At the ends of the model, and where the neighbour was not computed, there is no state. Thresholds follow arXiv
2410.08869, section 3; the paper's own two states are those of ``vanishing=passed`` with no feature called dead or rare.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.config import PASSED, VANISHING

PASSED_THROUGH: Final = "passed_through"
TRANSFORMED: Final = "transformed"
APPEARING: Final = "appearing"
DISAPPEARING: Final = "disappearing"
DEAD: Final = "dead"
RARE: Final = "rare"

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def states(
    best: Floats,
    *,
    alone: str,
    computed: Booleans,
    dead: Booleans,
    rare: Booleans,
    passed: float = PASSED,
    vanishing: float = VANISHING,
) -> NDArray[np.object_]:
    """Return the state of each feature in one direction [features]: a string, or None where there is no state.

    Args:
        best: highest Pearson correlation on an edge in that direction [features]; NaN without any edge.
        alone: what a feature without a counterpart is called: ``appearing`` looking back, ``disappearing`` forward.
        computed: whether the feature's SAE has a computed neighbour in that direction [features].
        dead: whether it never fires on counted tokens [features].
        rare: whether it fires too seldom for an edge [features].
        passed: lowest correlation of a feature that is passed through.
        vanishing: a feature below it has no counterpart.
    """
    if not vanishing <= passed:
        raise ValueError(f"vanishing {vanishing} is above passed {passed}")
    result = np.full(best.shape, None, dtype=object)
    result[computed] = TRANSFORMED
    result[computed & (best >= passed)] = PASSED_THROUGH
    result[computed & ~(best >= vanishing)] = alone
    result[rare] = RARE
    result[dead] = DEAD
    return result


def best_values(feature: NDArray[np.int64], value: Floats, count: int) -> Floats:
    """Return the highest value of each feature over its edges [count]; NaN where it has none.

    Args:
        feature: number of the feature at the edge's end [edges], below `count`.
        value: the measure on the edge [edges]; NaN does not count.
        count: number of features.
    """
    best = np.full(count, np.nan)
    np.fmax.at(best, feature, value)
    return best
