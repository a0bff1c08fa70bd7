"""The contexts in which each feature is most active: the tokens around the active one, and how active it is on them."""

from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled
from saedb.ingest.contexts import Contexts
from saedb.ingest.pieces import Pieces
from saedb.ingest.ranking import rise
from saedb.ingest.stretches import Stretches
from saedb.ingest.tables import EXAMPLES, rows
from saedb.ingest.windows import Windows, activations, windows

Integers = NDArray[np.int64]

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
    text: Stretches, sae: str, hits: Hits, *, contexts: Contexts, pieces: Pieces, ids: NDArray[np.object_]
) -> pa.Table:
    """Return the rows of the examples file for one SAE.

    Args:
        text: its activations.
        sae: id of the SAE.
        hits: from `top_hits`.
        contexts: the text.
        pieces: of the model's tokenizer.
        ids: id of each feature, [d_sae].
    """
    places, which = np.unique(hits.token, return_inverse=True)  # features share many of them
    around = windows(contexts, places)
    return rows(
        EXAMPLES,
        {
            "feature": ids[hits.feature],
            "rank": _rank(hits.feature),
            "document": contexts.documents.ravel()[hits.token],
            "context": hits.token // contexts.tokens.shape[1],
            "position": hits.token % contexts.tokens.shape[1],
            "activation": hits.activation,
            "tokens": _texts(contexts, around, pieces).take(pa.array(which)),
            "activations": _activations(text, sae, hits.feature, around.take(which)),
            "at": around.at[which],
        },
    )


def _texts(contexts: Contexts, around: Windows, pieces: Pieces) -> pa.ListArray:
    """Return the texts of the tokens of each window."""
    ids, spans, at = contexts.tokens.ravel()[around.token], around.spans, around.at.tolist()
    found: list[pa.Array] = []
    for start in range(0, len(at), _PLACES):
        part = slice(start, start + _PLACES)
        divided = pieces.of([ids[span].tolist() for span in spans[part]], at[part])
        found.append(pa.array(list(chain.from_iterable(divided)), pa.string()))
    return _lists(around, pa.concat_arrays(found) if found else pa.array([], pa.string()))


def _activations(text: Stretches, sae: str, feature: Integers, around: Windows) -> pa.ListArray:
    """Return the activations of each feature on the tokens of the window beside it."""
    return _lists(around, pa.array(activations(text, sae, np.repeat(feature, around.lengths), around.token)))


def _lists(around: Windows, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(around.start, pa.int32()), values)


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
