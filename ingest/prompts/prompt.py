"""A prompt: a text, its tokens, and the features that are active on them."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from saedb.ingest.errors import InputError
from saedb.ingest.naming import checked_name, quoted

_LONGEST: Final = 20
"""Characters of a name that the text gives."""
_DIGITS: Final = 6
"""Hexadecimal digits of the text's hash in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A text as a run's model and SAEs read it; the last three fields are of shape [activations], by depth and token.

    Only activations on tokens that count are here, and only those above the threshold.
    """

    id: str
    text: str
    created: str
    """ISO 8601, UTC."""
    tokens: tuple[str, ...]
    """What the model read, BOS included."""
    counted: tuple[int, ...]
    """Positions of the tokens that count, as they would in the run's text."""
    threshold: float | None = None
    """Share of a feature's largest activation in the run above which it is active; None: as in the run."""
    features: tuple[str, ...] = ()
    """Ids."""
    positions: tuple[int, ...] = ()
    activations: tuple[float, ...] = ()


def prompt_id(text: str, name: str | None = None) -> str:
    """Return the name that a prompt is given, or the one that its text gives: its first words, and a part of its hash.

    Raises:
        InputError: the name is none.
    """
    if name is not None:
        return checked_name("name of a prompt", name)
    words = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
    start = words if len(words) <= _LONGEST else words[: _LONGEST + 1].rpartition("-")[0] or words[:_LONGEST]
    return "-".join(filter(None, [start, hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]]))


def check_text(text: str) -> None:
    """Check that a text may be a prompt.

    Raises:
        InputError: it is empty, or cannot be stored.
    """
    if not text.strip():
        raise InputError("the prompt is empty; write some words, for instance: saedb prompt 'The capital of France is'")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"the prompt {quoted(text)} is no valid text ({error.reason}); write it in UTF-8") from error
