"""What an effect is judged against: downstream features as dense as the target that the upstream one has no edge to.

They are of those that are active on the same tokens at all, so that the question is the same: does what fires beside
the upstream feature hang on it?
"""

import numpy as np
from numpy.typing import NDArray


def chosen(
    target: int, density: NDArray[np.float64], together: NDArray[np.int64], linked: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """Return up to `count` features, those first whose density is the closest to the target's by ratio.

    Args:
        target: the downstream feature of the edge.
        density: of every downstream feature, [d_sae].
        together: tokens, of those looked at, on which each is active with the upstream feature, [d_sae].
        linked: whether the upstream feature has an edge to it, [d_sae].
        count: how many.
    """
    free = np.flatnonzero((together > 0) & ~linked)
    free = free[free != target]
    apart = np.abs(np.log(density[free]) - np.log(density[target]))
    return free[np.argsort(apart, kind="stable")[:count]]
