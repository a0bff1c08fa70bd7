"""A model's tokens as people read them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

_AT_ONCE: Final = 1 << 20
"""Tokens that are counted at once."""

_SYMBOLS: Final = str.maketrans({"\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Words: tokens that are equal but for case and a leading space are one word."""

    word_of: NDArray[np.int64]
    """Number of each token's word, [tokens of the vocabulary]."""
    words: tuple[str, ...]
    """Each word as its most frequent token writes it."""
    seen: NDArray[np.bool_]
    """Whether each token is in the text, [tokens of the vocabulary]."""


def vocabulary(tokenizer: PreTrainedTokenizerBase, tokens: NDArray[np.int32]) -> Vocabulary:
    """Return the words of a tokenizer; `tokens`, of any shape, is the text that says which spelling is frequent."""
    texts = [visible(text) for text in tokenizer.batch_decode([[token] for token in range(len(tokenizer))])]
    numbers: dict[str, int] = {}
    word_of = np.array([numbers.setdefault(text.casefold(), len(numbers)) for text in texts], dtype=np.int64)
    frequency = _frequency(tokens.ravel(), len(texts))
    words = [""] * len(numbers)
    for token in np.argsort(frequency, kind="stable").tolist():
        words[word_of[token]] = texts[token]  # the most frequent token comes last
    return Vocabulary(word_of=word_of, words=tuple(words), seen=frequency > 0)


def _frequency(tokens: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    frequency = np.zeros(count, np.int64)
    for start in range(0, len(tokens), _AT_ONCE):  # bincount makes 64-bit numbers of what it is given
        frequency += np.bincount(tokens[start : start + _AT_ONCE], minlength=count)
    return frequency


def visible(text: str) -> str:
    """Return a token's text without its leading space, and with what cannot be seen made visible."""
    if not text.strip(" "):
        return "␣" * len(text)
    shown = text.removeprefix(" ").translate(_SYMBOLS)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)
