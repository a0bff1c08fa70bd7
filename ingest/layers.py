"""Layer numbers as people write them."""

import re
from typing import Final

from saedb.ingest.errors import InputError

_PART: Final = re.compile(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?")


def layer_numbers(text: str) -> frozenset[int]:
    """Return the layer numbers that a text like ``4-8`` or ``0,2,4-6`` names.

    Raises:
        InputError: the text is not of that form.
    """
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise InputError(f"cannot read layers {text!r}; write them like 4-8 or 0,2,4-6")
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found)
