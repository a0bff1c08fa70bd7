"""Effects of edges of a run, feature by feature, into its table; what is there already is not computed again."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.ingest import maxima, tables
from saedb.ingest.activations import ActivationStore
from saedb.ingest.causal import plan
from saedb.ingest.causal.asked import by_pair
from saedb.ingest.causal.effects import Side
from saedb.ingest.causal.found import Effects, Pair
from saedb.ingest.causal.intervention import Intervention
from saedb.ingest.causal.measuring import Measured, Measuring
from saedb.ingest.causal.reading import Contexts
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.encode import LoadedSae
from saedb.ingest.model import LanguageModel
from saedb.ingest.rundir import FEATURES_FILE, TOKENS_FILE, RunDirectory, edges_file
from saedb.ingest.stages import Stages
from saedb.ingest.stretches import StoredText, contiguous
from saedb.ingest.tiles import TILE, Portions

_COPIES: Final = {"cpu": 8, "cuda": 64}
"""Copies of a context that go through the model at once, by device; half of them where memory runs out."""
_KEPT_EVERY: Final = 20
"""Edges after which what was found is written: a run that is killed loses no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What is to be done, told when its first upstream feature is."""

    edges: int
    done: int
    """Edges that had their effect before."""
    features: int
    """Upstream features that are taken out, one by one."""
    copies: int
    """Copies of contexts, each without one of them."""
    seconds: float
    """How long all will take, from the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is to be done for a pair of SAEs."""

    pair: Pair
    sides: tuple[Side, Side]
    firing: NDArray[np.int64]
    tasks: Sequence[plan.Task]


class Ablation:
    """The effects of a run's edges; the caller holds the run's lock."""

    def __init__(
        self,
        run: RunDirectory,
        stages: Stages,
        model: LanguageModel,
        saes: Mapping[str, LoadedSae],
        settings: AblationSettings,
    ) -> None:
        """Take the parts.

        Args:
            run: a run that kept its activations.
            stages: are told of the progress.
            model: the model that the run was computed with.
            saes: its SAEs, by id.
            settings: how effects are measured.

        Raises:
            RunError: the run has no activations, or its features are damaged.
        """
        self._run = run
        self._stages = stages
        self._model = model
        self._saes = saes
        self._settings = settings
        self._effects = Effects(run, settings, model.device.type)
        self._tf32 = bool(run.record.config["tf32"]) and model.device.type == "cuda"
        self._text = StoredText.of_run(run, ActivationStore.of_run(run))
        self._features = run.read(tables.FEATURES, FEATURES_FILE).select(["id", "sae", "threshold", "max", "density"])

    def write(self, edges: Collection[Pair], told: Callable[[Begun], None] = lambda _: None) -> int:
        """Return how many effects are new, after all of those edges are in the run's table.

        Edges of which no token tells anything get a row without an effect.

        Args:
            edges: ids of source and target.
            told: is told what there is to do, once that is known.

        Raises:
            InputError: an edge is not of this run, or its SAEs cannot be asked.
            RunError: activations are damaged.
            torch.OutOfMemoryError: one copy is too much.
        """
        asked = by_pair(self._run, edges)
        known = self._effects.known
        missing = {pair: [edge for edge in those if edge not in known] for pair, those in asked.items()}
        works = list(self._planned({pair: those for pair, those in missing.items() if those}))
        count = sum(map(len, missing.values()))
        if works:
            self._do(works, count, sum(map(len, asked.values())) - count, told)
        self._effects.finish()
        return count

    def _do(self, works: Sequence[_Work], edges: int, done: int, told: Callable[[Begun], None]) -> None:
        """Do the work on some edges, where others are done, and tell of it when the first feature is measured."""
        interventions = [self._intervention(work.pair) for work in works]
        hooks = [hook for intervention in interventions for hook in intervention.hooks]
        contexts, begin = Contexts(self._model, hooks, self._tokens[0], tf32=self._tf32), time.perf_counter()
        each = [task.contexts for work in works for task in work.tasks]
        copies = sum(map(len, each))
        with self._stages.stage("ablate (copies of contexts)", copies) as stage:
            for number, advanced in enumerate(self._written(works, interventions, contexts), 1):
                stage.advance(advanced)
                if number == 1:
                    # contexts are read once, however many features are taken out of them
                    reading = contexts.seconds / max(contexts.read, 1) * len(np.unique(np.concatenate(each)))
                    copying = (time.perf_counter() - begin - contexts.seconds) / max(advanced, 1) * copies
                    seconds = reading + copying
                    told(Begun(edges=edges, done=done, features=len(each), copies=copies, seconds=seconds))

    def _planned(self, missing: Mapping[Pair, Sequence[Pair]]) -> Iterator[_Work]:
        """Yield the work for each pair of SAEs."""
        with self._stages.stage("find contexts", len(missing)) as stage:
            for pair, edges in missing.items():
                sides = _side(self._run, self._of(pair[0])), _side(self._run, self._of(pair[1]))
                targets = _targets(edges, self._ids(pair))
                count = len(self._tokens[0])
                tasks = plan.tasks(self._text, pair[0], sides[0], targets, count, self._settings)
                firing = plan.firing(self._text, pair[1], sides[1])
                yield _Work(pair=pair, sides=sides, firing=firing, tasks=tasks)
                stage.advance()

    def _written(
        self, works: Sequence[_Work], interventions: Sequence[Intervention], contexts: Contexts
    ) -> Iterator[int]:
        """Do the work, and yield the copies of each upstream feature when what it gave is kept, or soon will be."""
        for work, intervention in zip(works, interventions, strict=True):
            yield from self._written_pair(work, self._measuring(work, intervention, contexts))

    def _written_pair(self, work: _Work, measuring: Measuring) -> Iterator[int]:
        ids = self._ids(work.pair)
        density, linked = self._of(work.pair[1])["density"].to_numpy(), self._linked(work.pair, ids)
        found: list[dict[str, Any]] = []
        try:
            for task in work.tasks:
                measured = measuring.measure(task, density, linked(task.feature), self._settings.controls)
                found += self._rows(ids, task, measured)
                if len(found) >= _KEPT_EVERY:
                    self._effects.keep(found)
                    found = []
                yield len(task.contexts)
        finally:  # of one that is stopped, too
            if found:
                self._effects.keep(found)

    def _intervention(self, pair: Pair) -> Intervention:
        upstream, downstream = (self._saes[sae] for sae in pair)
        return Intervention(self._model, upstream, downstream, self._settings.direction, tf32=self._tf32)

    def _measuring(self, work: _Work, intervention: Intervention, contexts: Contexts) -> Measuring:
        _, counted, documents = self._tokens
        return Measuring(
            intervention,
            (self._saes[work.pair[0]], self._saes[work.pair[1]]),
            contexts,
            counted,
            documents,
            work.sides,
            work.firing,
            Portions(_COPIES[self._model.device.type], TILE),
        )

    def _of(self, sae: str) -> pa.Table:
        """Return the features of an SAE, in their order."""
        return self._features.filter(pc.field("sae") == sae)

    def _ids(self, pair: Pair) -> tuple[pd.Index, pd.Index]:
        up, down = (pd.Index(self._of(sae)["id"].to_pylist()) for sae in pair)
        return up, down

    @cached_property
    def _tokens(self) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int32]]:
        """Ids, which count, and documents of the text, [contexts, context_size]."""
        rows = self._run.read(tables.TOKENS, TOKENS_FILE)
        shape = -1, self._text.context_size
        documents = contiguous(rows["document"].to_numpy())
        return tuple(  # pyright: ignore[reportReturnType]
            values.reshape(shape) for values in (rows["token"].to_numpy(), rows["counted"].to_numpy(), documents)
        )

    def _linked(self, pair: Pair, ids: Sequence[pd.Index]) -> "_Links":
        edges = self._run.read(tables.EDGES, edges_file(*pair)).select(["source", "target"])
        ends = (of.get_indexer(edges[end].to_pylist()) for of, end in zip(ids, ("source", "target"), strict=True))
        return _Links(*ends, width=len(ids[1]))

    def _rows(self, ids: Sequence[pd.Index], task: plan.Task, found: Sequence[Measured]) -> Iterator[dict[str, Any]]:
        for one in found:
            yield {
                "source": ids[0][task.feature],
                "target": ids[1][one.target],
                "effect": one.effect.effect,
                "effect_se": one.effect.se,
                "effect_control": one.control,
                "effect_control_se": one.control_se,
                "effect_z": one.z,
                "effect_change": one.effect.change,
                "effect_paper": one.effect.paper,
                "effect_tokens": one.effect.tokens,
                "effect_documents": one.effect.documents,
                "effect_contexts": task.active,
                "effect_share": task.share,
                "effect_controls": one.controls,
                "effect_direction": self._settings.direction,
                "settings": self._effects.digest,
            }


class _Links:
    """Which downstream features an upstream one has an edge to."""

    def __init__(self, sources: NDArray[np.int64], targets: NDArray[np.int64], *, width: int) -> None:
        order = np.argsort(sources, kind="stable")
        self._sources, self._targets, self._width = sources[order], targets[order], width

    def __call__(self, feature: int) -> NDArray[np.bool_]:
        """Return it for each downstream feature, [d_sae]."""
        first, last = np.searchsorted(self._sources, [feature, feature + 1])
        linked = np.zeros(self._width, np.bool_)
        linked[self._targets[first:last]] = True
        return linked


def _side(run: RunDirectory, features: pa.Table) -> Side:
    maximum = maxima.of_thresholds(run.record.config, features)
    return Side(threshold=features["threshold"].to_numpy(), maximum=maximum)


def _targets(edges: Sequence[Pair], ids: Sequence[pd.Index]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    sources, targets = (of.get_indexer(list(ends)) for of, ends in zip(ids, zip(*edges, strict=True), strict=True))
    for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
        found[source].append(target)
    return found
