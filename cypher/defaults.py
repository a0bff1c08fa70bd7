"""Defaults of commands; apart from what uses them, because help pages show them and should not import numpy."""

from typing import Final, Literal

Engine = Literal["gds", "local"]
"""What finds communities: the server's Graph Data Science library, or leidenalg on this machine."""

ENGINE: Final[Engine] = "gds"
MEASURE: Final = "jaccard"
MIN_SIMILARITY: Final = 0.1
RESOLUTION: Final = 1.0
SEED: Final = 42

DIFF_MEASURE: Final = "pearson"
DIFF_THRESHOLD: Final = 0.3
DIFF_LIMIT: Final = 10
