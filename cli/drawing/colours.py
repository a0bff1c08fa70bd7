"""The colour of a community: the same one wherever it is drawn."""

from typing import Final

from plotly.colors import qualitative

GREY: Final = "#b4bcc5"
"""The colour of what is in no community."""
_PALETTE: Final = (*qualitative.D3, *qualitative.Dark2, *qualitative.Set2)


def of_community(number: int | None) -> str:
    """Return the colour of the community of a number, in its partition."""
    return GREY if number is None else _PALETTE[number % len(_PALETTE)]
