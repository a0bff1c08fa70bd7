"""Automatic labels: the tokens on which a feature is active, and those that its decoder direction promotes.

A label is short text for people: the few words that carry most of a feature's activation. Where no few words do, it
names the largest, and then what the feature promotes: ``world, war, … → ago, later``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore
from saedb.ingest.model import LanguageModel
from saedb.ingest.sparse import SparseRows, stacked
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
_ENTRIES: Final = 1 << 24
"""Activations that are held at once."""
_DIRECTIONS: Final = 256
"""Decoder rows that go through the unembedding at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopWords:
    """The words with most of a feature's activation mass on counted tokens, best first."""

    words: tuple[str, ...]
    shares: tuple[float, ...]
    """Of the feature's mass."""


def top_words(store: ActivationStore, sae: str, tokens: NDArray[np.int32], vocabulary: Vocabulary) -> list[TopWords]:
    """Return the top words of each feature of an SAE; none for a dead one.

    Args:
        store: every shard written.
        sae: id of the SAE.
        tokens: id of each token of the text, [tokens].
        vocabulary: of the model.
    """
    counted = np.concatenate([store.counted(shard) for shard in store.shards])
    words = _indicator(vocabulary.word_of[tokens[counted]], len(vocabulary.words))
    entries = sum(len(store.rows(sae, shard).values) for shard in store.shards)
    result: list[TopWords] = []
    for features in store.blocks(sae, _ENTRIES * store.widths[sae] // max(entries, 1)):
        activations = stacked([store.counted_rows(sae, shard, features) for shard in store.shards])
        result += _largest(activations.transposed().times(words), vocabulary)
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


def label(top: TopWords, promoted: Sequence[str]) -> str | None:
    """Return a feature's label, at most `LONGEST` characters; None for a dead feature."""
    if not top.words:
        return None
    words = _carrying(top)
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


def _indicator(word: NDArray[np.int64], words: int) -> SparseRows:
    """Return the matrix with a 1 at each token's word, [tokens, words]."""
    ones = np.ones(len(word), np.float32)
    return SparseRows(indptr=np.arange(len(word) + 1), indices=word, values=ones, width=words)


def _largest(mass: SparseRows, vocabulary: Vocabulary) -> Iterator[TopWords]:
    for start, end in zip(mass.indptr[:-1].tolist(), mass.indptr[1:].tolist(), strict=True):
        word, value = mass.indices[start:end], mass.values[start:end]
        order = np.lexsort((word, -value))[:TOP]
        shares = value[order] / max(float(value.sum()), np.finfo(np.float32).tiny)
        yield TopWords(words=tuple(vocabulary.words[w] for w in word[order].tolist()), shares=tuple(shares.tolist()))


def _distinct(vocabulary: Vocabulary, tokens: NDArray[np.int64]) -> tuple[str, ...]:
    words = dict.fromkeys(vocabulary.words[word] for word in vocabulary.word_of[tokens].tolist())
    readable = [word for word in words if word and "\ufffd" not in word]
    return tuple(readable[:TOP])
