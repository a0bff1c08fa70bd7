"""Automatic labels: the tokens on which a feature is active, and those that its decoder direction promotes.

A label is short text for people: the few words that carry most of a feature's activation. Where no few words do, it
names the largest, and then what the feature promotes: ``world, war, … → ago, later``. A token that is mostly a piece of
a word stands in the word of an example: ``[am]endment``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled
from saedb.ingest.model import LanguageModel
from saedb.ingest.ranking import rise
from saedb.ingest.stretches import Stretches
from saedb.ingest.vocabulary import Vocabulary

TOP: Final = 10
"""Words that are kept for each feature."""
LONGEST: Final = 60
"""Characters of a label, at most."""

_ENOUGH: Final = 0.8
"""Share of the activation mass after which a label needs no further word."""
_WORDS: Final = 5
"""Words of a label, at most."""
_CONCENTRATED: Final = 0.5
"""Share of the mass that these words must carry; below it the feature is spread."""
_CELLS: Final = 1 << 26
"""Words times features whose sums are held at once: 512 MB."""
_DIRECTIONS: Final = 256
"""Decoder rows that go through the unembedding at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopWords:
    """The words with most of a feature's activation mass on counted tokens, best first."""

    words: tuple[str, ...]
    shares: tuple[float, ...]
    """Of the feature's mass."""


def top_words(
    text: Stretches, sae: str, width: int, *, tokens: NDArray[np.int32], vocabulary: Vocabulary
) -> list[TopWords]:
    """Return the top words of each feature of an SAE; none for a dead one.

    The text is read once for each block of features, of which there are as many as its words need.

    Args:
        text: its activations.
        sae: id of the SAE.
        width: its d_sae.
        tokens: id of each token of the text, [tokens].
        vocabulary: of the model, with the tokens of this text.
    """
    words = np.unique(vocabulary.word_of[vocabulary.seen])
    row_of = np.searchsorted(words, vocabulary.word_of)  # of a token that is not in the text, any
    step = max(_CELLS // max(len(words), 1), 1)
    result: list[TopWords] = []
    for first in range(0, width, step):
        mass = np.zeros((len(words), min(step, width - first)))
        start = 0
        for part in text.read(sae):
            found, row = part.rows[sae], row_of[tokens[start : start + len(part.counted)]]
            _add(found.indptr, found.indices, found.values, part.counted, row, first, mass)
            start += len(part.counted)
        result += _largest(mass, [vocabulary.words[word] for word in words.tolist()])
    return result


def promoted_words(
    model: LanguageModel, decoder: torch.Tensor, vocabulary: Vocabulary, progress: Callable[[int], None]
) -> list[tuple[str, ...]]:
    """Return the words of the text whose logits each decoder direction raises most, best first.

    Of the text, because the largest logits of all are mostly those of rare fragments, whatever the direction.

    Args:
        model: whose unembedding the directions go through.
        decoder: directions in the residual stream, [d_sae, d_model].
        vocabulary: of the model.
        progress: called with the directions newly done.
    """
    tokens = torch.from_numpy(np.flatnonzero(vocabulary.seen)).to(decoder.device)
    result: list[tuple[str, ...]] = []
    for directions in decoder.split(_DIRECTIONS):
        logits = model.promoted(directions)[:, tokens]
        best = tokens[logits.topk(min(3 * TOP, len(tokens))).indices]  # several tokens may be one word
        result += [_distinct(vocabulary, row) for row in best.cpu().numpy()]
        progress(len(directions))
    return result


def label(top: TopWords, promoted: Sequence[str], whole: Mapping[str, str]) -> str | None:
    """Return a feature's label, at most `LONGEST` characters; None for a dead feature.

    Args:
        top: its top words.
        promoted: the words that its direction promotes.
        whole: what stands for words that are only parts of such, without case (`wholewords.whole_words`).
    """
    if not top.words:
        return None
    words = [whole.get(word.casefold(), word) for word in _carrying(top)]
    if sum(top.shares[: len(words)]) >= _CONCENTRATED:
        return _shortened(words)
    spread = [*words[:2], "…"]
    return _shortened(spread) if not promoted else f"{_shortened(spread, 34)} → {_shortened(promoted[:2], 23)}"


def _carrying(top: TopWords) -> list[str]:
    sums = np.cumsum(top.shares[:_WORDS])
    return list(top.words[: int((sums < _ENOUGH).sum()) + 1][:_WORDS])


def _shortened(words: Sequence[str], longest: int = LONGEST) -> str:
    """Return as many of the words, joined, as there is room for; the first one cut where it is too long itself."""
    kept = [f"“{word}”" if "," in word else word for word in words]
    while len(kept) > 1 and len(", ".join(kept)) > longest:
        kept.pop(-2 if kept[-1] == "…" else -1)
    text = ", ".join(kept)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _largest(mass: NDArray[np.float64], words: Sequence[str]) -> Iterator[TopWords]:
    features = mass.shape[1]
    largest, row_of = np.zeros((features, TOP)), np.zeros((features, TOP), np.int64)
    total = np.full(features, np.finfo(np.float64).tiny)  # a dead feature has shares of 0
    _rank(mass, largest, row_of, total)
    shares, found = largest / total[:, None], np.count_nonzero(largest, axis=1)
    for row, share, count in zip(row_of.tolist(), shares.tolist(), found.tolist(), strict=True):
        yield TopWords(words=tuple(words[word] for word in row[:count]), shares=tuple(share[:count]))


@compiled
def _add(indptr: Any, indices: Any, values: Any, counted: Any, row: Any, first: int, mass: Any) -> None:
    """Add activations of a block of features, from `first` on, to the sums of the words, [words, features]."""
    stop = first + mass.shape[1]
    for token in range(len(counted)):
        if counted[token]:
            start = indptr[token]
            features = indices[start : indptr[token + 1]]
            for k in range(np.searchsorted(features, first), np.searchsorted(features, stop)):
                mass[row[token], int(features[k]) - first] += values[start + k]


@compiled
def _rank(mass: Any, largest: Any, row_of: Any, total: Any) -> None:
    """Put the sums among the largest of their features, and add them up."""
    words, features = mass.shape
    for word in range(words):
        for feature in range(features):
            value = mass[word, feature]
            total[feature] += value
            if value > largest[feature, TOP - 1]:
                rise(largest, row_of, feature, TOP - 1, value, word)


def _distinct(vocabulary: Vocabulary, tokens: NDArray[np.int64]) -> tuple[str, ...]:
    words = dict.fromkeys(vocabulary.words[word] for word in vocabulary.word_of[tokens].tolist())
    readable = [word for word in words if word and "\ufffd" not in word]
    return tuple(readable[:TOP])
