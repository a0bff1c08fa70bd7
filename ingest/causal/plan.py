"""The work for a pair of SAEs: which upstream features, in which contexts, and what is asked of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.causal.effects import FIRING, Side
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.stretches import StoredText, Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One upstream feature."""

    feature: int
    targets: tuple[int, ...]
    """Downstream features that it is asked about."""
    contexts: tuple[int, ...]
    """Numbers of contexts in which it is active, ascending."""
    share: float
    """Of all contexts in which it is active, the share that these are."""


def tasks(
    text: StoredText, sae: str, side: Side, targets: Mapping[int, Sequence[int]], settings: AblationSettings
) -> list[Task]:
    """Return the work for the upstream features of one SAE, in their order.

    Args:
        text: its activations.
        sae: id of the upstream SAE.
        side: its features.
        targets: downstream features by upstream one.
        settings: how many contexts, and the seed.
    """
    contexts = _contexts(text, sae, side, np.array(sorted(targets), np.int64))
    return [
        Task(
            feature=feature,
            targets=tuple(sorted(set(targets[feature]))),
            contexts=tuple(np.sort(_drawn(contexts[feature], settings, feature)).tolist()),
            share=min(settings.contexts / max(len(contexts[feature]), 1), 1.0),
        )
        for feature in sorted(targets)
    ]


def firing(text: StoredText, sae: str, side: Side) -> NDArray[np.int64]:
    """Return the counted tokens on which each feature of an SAE is above `FIRING` of its maximum, [d_sae]."""
    counts = np.zeros(len(side.maximum), np.int64)
    for part, entries in _entries(text, sae):
        rows = part.rows[sae]
        fires = entries & (rows.values > FIRING * side.maximum[rows.indices])
        counts += np.bincount(rows.indices[fires], minlength=len(counts))
    return counts


def _contexts(text: StoredText, sae: str, side: Side, features: NDArray[np.int64]) -> Mapping[int, NDArray[np.int64]]:
    """Return the numbers of the contexts in which each of some features is active on a counted token."""
    is_asked = np.zeros(len(side.threshold), np.bool_)
    is_asked[features] = True
    found: list[NDArray[np.int64]] = [np.empty((0, 2), np.int64)]
    start = 0
    for part, entries in _entries(text, sae):
        rows = part.rows[sae]
        active = entries & is_asked[rows.indices] & (rows.values > side.threshold[rows.indices])
        context = (start + rows.row_of[active]) // text.context_size
        found.append(np.unique(np.stack([rows.indices[active].astype(np.int64), context], axis=1), axis=0))
        start += len(part.counted)
    pairs = np.unique(np.concatenate(found), axis=0)
    return {int(feature): pairs[pairs[:, 0] == feature, 1] for feature in features}


def _entries(text: StoredText, sae: str) -> Iterator[tuple[Stretch, NDArray[np.bool_]]]:
    """Yield the text with the activations of an SAE, and which of these are on counted tokens."""
    for part in text.read(sae):
        yield part, part.counted[part.rows[sae].row_of]


def _drawn(contexts: NDArray[np.int64], settings: AblationSettings, feature: int) -> NDArray[np.int64]:
    return np.random.default_rng([settings.seed, feature]).permutation(contexts)[: settings.contexts]
