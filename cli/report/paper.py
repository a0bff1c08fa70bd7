"""What the paper (arXiv 2410.08869) found in GPT-2 small, to stand beside what a run has.

All of it is of the SAEs ``gpt2-small-res-jb`` (residual stream before blocks 0 to 11) on the Pile. Dead features, and
special tokens, are counted there. Where the paper has only a picture, the number is read from the figures and arrays
that its authors published; what is known from a summary alone says so.
"""

from collections.abc import Mapping, Sequence
from typing import Final

MODEL: Final = "gpt2-small"
SET: Final = "res-jb"
NAME: Final = "GPT-2 small"

LARGEST: Final = (4.93, 61.98, 107.27, 409.54, 432.74, 639.84, 419.63, 581.44, 501.97, 437.78, 553.51, 460.97)
"""The largest activation of each layer, on 17.5 million tokens (published arrays; the thresholds of section 2)."""
MEDIAN_LARGEST: Final = (3.018, 33.575, 36.348, 37.286, 36.692, 34.259, 33.165, 32.501, 33.424, 35.964, 45.524, 52.535)
"""The median, over the features that fire, of the largest activation of each; likewise."""
DEAD: Final = (4189, 2920, 4267, 3118, 485, 60, 10, 6, 6, 3, 4, 35)
"""Features of each layer that never fire on 10,485,760 tokens, of 24,576 (published arrays)."""
FEATURES: Final = 24_576

_DISAPPEARING: Final[Mapping[float, Sequence[float]]] = {
    0.4: (29.8, 25.5, 27.4, 22.1, 14.4, 13.8, 14.6, 15.4, 17.2, 18.2, 18.5),
    0.5: (33.6, 29.0, 30.8, 25.8, 18.9, 19.2, 20.8, 22.2, 24.5, 25.6, 26.8),
}
"""Features of layers 0 to 10 without a counterpart in the next, in per cent, by the least Pearson correlation of a
counterpart (drawn as figure 3 by the authors, at these thresholds)."""
_APPEARING: Final[Mapping[float, Sequence[float]]] = {
    0.4: (31.0, 27.4, 24.9, 16.2, 12.5, 13.7, 15.2, 16.3, 17.9, 17.7, 19.4),
    0.5: (35.0, 30.0, 29.0, 22.0, 17.9, 19.6, 21.5, 22.8, 25.0, 25.3, 27.5),
}
"""Likewise of layers 1 to 11 and the layer before; that of layer 1 is read from the heights of bars."""
_AT_FIGURE_3: Final = (0.95, "over 50%, to about 80% in late layers (from a summary of figure 3)")

EFFECTS: Final[Mapping[str, Sequence[float | None]]] = {
    "pearson": (None, 0.025, 0.100, 0.235, 0.537, 0.481, 0.899, 1.638, 2.162, 6.977),
    "jaccard": (0.273, 0.557, 0.978, 1.391, 2.787, 2.825, 3.545, 5.059, 6.498, 9.269),
    "necessity": (-0.001, 0.061, 0.138, 0.288, 0.603, 0.958, 1.604, 2.419, 3.716, 6.217),
    "sufficiency": (0.045, 0.024, 0.188, 0.357, 0.374, 0.590, 1.306, 1.823, 3.126, 5.628),
}
"""Mean change of the downstream activation by tenth of similarity, GPT-2 small with its res-jb SAEs, 1,048,576 tokens:
from the authors' published artefacts. Their tenths go from 0.01 to 1; of Pearson they have nine, taken here for those
from 0.1 on, below which their matrix holds nothing."""

RECOVERED: Final = (0.751, 0.320, 0.354, 0.309, 0.367, 0.443, 0.454, 0.571, 0.685, 0.961, 0.762)
"""Of layers 0 to 10, the sum of projections of the next SAE's error over that of activations, over all features and
16.8 million tokens (published sums)."""


def is_of(model: str, set_: str) -> bool:
    """Return whether an SAE is one of the paper's."""
    return (model, set_) == (MODEL, SET)


def vanishing(threshold: float, *, appearing: bool) -> str | None:
    """Return what share of the features of a layer appears, or disappears, at a threshold; None where none is known."""
    if threshold == _AT_FIGURE_3[0]:
        return _AT_FIGURE_3[1]
    found = (_APPEARING if appearing else _DISAPPEARING).get(threshold)
    if found is None:
        return None
    about = "about " if appearing else ""
    return f"{about}{sum(found) / len(found):.1f}% (layers {min(found):.1f} to {about}{max(found):.1f}%)"
