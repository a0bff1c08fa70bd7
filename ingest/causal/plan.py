"""The work for a pair of SAEs: which upstream features, in which contexts, and what is asked of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.causal.effects import FIRING, Side
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.stretches import StoredText, Stretch

_WEAK: Final = 4
"""For so many contexts with the feature above its threshold, one in which it fires, and stays below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One upstream feature."""

    feature: int
    targets: tuple[int, ...]
    """Downstream features that it is asked about."""
    contexts: NDArray[np.int64]
    """Numbers of contexts in which it fires, ascending, [contexts]."""
    weights: NDArray[np.float64]
    """How many contexts of the text each stands for, [contexts]."""
    active: int
    """Of these contexts, those in which it is active: above its threshold, on a token that counts."""
    share: float
    """Of all contexts in which it is active, the share that these are."""


def tasks(
    text: StoredText,
    sae: str,
    side: Side,
    targets: Mapping[int, Sequence[int]],
    contexts: int,
    settings: AblationSettings,
) -> list[Task]:
    """Return the work for the upstream features of one SAE, in their order.

    Args:
        text: its activations.
        sae: id of the upstream SAE.
        side: its features.
        targets: downstream features by upstream one.
        contexts: how many the text has.
        settings: how many of them are taken, and the seed.
    """
    features = sorted(targets)
    active, weak = _contexts(text, sae, side, features, contexts)
    # one order for all features: so they share contexts, which the model then reads once
    order = np.random.default_rng(settings.seed).permutation(contexts)
    return [
        _task(feature, tuple(sorted(set(targets[feature]))), order, active[place], weak[place], settings)
        for place, feature in enumerate(features)
    ]


def firing(text: StoredText, sae: str, side: Side) -> NDArray[np.int64]:
    """Return the counted tokens on which each feature of an SAE is above `FIRING` of its maximum, [d_sae]."""
    counts = np.zeros(len(side.maximum), np.int64)
    for part in text.read(sae):
        rows = part.rows[sae]
        fires = part.counted[rows.row_of] & (rows.values > FIRING * side.maximum[rows.indices])
        counts += np.bincount(rows.indices[fires], minlength=len(counts))
    return counts


def _task(
    feature: int,
    targets: tuple[int, ...],
    order: NDArray[np.int64],
    active: NDArray[np.bool_],
    weak: NDArray[np.bool_],
    settings: AblationSettings,
) -> Task:
    strong, faint = (order[of[order]] for of in (active, weak))
    drawn = strong[: settings.contexts], faint[: -(-settings.contexts // _WEAK)]
    weights = [np.full(len(some), len(of) / max(len(some), 1)) for some, of in zip(drawn, (strong, faint), strict=True)]
    numbers = np.concatenate(drawn)
    ascending = np.argsort(numbers)
    return Task(
        feature=feature,
        targets=targets,
        contexts=numbers[ascending],
        weights=np.concatenate(weights)[ascending],
        active=len(drawn[0]),
        share=len(drawn[0]) / len(strong) if len(strong) else 1.0,
    )


def _contexts(
    text: StoredText, sae: str, side: Side, features: Sequence[int], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return in which contexts features are active, and in which they only fire; both [features, contexts].

    What fires on a token that does not count, or below the threshold, is not active; taken out, it may still change
    others.
    """
    place = np.full(len(side.threshold), -1)
    place[features] = np.arange(len(features))
    active, fires = (np.zeros((len(features), count), np.bool_) for _ in range(2))
    for first, part in _parts(text, sae):
        rows = part.rows[sae]
        asked = place[rows.indices] >= 0
        row_of, indices, values = rows.row_of[asked], rows.indices[asked], rows.values[asked]
        context = (first + row_of) // text.context_size
        fires[place[indices], context] = True
        above = part.counted[row_of] & (values > side.threshold[indices])
        active[place[indices[above]], context[above]] = True
    return active, fires & ~active


def _parts(text: StoredText, sae: str) -> Iterator[tuple[int, Stretch]]:
    """Yield the text with the activations of an SAE, with the number of the first token of each part."""
    first = 0
    for part in text.read(sae):
        yield first, part
        first += len(part.counted)
