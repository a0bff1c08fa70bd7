"""Which features are active on which counted tokens, held in memory by feature and by token, with the halves of a text.

Motifs ask for the joint activity of a few features at a time, which is a walk along sorted lists of tokens. An active
activation takes 4 bytes by feature and 2 or 4 by token.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled
from saedb.ingest.sparse import index_type, starts
from saedb.ingest.stretches import Stretches

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Ids = NDArray[np.object_]
"""Ids of the features of an SAE, [d_sae]."""

ENTRY_BYTES: Final = 8
"""Most bytes of an active activation."""


class Activity(NamedTuple):
    """The active features of an SAE on the counted tokens of a text."""

    start: Integers
    """Where the tokens of each feature start in `token`, and where the last one's end, [d_sae + 1]."""
    middle: Integers
    """Where those of the second half of the documents start, [d_sae]."""
    token: NDArray[np.uint32]
    """Tokens by feature, ascending."""
    row: Integers
    """Where the features of each token start in `feature`, and where the last one's end, [tokens + 1]."""
    feature: NDArray[Any]
    """Features by token, ascending."""


class Halves(NamedTuple):
    """The tokens of a text in two halves, whether counted or not."""

    counted: NDArray[np.bool_]
    """Which tokens count, [tokens]."""
    middle: int
    """The first token of the second half."""
    turn: NDArray[np.int64]
    """Tokens, whole contexts, by which each half is rotated for the null, [2]."""

    @property
    def sizes(self) -> Integers:
        """Counted tokens of each half, [2]."""
        first = int(self.counted[: self.middle].sum())
        return np.array([first, int(self.counted.sum()) - first])


def halves(text: Stretches, sae: str, context_size: int) -> Halves:
    """Return the halves of a text: those of its documents, or where it has but one, two that share no document.

    A text of one document is cut in the middle.
    """
    parts = [(part.counted, part.documents, part.half) for part in text.read(sae)]
    counted = np.concatenate([part[0] for part in parts])
    first = sum(len(part[0]) for part in parts if part[2] == 0)
    middle = first if 0 < first < len(counted) else _between(np.concatenate([part[1] for part in parts]))
    contexts = np.array([middle, len(counted) - middle]) // context_size
    return Halves(counted, middle, contexts // 2 * context_size)


def activity(text: Stretches, sae: str, threshold: Floats, middle: int) -> Activity:
    """Return where the features of an SAE are active; one whose threshold is infinite never is.

    Args:
        text: the text.
        sae: id of the SAE.
        threshold: of its features [d_sae].
        middle: the first token of the second half.
    """
    by_feature = np.zeros((2, len(threshold)), np.int64)
    by_token: list[Integers] = []
    done = 0
    for part in text.read(sae):
        rows, lengths = part.rows[sae], np.zeros(len(part.counted), np.int64)
        _count(rows.indptr, rows.indices, rows.values, part.counted, threshold, middle - done, by_feature, lengths)
        by_token.append(lengths)
        done += len(lengths)
    start, row = starts(by_feature.sum(axis=0)), starts(np.concatenate(by_token))
    token, feature = np.empty(start[-1], np.uint32), np.empty(start[-1], index_type(len(threshold)))
    place, done = start[:-1].copy(), 0
    for part in text.read(sae):
        rows = part.rows[sae]
        _fill(rows.indptr, rows.indices, rows.values, part.counted, threshold, done, place, token, row, feature)
        done += len(part.counted)
    return Activity(start, start[:-1] + by_feature[0], token, row, feature)


def _between(documents: NDArray[np.int32]) -> int:
    """Return the start of a document that is nearest to the middle of a text; its middle where there is only one."""
    begins = np.flatnonzero(np.diff(documents)) + 1
    centre = len(documents) // 2
    return int(begins[np.abs(begins - centre).argmin()]) if len(begins) else centre


@compiled
def _count(
    indptr: Any, indices: Any, values: Any, counted: Any, threshold: Any, middle: int, by_feature: Any, by_token: Any
) -> None:
    """Count active tokens of each half by feature, and active features by token."""
    for token in range(len(counted)):
        if not counted[token]:
            continue
        half = int(token >= middle)
        for k in range(indptr[token], indptr[token + 1]):
            feature = int(indices[k])
            if values[k] > threshold[feature]:
                by_feature[half, feature] += 1
                by_token[token] += 1


@compiled
def _fill(
    indptr: Any,
    indices: Any,
    values: Any,
    counted: Any,
    threshold: Any,
    done: int,
    place: Any,
    token_of: Any,
    row: Any,
    feature_of: Any,
) -> None:
    """Append a stretch to each feature's tokens, and write its tokens' features."""
    for token in range(len(counted)):
        if not counted[token]:
            continue
        at = row[done + token]
        for k in range(indptr[token], indptr[token + 1]):
            feature = int(indices[k])
            if values[k] > threshold[feature]:
                token_of[place[feature]] = done + token
                place[feature] += 1
                feature_of[at] = feature
                at += 1
