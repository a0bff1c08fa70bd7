"""Labels of communities: the words that tell their features from those of other communities.

A feature's words are those of its label and its strongest top tokens, each once. A word's weight in a community is the
share of the features that have it, times log(1 + words of a community on average / features of all that have it):
class-based tf-idf (Grootendorst 2022). So "phrases related to" is nobody's name.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from saedb.cypher.communities.numbering import ALONE
from saedb.ingest.measures import Floats, Integers

WORDS: Final = 3
"""Words of a label."""

_TOKENS: Final = 5
"""Top tokens of a feature that count."""
_LONGEST: Final = 60
"""Characters of a label."""
_WORD: Final = re.compile(r"[^\W_]{2,}(?:['\u2019][^\W_]+)*")
_PROMOTED: Final = "→"
"""What follows it in an automatic label is what the feature promotes, not what it is active on."""
_NO_BRACKETS: Final = str.maketrans("", "", "[]")
"""An automatic label shows so which part of a word is the token."""
_LIFT: Final = 1.5
"""How much more frequent than among all features a word is to be among those of a community."""
_STEM: Final = 5
"""Letters at the beginning after which two words count as forms of one."""


class Words:
    """The words of features."""

    def __init__(self, features: pd.DataFrame) -> None:
        """Count the words of features, given their columns ``label`` and ``top_tokens`` [n]."""
        self._labels = [label if isinstance(label, str) and label else None for label in features["label"]]
        texts = zip(self._labels, features["top_tokens"], strict=True)
        options: dict[str, Any] = {"analyzer": _words, "dtype": np.float64}
        vectorizer = CountVectorizer(**options)
        try:
            self._counts: Any = sparse.csr_matrix(vectorizer.fit_transform(list(texts)))
            self._terms: list[str] = list(vectorizer.get_feature_names_out())
        except ValueError:  # not one feature has a word
            self._counts, self._terms = sparse.csr_matrix((len(features), 0)), []

    def weighted(self) -> Any:
        """Return the weights of the words of each feature, sparse [n, words]: rare ones weigh more."""
        if not self._terms:
            return self._counts
        options: dict[str, Any] = {"norm": None}
        return sparse.csr_matrix(TfidfTransformer(**options).fit_transform(self._counts))

    def labels(self, number: Integers, strength: Floats) -> list[str | None]:
        """Return the label of each community, by number [largest number + 1]; None where no feature has one.

        Where its features share no word, it is the label of the one that is tied most to the others.

        Args:
            number: number of each feature's community [n]; `ALONE` where it is in none.
            strength: weight of each feature's edges inside its community [n].
        """
        members = np.flatnonzero(number != ALONE)
        members = members[np.argsort(number[members], kind="stable")]
        size = np.bincount(number[members])
        first = np.cumsum(size) - size
        shape = (len(size), len(number))
        classes: Any = sparse.csr_matrix((np.ones(len(members)), (number[members], members)), shape) @ self._counts
        frequency = np.asarray(classes.sum(axis=0)).ravel()
        rarity = np.log1p(classes.sum() / max(len(size), 1) / np.maximum(frequency, 1))
        found: list[str | None] = []
        for community, (start, stop) in enumerate(pairwise(classes.indptr.tolist())):
            words, count = classes.indices[start:stop], classes.data[start:stop]
            share = count / max(size[community], 1)
            telling = (count > 1) & (share > _LIFT * frequency[words] / max(len(members), 1))
            words, share = words[telling], share[telling]
            kept = _distinct(self._terms[int(word)] for word in words[np.lexsort((words, -share * rarity[words]))])
            own = members[first[community] : first[community] + size[community]]
            found.append(", ".join(kept) or self._of_strongest(own, strength))
        return found

    def _of_strongest(self, places: Integers, strength: Floats) -> str | None:
        ordered = places[np.argsort(-strength[places], kind="stable")]
        label = next((label for place in ordered if (label := self._labels[place])), None)
        return label if label is None or len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _words(feature: tuple[str | None, Sequence[str] | None]) -> list[str]:
    label, tokens = feature
    told = (label or "").partition(_PROMOTED)[0].translate(_NO_BRACKETS)
    texts = [told, *(tokens if tokens is not None else ())[:_TOKENS]]
    return list(dict.fromkeys(word for text in texts for word in _WORD.findall(text.casefold())))


def _distinct(words: Iterator[str]) -> list[str]:
    """Return the first words, none of them another form of one before."""
    kept: list[str] = []
    for word in words:
        fits = len(", ".join([*kept, word])) <= _LONGEST
        if fits and not any(_is_form(word, other) for other in kept):
            kept.append(word)
        if len(kept) == WORDS:
            break
    return kept


def _is_form(word: str, other: str) -> bool:
    return word[:_STEM] == other[:_STEM] or word.startswith(other) or other.startswith(word)
