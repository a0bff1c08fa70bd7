"""The contexts in which each feature is most active, and their text around the active token."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from saedb.ingest.compiled import compiled
from saedb.ingest.contexts import Contexts
from saedb.ingest.ranking import rise
from saedb.ingest.stretches import Stretches
from saedb.ingest.tables import EXAMPLES, rows

Integers = NDArray[np.int64]

BEFORE: Final = 12
"""Tokens of text before the active one."""
AFTER: Final = 6
"""Tokens of text after it."""

_POOL: Final = 3
"""Contexts held per example, so that examples can be taken from different documents."""
_PLACES: Final = 1 << 13
"""Places whose text is decoded at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Activations: of which feature, on which token, how large; every array is of shape [hits]."""

    feature: Integers
    token: Integers
    """Number of the token in the whole text."""
    activation: NDArray[np.float32]

    def take(self, index: Integers | NDArray[np.bool_]) -> Self:
        """Return some of the hits."""
        return type(self)(feature=self.feature[index], token=self.token[index], activation=self.activation[index])


def top_hits(text: Stretches, sae: str, width: int, *, documents: NDArray[np.int32], count: int) -> Hits:
    """Return up to `count` hits of each feature, one per context: by feature, then from the largest down.

    They are the largest, but that a second one from a document comes after the first ones of other documents, as far
    as these are among the three times `count` contexts of largest activation. Equal ones: the earlier in the text.

    Args:
        text: its activations.
        sae: id of the SAE.
        width: its d_sae.
        documents: number of the document of each token of the text, [tokens].
        count: hits for each feature, at least 1.
    """
    largest = np.zeros((width, _POOL * count), np.float32)
    token_of = np.full(largest.shape, -1, np.int64)
    start = 0
    for part in text.read(sae):
        found = part.rows[sae]
        _collect(found.indptr, found.indices, found.values, part.counted, part.positions, start, largest, token_of)
        start += len(part.counted)
    feature, place = np.nonzero(largest)
    pool = Hits(feature=feature, token=token_of[feature, place], activation=largest[feature, place])
    return _varied(pool, documents[pool.token], count)


@compiled
def _collect(
    indptr: Any, indices: Any, values: Any, counted: Any, positions: Any, start: int, largest: Any, token_of: Any
) -> None:
    """Put a stretch's activations among the largest of their features; `start` is the number of its first token."""
    end = largest.shape[1] - 1
    for i in range(len(counted)):
        if not counted[i]:
            continue
        token = start + i
        context = token - positions[i]  # its first token: only what is of this context has such a number, or a higher
        for k in range(indptr[i], indptr[i + 1]):
            feature, value = int(indices[k]), values[k]
            if value > largest[feature, end]:
                place = 0
                while place < end and token_of[feature, place] < context:
                    place += 1
                if value > largest[feature, place]:
                    rise(largest, token_of, feature, place, value, token)


def example_rows(
    hits: Hits, contexts: Contexts, tokenizer: PreTrainedTokenizerBase, ids: NDArray[np.object_]
) -> pa.Table:
    """Return the rows of the examples file for one SAE.

    Args:
        hits: from `top_hits`.
        contexts: the text.
        tokenizer: the model's.
        ids: id of each feature, [d_sae].
    """
    places, which = np.unique(hits.token, return_inverse=True)  # features share many of them
    before, token, after = (np.array(column, dtype=object) for column in texts(contexts, places, tokenizer))
    return rows(
        EXAMPLES,
        {
            "feature": ids[hits.feature],
            "rank": _rank(hits.feature),
            "document": contexts.documents.ravel()[hits.token],
            "context": hits.token // contexts.tokens.shape[1],
            "position": hits.token % contexts.tokens.shape[1],
            "activation": hits.activation,
            "before": before[which],
            "token": token[which],
            "after": after[which],
        },
    )


def texts(
    contexts: Contexts, places: Integers, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[str], list[str], list[str]]:
    """Return the text before, of and after each place, none of it beyond the token's document and context.

    Args:
        contexts: the text.
        places: numbers of tokens in the whole text.
        tokenizer: the model's.
    """
    parts: list[tuple[str, str, str]] = []
    for start in range(0, len(places), _PLACES):
        windows = [_window(contexts, place) for place in places[start : start + _PLACES].tolist()]
        whole = _decoded(tokenizer, [tokens for tokens, _ in windows])
        heads = _decoded(tokenizer, [tokens[:at] for tokens, at in windows])
        upto = _decoded(tokenizer, [tokens[: at + 1] for tokens, at in windows])
        parts += [_cut(*strings) for strings in zip(whole, heads, upto, strict=True)]
    return [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts]


def _window(contexts: Contexts, place: int) -> tuple[list[int], int]:
    """Return the tokens around a place, and where it is among them."""
    context, position = divmod(place, contexts.tokens.shape[1])
    span = slice(max(position - BEFORE, 0), position + AFTER + 1)
    tokens, documents = contexts.tokens[context, span], contexts.documents[context, span]
    at = position - span.start
    same = documents == documents[at]
    return tokens[same].tolist(), int(same[:at].sum())


def _decoded(tokenizer: PreTrainedTokenizerBase, tokens: list[list[int]]) -> list[str]:
    return tokenizer.batch_decode(tokens, clean_up_tokenization_spaces=False)


def _cut(whole: str, head: str, upto: str) -> tuple[str, str, str]:
    """Return `whole` in three parts, given the text of the tokens before one and of the tokens up to it.

    A character whose bytes are spread over several tokens counts to the first part it can be read in.
    """
    start = min(_shared(whole, head), max(len(whole) - 1, 0))
    end = max(_shared(whole, upto), min(start + 1, len(whole)))
    return whole[:start], whole[start:end], whole[end:]


def _shared(whole: str, part: str) -> int:
    """Return how many characters both start with; `part` differs only where a character is incomplete."""
    if whole.startswith(part):
        return len(part)
    return next((i for i, (a, b) in enumerate(zip(whole, part, strict=False)) if a != b), len(whole))


def _varied(pool: Hits, documents: NDArray[np.int32], count: int) -> Hits:
    """Return `count` hits of each feature from a pool ordered by feature and size, second ones of a document last."""
    by_document = np.lexsort((np.arange(len(documents)), documents, pool.feature))
    key = pool.feature[by_document] * (int(documents.max(initial=0)) + 2) + documents[by_document]
    turn = np.empty(len(documents), np.int64)
    turn[by_document] = _rank(key)
    chosen = np.lexsort((np.arange(len(documents)), turn, pool.feature))
    chosen = chosen[_rank(pool.feature[chosen]) < count]
    return pool.take(np.sort(chosen))


def _rank(key: Integers) -> Integers:
    """Return how many equal keys stand before each one; equal keys are neighbours."""
    new = np.ones(len(key), np.bool_)
    new[1:] = key[1:] != key[:-1]
    starts = np.flatnonzero(new)
    return np.arange(len(key)) - np.repeat(starts, np.diff(np.append(starts, len(key))))
