"""Names of runs, models and sets of SAEs: parts of feature ids and of file names."""

import re
import reprlib
from typing import Final

from saedb.ingest.errors import InputError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_short = reprlib.Repr()
_short.maxstring = 120


def checked_name(what: str, value: str) -> str:
    """Return a name that may stand in ids and file names.

    Raises:
        InputError: it may not; `what` says whose name it is.
    """
    if not _NAME.fullmatch(value):
        raise InputError(
            f"{what} {quoted(value)} must be letters, digits, '.', '_' and '-', at most 100; choose another"
        )
    return value


def name_of(text: str) -> str:
    """Return the name that a folder or release gives, without what a name may not hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100]


def quoted(text: str) -> str:
    """Return a text as an error shows it: in quotes, on one line, a long one cut in the middle."""
    return _short.repr(text)
