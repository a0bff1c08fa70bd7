"""The words that pieces of words stand in: a feature of the token ``am`` may be one of ``[am]endment``.

Tokens are often no words, and their top tokens then tell little of a feature. Its examples have the text around them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import pyarrow as pa

_COLUMNS: Final = ("feature", "tokens", "at")


def whole_words(examples: Iterable[pa.Table]) -> dict[str, Mapping[str, str]]:
    """Return by feature, for its tokens that are mostly parts of words, the word with the token in brackets.

    Tokens are without leading space and without case. Of several words the most frequent one counts, of these the one
    in the most active example. Features without such tokens are left out.

    Args:
        examples: rows of the examples table, by feature and then by rank, part by part; of their columns, feature,
            tokens and at.
    """
    found = ((feature, _forms(rows)) for feature, rows in groupby(_rows(examples), key=lambda row: row[0]))
    return {feature: forms for feature, forms in found if forms}


def _rows(examples: Iterable[pa.Table]) -> Iterator[tuple[Any, ...]]:
    for part in examples:
        yield from zip(*(part[name].to_pylist() for name in _COLUMNS), strict=True)


def _forms(rows: Iterable[tuple[Any, ...]]) -> Mapping[str, str]:
    forms: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for _, tokens, at in rows:
        bare = tokens[at].strip()
        if bare.isalpha():
            forms[bare.casefold()][_whole("".join(tokens[:at]), tokens[at], "".join(tokens[at + 1 :]))] += 1
    best = {bare: counts.most_common(1)[0] for bare, counts in forms.items()}
    return {
        bare: form
        for bare, (form, _) in best.items()
        if form is not None and 2 * forms[bare][None] < forms[bare].total()
    }


def _whole(before: str, token: str, after: str) -> str | None:
    """Return the word around a token, the token in brackets; None where it is a word itself."""
    left = "" if token[0].isspace() else before[len(before) - _letters(before[::-1]) :]
    right = "" if token[-1].isspace() else after[: _letters(after)]
    return f"{left}[{token.strip()}]{right}" if left or right else None


def _letters(text: str) -> int:
    """Return how many letters a text begins with."""
    return next((place for place, character in enumerate(text) if not character.isalpha()), len(text))
