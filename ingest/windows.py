"""The tokens around a token, and what a feature's activation is on each of them."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled
from saedb.ingest.contexts import Contexts
from saedb.ingest.sparse import starts
from saedb.ingest.stretches import Stretches

Integers = NDArray[np.int64]

BEFORE: Final = 20
"""Tokens before the one that a window is around."""
AFTER: Final = 10
"""Tokens after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The tokens around some places of a text, window by window."""

    start: Integers
    """Where each window starts in `token`, and where the last one ends, [windows + 1]."""
    token: Integers
    """Number of each token in the whole text, [tokens of all windows]."""
    at: Integers
    """Which of a window's tokens is the one that it is around, from 0, [windows]."""

    @property
    def lengths(self) -> Integers:
        """Tokens of each window, [windows]."""
        return np.diff(self.start)

    @property
    def spans(self) -> list[slice]:
        """Where each window is in `token`."""
        return [slice(a, b) for a, b in pairwise(self.start.tolist())]

    def take(self, index: Integers) -> Self:
        """Return the windows of these numbers, which may stand several times."""
        start = starts(self.lengths[index])
        shift = np.repeat(self.start[index] - start[:-1], np.diff(start))
        return type(self)(start=start, token=self.token[np.arange(start[-1]) + shift], at=self.at[index])


def windows(contexts: Contexts, places: Integers) -> Windows:
    """Return the window around each place, of which no token is beyond the place's document and context.

    Args:
        contexts: the text.
        places: numbers of tokens in the whole text, [windows].
    """
    size, documents = contexts.tokens.shape[1], contexts.documents.ravel()
    offsets = np.arange(-BEFORE, AFTER + 1)
    position = (places % size)[:, None] + offsets  # [windows, offsets]
    token = places[:, None] + offsets
    inside = (position >= 0) & (position < size)
    inside &= documents[np.clip(token, 0, len(documents) - 1)] == documents[places][:, None]
    return Windows(start=starts(inside.sum(axis=1)), token=token[inside], at=inside[:, :BEFORE].sum(axis=1))


def activations(text: Stretches, sae: str, feature: Integers, token: Integers) -> NDArray[np.float32]:
    """Return the activation of each feature on the token beside it, 0 where it has none; all are of shape [n].

    Args:
        text: its activations.
        sae: id of the SAE.
        feature: numbers of features.
        token: numbers of tokens in the whole text, whether these count or not.
    """
    found = np.zeros(len(token), np.float32)
    start = 0
    for part in text.read(sae):
        rows = part.rows[sae]
        _look_up(rows.indptr, rows.indices, rows.values, start, feature, token, found)
        start += len(part.counted)
    return found


@compiled
def _look_up(indptr: Any, indices: Any, values: Any, start: int, feature: Any, token: Any, found: Any) -> None:
    """Put the activations of a stretch where they are asked for; `start` is the number of its first token."""
    for i in range(len(token)):
        row = token[i] - start
        if 0 <= row < len(indptr) - 1:
            first, stop = indptr[row], indptr[row + 1]
            k = first + np.searchsorted(indices[first:stop], feature[i])
            if k < stop and indices[k] == feature[i]:
                found[i] = values[k]
