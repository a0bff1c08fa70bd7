"""The tokens of a prompt: as text, and the one that a user means."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LISTED: Final = 40
"""Tokens that an error lists."""
_PART: Final = "\ufffd"
"""What stands for a token that is only a part of a character, as tokenizers have it."""


def token_texts(tokenizer: "PreTrainedTokenizerBase", ids: Sequence[int]) -> tuple[str, ...]:
    """Return the text of each token, with its space; all joined are the text.

    A character whose bytes are spread over several tokens belongs to the last of them.
    """
    beginnings = [ids[: end + 1] for end in range(len(ids))]
    texts = tokenizer.batch_decode([list(part) for part in beginnings], clean_up_tokenization_spaces=False)
    found: list[str] = []
    start = 0
    for text in texts:
        end = max(_shared(texts[-1], text), start)
        found.append(texts[-1][start:end] or _PART)
        start = end
    return tuple(found)


def chosen(tokens: Sequence[str], counted: Sequence[int], asked: str | None) -> int:
    """Return the position of the token that is asked for: by its position, or by its text; None: the last that counts.

    Raises:
        InputError: there is no such token, there are several, or it does not count.
    """
    if asked is None:
        return counted[-1]
    position = _position(tokens, asked.strip())
    if position not in counted:
        raise InputError(
            f"token {position} {quoted(tokens[position])} does not count in this run (special, first, or an attention "
            f"sink); choose one of {listed(tokens, counted)}"
        )
    return position


def listed(tokens: Sequence[str], positions: Iterable[int]) -> str:
    """Return tokens with their positions on one line, the first ones of many."""
    shown = [f"{position} {quoted(tokens[position])}" for position in positions]
    return ", ".join(shown if len(shown) <= _LISTED else [*shown[:_LISTED], "..."])


def _position(tokens: Sequence[str], asked: str) -> int:
    if asked.isdecimal() and asked.isascii():
        if int(asked) < len(tokens):
            return int(asked)
        raise InputError(f"there is no token {asked}; there are {listed(tokens, range(len(tokens)))}")
    exact = [position for position, token in enumerate(tokens) if token.strip() == asked]
    found = exact or [p for p, token in enumerate(tokens) if token.strip().casefold() == asked.casefold()]
    if not found or not asked:
        raise InputError(f"there is no token {quoted(asked)}; there are {listed(tokens, range(len(tokens)))}")
    if len(found) > 1:
        raise InputError(
            f"the token {quoted(asked)} stands at {' and '.join(map(str, found))}; choose one by its position, such as "
            f"--token {found[-1]}"
        )
    return found[0]


def _shared(whole: str, part: str) -> int:
    """Return how many characters both start with; `part` differs only where a character is incomplete."""
    if whole.startswith(part):
        return len(part)
    return next((i for i, (a, b) in enumerate(zip(whole, part, strict=False)) if a != b), len(whole))
