"""How many edges chance alone would give: the rate of false discoveries, by measure and threshold.

On a sample of the text the downstream layer is rotated by whole contexts, so that each token meets the activations of
another text at the same position. What the rule then takes is chance. The same tokens as they are give the edges to
compare with: the rate is the edges by chance over the edges found, above each value of each measure that selects.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.counting import Machine
from saedb.ingest.edges import statistics_of
from saedb.ingest.gather import Task
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import SELECTING
from saedb.ingest.record import NullRecord
from saedb.ingest.rule import EdgeRule
from saedb.ingest.sparse import stacked
from saedb.ingest.statistics import FeatureStatistics, thresholded
from saedb.ingest.stretches import HeldText, Stretch, Stretches

VALUES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Values of a measure from each of which on edges are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCounts:
    """Edges of a sample as it is and by chance, [measures that select, values]."""

    tokens: int
    """Counted tokens of the sample."""
    found: NDArray[np.int64]
    chance: NDArray[np.int64]

    def __add__(self, other: Self) -> Self:
        return replace(self, found=self.found + other.found, chance=self.chance + other.chance)

    def record(self) -> NullRecord:
        """Return the counts and their rates as ``run.json`` has them."""
        return NullRecord(
            tokens=self.tokens,
            values=VALUES,
            found={m.name: tuple(row.tolist()) for m, row in zip(SELECTING, self.found, strict=True)},
            chance={m.name: tuple(row.tolist()) for m, row in zip(SELECTING, self.chance, strict=True)},
            rates={
                m.name: tuple(c / f if f else None for f, c in zip(found.tolist(), chance.tolist(), strict=True))
                for m, found, chance in zip(SELECTING, self.found, self.chance, strict=True)
            },
        )


def sample(text: Stretches, upstream: str, downstream: str, *, tokens: int, context_size: int) -> Stretch:
    """Return about so many tokens, whole contexts from all over the text, in one stretch; all where it has fewer."""
    lengths = [len(part.counted) for part in text.read(upstream)]
    each = max(tokens // max(len(lengths), 1) // context_size, 1) * context_size
    step = max(len(lengths) * each // max(tokens, 1), 1)
    chosen = [part for number, part in enumerate(text.read(upstream, downstream)) if number % step == 0]
    return _joined([_cut(part, each, (upstream, downstream)) for part in chosen], (upstream, downstream))


def null_counts(
    whole: Stretch,
    saes: tuple[str, str],
    thresholds: tuple[NDArray[np.float64], NDArray[np.float64]],
    rule: EdgeRule,
    *,
    context_size: int,
    machine: Machine,
) -> NullCounts:
    """Return the edges of a sample as it is, and with the downstream SAE rotated by half of its contexts.

    Both are counted on the tokens that count in the two texts that meet there.

    Args:
        whole: the sample.
        saes: ids of the two SAEs.
        thresholds: of their features, [d_sae].
        rule: when a pair is an edge.
        context_size: tokens per context.
        machine: where it is counted.
    """
    upstream, downstream = saes
    turn = len(whole.counted) // context_size // 2 * context_size
    whole = replace(whole, counted=whole.counted & np.roll(whole.counted, -turn))
    down = whole.rows[downstream]
    turned = stacked([down.stretch(slice(turn, len(down))), down.stretch(slice(0, turn))])
    counts: list[NDArray[np.int64]] = []
    for rows in (down, turned):
        text = HeldText([replace(whole, rows={**whole.rows, downstream: rows})])
        statistics = (
            thresholded(text, upstream, thresholds[0]),
            thresholded(text, downstream, thresholds[1]),
        )
        task = Task(text=text, upstream=upstream, downstream=downstream, statistics=statistics, rule=rule)
        counts.append(_counts(machine.count(task), statistics))
    return NullCounts(tokens=int(whole.counted.sum()), found=counts[0], chance=counts[1])


def _counts(kept: Iterable[Kept], statistics: tuple[FeatureStatistics, FeatureStatistics]) -> NDArray[np.int64]:
    """Return how many edges reach each value, by measure, [measures that select, values]."""
    counts = np.zeros((len(SELECTING), len(VALUES)), np.int64)
    for part in kept:
        s = statistics_of(part, *statistics)
        values = np.stack([measure.values(s) for measure in SELECTING])
        counts += (values[:, None, :] >= np.array(VALUES)[None, :, None]).sum(axis=2)
    return counts


def _cut(part: Stretch, tokens: int, saes: tuple[str, str]) -> Stretch:
    first = slice(0, min(tokens, len(part.counted)))
    return replace(
        part,
        rows={sae: part.rows[sae].stretch(first) for sae in saes},
        counted=part.counted[first],
        documents=part.documents[first],
        positions=part.positions[first],
    )


def _joined(parts: list[Stretch], saes: tuple[str, str]) -> Stretch:
    return Stretch(
        rows={sae: stacked([part.rows[sae] for part in parts]) for sae in saes},
        counted=np.concatenate([part.counted for part in parts]),
        documents=np.concatenate([part.documents for part in parts]),
        positions=np.concatenate([part.positions for part in parts]),
        half=0,
    )
