"""Made-up words about features: labels, tokens and examples as short as a model's, and as often the same."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_TOKENS: Final = 5
"""Of each list of tokens."""
_EXAMPLES: Final = 3
"""At most, of a feature."""
_WORDS_OF_LABEL: Final = 2
_WORDS_AROUND: Final = 4
"""On each side of an example's token."""
_ONSETS: Final = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t")
_VOWELS: Final = ("a", "e", "i", "o", "u")
_SYLLABLES: Final = tuple(onset + vowel for onset in _ONSETS for vowel in _VOWELS)
_WORDS: Final = pa.array([one + two for one in _SYLLABLES for two in _SYLLABLES])

Integers = NDArray[np.int64]


def texts(topic: Integers, random: np.random.Generator) -> dict[str, pa.Array]:
    """Return the columns of text of features of these topics [features]; a topic gives its features a common word."""
    own = _some(random, len(topic), _WORDS_OF_LABEL)
    return {
        "label": _joined([_WORDS.take(pa.array(topic % len(_WORDS))), *own]),
        "top_tokens": _lists(_spaced(_some(random, len(topic) * _TOKENS, 1)[0]), np.full(len(topic), _TOKENS)),
        "promoted_tokens": _lists(_spaced(_some(random, len(topic) * _TOKENS, 1)[0]), np.full(len(topic), _TOKENS)),
        "examples": _examples(own[0], random.integers(1, _EXAMPLES + 1, len(topic)), random),
    }


def _examples(token: pa.Array, counts: Integers, random: np.random.Generator) -> pa.Array:
    total = int(counts.sum())
    marked = pc.binary_join_element_wise("[[", token.take(pa.array(np.repeat(np.arange(len(token)), counts))), "]]", "")
    before, after = _some(random, total, _WORDS_AROUND), _some(random, total, _WORDS_AROUND)
    return _lists(_joined([*before, marked, *after]), counts)


def _some(random: np.random.Generator, count: int, times: int) -> list[pa.Array]:
    return [_WORDS.take(pa.array(random.integers(len(_WORDS), size=count))) for _ in range(times)]


def _spaced(words: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(" ", words, "")


def _joined(parts: list[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, " ")


def _lists(values: pa.Array, counts: Integers) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32()), values)
