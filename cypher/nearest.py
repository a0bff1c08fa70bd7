"""What a user may have meant by a name that does not exist."""

import difflib
from collections.abc import Iterable
from typing import Final

_FEW: Final = 12


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return the end of a message: the names most like `name`; where none is like it, all of them if they are few."""
    known = list(names)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there is {', '.join(known)}" if 0 < len(known) <= _FEW else f"there are {len(known)}, none like it"
