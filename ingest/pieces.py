"""The text of each token of a window, such that together they are the text of the window.

A tokenizer decodes a token by itself differently than within a text: without the space before it, or without the bytes
that a character has in other tokens. So the window is decoded, and then divided.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from transformers import PreTrainedTokenizerBase


class Pieces:
    """Divides texts of a tokenizer into those of their tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._inner: dict[int, str] = {}
        """What a token adds to a text that it does not begin."""

    def of(self, windows: list[list[int]], at: Sequence[int]) -> list[list[str]]:
        """Return the texts of the tokens of each window.

        A character whose bytes are spread over several tokens is the text of the last of them, or of the active one;
        others of them have no text. The active token has some.

        Args:
            windows: ids of tokens.
            at: which token of each window is the active one.
        """
        self._learn({token for window in windows for token in window})
        texts = self._decoded(windows)
        return [self._divided(*one) for one in zip(windows, at, texts, strict=True)]

    def _learn(self, tokens: set[int]) -> None:
        new = sorted(tokens - self._inner.keys())
        alone, twice = self._decoded([[token] for token in new]), self._decoded([[token, token] for token in new])
        self._inner |= {t: two[len(one) :] for t, one, two in zip(new, alone, twice, strict=True)}

    def _divided(self, window: list[int], at: int, text: str) -> list[str]:
        pieces = [self._inner[token] for token in window]
        joined = "".join(pieces)
        if joined == f" {text}" and pieces[0].startswith(" "):  # a tokenizer may leave out the first space of a text
            pieces[0], joined = pieces[0][1:], text
        return pieces if joined == text and pieces[at] else self._cut(window, at, text)

    def _cut(self, window: list[int], at: int, text: str) -> list[str]:
        """Return the pieces by what the tokens up to each one have in common with the whole."""
        heads = self._decoded([window[:count] for count in range(len(window) + 1)])
        ends = [_shared(text, head) for head in heads]
        start = min(ends[at], max(len(text) - 1, 0))
        stop = max(ends[at + 1], min(start + 1, len(text)))
        before = accumulate((min(end, start) for end in ends[:at]), max)
        after = accumulate((max(end, stop) for end in ends[at + 2 :]), max)
        return [text[a:b] for a, b in pairwise((*before, start, stop, *after))]

    def _decoded(self, windows: list[list[int]]) -> list[str]:
        if not windows:
            return []
        return self._tokenizer.batch_decode(windows, clean_up_tokenization_spaces=False)


def _shared(whole: str, part: str) -> int:
    """Return how many characters both start with; `part` differs only where a character is incomplete."""
    if whole.startswith(part):
        return len(part)
    return next((i for i, (a, b) in enumerate(zip(whole, part, strict=False)) if a != b), len(whole))
