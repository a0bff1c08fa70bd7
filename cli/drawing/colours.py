"""The colours of communities: the same one wherever a page can be clicked, or few that nobody mixes up in print."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from plotly.colors import qualitative

GREY: Final = "#b4bcc5"
"""The colour of what is in no community."""
_PALETTE: Final = (*qualitative.D3, *qualitative.Dark2, *qualitative.Set2)
_SAFE: Final = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a7f12", "#6f2b82")
"""Told apart by those who are colour-blind, too: mostly those of Okabe and Ito (2008)."""


def of_community(number: int | None) -> str:
    """Return the colour of the community of a number, in its partition."""
    return GREY if number is None else _PALETTE[number % len(_PALETTE)]


def among(numbers: Iterable[int | None]) -> Callable[[int | None], str]:
    """Return the colours of the communities of one drawing: eight at most, those of the most features; others are grey.

    `numbers` are the communities of its features.
    """
    sizes = Counter(number for number in numbers if number is not None)
    order = sorted(sizes, key=lambda number: (-sizes[number], number))
    found: dict[int | None, str] = dict(zip(order, _SAFE, strict=False))
    return lambda number: found.get(number, GREY)
