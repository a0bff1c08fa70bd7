"""Activations as whole numbers, of which sums are exact and have no order."""

from typing import Any, Final

import numpy as np

from saedb.ingest.compiled import inlined

VALUE_BITS: Final = 24
TOP: Final = (1 << VALUE_BITS) - 1
"""The number that stands for a feature's maximum."""


@inlined
def number(value: Any, factor: Any) -> Any:
    """Return the number of an activation above 0; `factor` is `TOP` over the feature's maximum."""
    return np.uint32(np.float64(value) * factor + 0.5)
