"""Defaults of commands; apart from what uses them, because help pages show them and should not import numpy."""

from typing import Final

DIFF_MEASURE: Final = "pearson"
DIFF_THRESHOLD: Final = 0.3
DIFF_LIMIT: Final = 10
PROMPT_TOP: Final = 5
"""Features of each SAE."""
PROMPT_MEASURE: Final = "pearson"
PROMPT_FLOOR: Final = 0.1
"""Lowest value of an edge among them."""
