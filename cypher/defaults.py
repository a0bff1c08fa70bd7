"""Defaults of the search for communities; apart from it, because help pages show them and should not import numpy."""

from typing import Final

MEASURE: Final = "jaccard"
MIN_SIMILARITY: Final = 0.1
RESOLUTION: Final = 1.0
SEED: Final = 42
