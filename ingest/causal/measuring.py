"""One upstream feature taken out of its contexts: what that does to each of its targets, and to others beside."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from saedb.ingest.causal import controls
from saedb.ingest.causal.effects import NOTHING, Effect, Side, Sums, effect, pooled, share, sums
from saedb.ingest.causal.intervention import Clean, Intervention, column
from saedb.ingest.causal.plan import Task
from saedb.ingest.sparse import SparseRows
from saedb.ingest.tiles import Portions

CACHE_BYTES: Final = 2 * 10**9
"""Memory of the residuals that are kept for the next features of the same contexts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The effect of one edge, and what the same intervention did to features without one."""

    target: int
    effect: Effect
    control: float
    """Mean loss of the controls as a share of their activation; NaN where there are none."""
    control_se: float
    """Its standard error, with controls as clusters; NaN for a single one."""
    controls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copies:
    """What copies of some contexts say: of the targets by document, and of every downstream feature, [d_sae]."""

    targets: Sums
    together: NDArray[np.int64]
    """Tokens with it and the upstream feature active."""
    change: NDArray[np.float64]
    clean: NDArray[np.float64]


class Measuring:
    """A text with two SAEs and the model between them."""

    def __init__(
        self,
        intervention: Intervention,
        tokens: NDArray[np.int32],
        counted: NDArray[np.bool_],
        documents: NDArray[np.int32],
        sides: tuple[Side, Side],
        firing: NDArray[np.int64],
        portions: Portions,
    ) -> None:
        """Take the parts; arrays are [contexts, context_size], `firing` is [d_sae] of the downstream SAE."""
        self._intervention = intervention
        self._tokens, self._counted, self._documents = tokens, counted, documents
        self._up, self._down = sides
        self._firing = firing
        self._portions = portions
        self._kept: OrderedDict[int, Clean] = OrderedDict()
        self._bytes = 0

    def measure(
        self, task: Task, density: NDArray[np.float64], linked: NDArray[np.bool_], count: int
    ) -> list[Measured]:
        """Return the effect on each target of a task.

        Args:
            task: the upstream feature.
            density: of the downstream features, [d_sae].
            linked: whether the upstream feature has an edge to it, [d_sae].
            count: controls of each target, at most.
        """
        places = np.arange(len(task.contexts), dtype=np.int32).reshape(-1, 1)
        parts = [part for _, part in self._portions.batches(places, lambda some, _: self._copies(task, some[:, 0]))]
        if not parts:
            nothing = Measured(target=0, effect=NOTHING, control=np.nan, control_se=np.nan, controls=0)
            return [replace(nothing, target=target) for target in task.targets]
        together, change, clean = (
            np.sum([getattr(part, name) for part in parts], axis=0) for name in ("together", "change", "clean")
        )
        of_targets = pooled([part.targets for part in parts])
        found: list[Measured] = []
        for place, target in enumerate(task.targets):
            beside = controls.chosen(target, density, together, linked, count)
            control, control_se = share(change[beside], clean[beside])
            found.append(
                Measured(
                    target=target,
                    effect=effect(of_targets.of(place), int(self._firing[target])),
                    control=control,
                    control_se=control_se,
                    controls=len(beside),
                )
            )
        return found

    def _copies(self, task: Task, places: NDArray[np.int32]) -> _Copies:
        """Return what copies of the contexts at some places of a task say."""
        numbers = task.contexts[places]
        contexts = self._clean(numbers.tolist())
        without = self._intervention.without(contexts, task.feature)
        changed = _Changed(self._down.threshold, without)
        targets = list(task.targets)
        asked = Side(threshold=self._down.threshold[targets], maximum=self._down.maximum[targets])
        found: list[Sums] = []
        weights = task.weights[places].tolist()
        for place, (number, context, weight) in enumerate(zip(numbers.tolist(), contexts, weights, strict=True)):
            active = column(context.upstream, task.feature) > self._up.threshold[task.feature]
            counted = self._counted[number]
            clean, copy = changed.add(place, context.downstream, active & counted, targets)
            found.append(sums(clean, copy, active, counted, self._documents[number], asked, weight))
        return _Copies(targets=pooled(found), together=changed.together, change=changed.change, clean=changed.clean)

    def _clean(self, numbers: Sequence[int]) -> list[Clean]:
        """Return contexts as the model has them, those that are kept from before without running it."""
        missing = [number for number in numbers if number not in self._kept]
        if missing:
            found = self._intervention.clean(self._tokens[missing])
            for number, context in zip(missing, found, strict=True):
                self._kept[number] = context
                self._bytes += context.bytes
        contexts = [self._kept[number] for number in numbers]
        for number in numbers:
            self._kept.move_to_end(number)
        while self._bytes > CACHE_BYTES and len(self._kept) > len(numbers):
            self._bytes -= self._kept.popitem(last=False)[1].bytes
        return contexts


class _Changed:
    """Sums over tokens with the upstream feature active, for every downstream feature, [d_sae]."""

    def __init__(self, threshold: NDArray[np.float64], without: torch.Tensor) -> None:
        self._threshold = threshold
        self._without = without
        self.together = np.zeros(len(threshold), np.int64)
        self.change = np.zeros(len(threshold))
        self.clean = np.zeros(len(threshold))

    def add(
        self, place: int, clean: SparseRows, tokens: NDArray[np.bool_], targets: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Add the tokens of one copy; return the targets' activations as they were and in it, [tokens, targets]."""
        copy = self._without[place]
        rows, features = clean.row_of, clean.indices.astype(np.int64)
        counts = tokens[rows] & (clean.values > self._threshold[features])
        rows, features, values = rows[counts], features[counts], clean.values[counts].astype(np.float64)
        where = torch.from_numpy(np.stack([rows, features])).to(copy.device)
        left = copy[where[0], where[1]].double().cpu().numpy()
        width = len(self._threshold)
        self.together += np.bincount(features, minlength=width)
        self.clean += np.bincount(features, values, width)
        self.change += np.bincount(features, values - left, width)
        columns = torch.tensor(targets, device=copy.device)
        return np.stack([column(clean, t) for t in targets], axis=1), copy[:, columns].float().cpu().numpy()
