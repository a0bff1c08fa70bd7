"""Effects of edges of a run, feature by feature, into its table; what is there already is not computed again."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.ingest import rundir, tables
from saedb.ingest.activations import ActivationStore
from saedb.ingest.causal import plan
from saedb.ingest.causal.effects import Side
from saedb.ingest.causal.intervention import Intervention
from saedb.ingest.causal.measuring import Measured, Measuring
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.encode import LoadedSae
from saedb.ingest.errors import InputError
from saedb.ingest.model import LanguageModel
from saedb.ingest.rundir import EFFECTS_FILE, FEATURES_FILE, TOKENS_FILE, RunDirectory, edges_file
from saedb.ingest.stages import Stage, Stages
from saedb.ingest.stretches import StoredText, contiguous
from saedb.ingest.tiles import TILE, Portions

_COPIES: Final = {"cpu": 8, "cuda": 64}
"""Copies of a context that go through the model at once, by device; half of them where memory runs out."""
_KEPT_EVERY: Final = 20
"""Upstream features after which what was found is written: a run that is stopped loses no more."""

Pair = tuple[str, str]


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
        self._digest = rundir.digest(asdict(settings))
        self._store = ActivationStore.of_run(run)
        self._text = StoredText.of_run(run, self._store)
        self._features = run.read(tables.FEATURES, FEATURES_FILE).select(["id", "sae", "threshold", "max", "density"])

    def write(self, edges: Collection[Pair]) -> int:
        """Return how many effects are new, after all of those edges are in the run's table.

        Edges of which no token tells anything get a row without an effect.

        Raises:
            InputError: an edge is not of this run, or its SAEs cannot be asked.
            RunError: activations are damaged, or the GPU's memory is full.
        """
        asked = self._by_pair(edges)
        done = self._done
        missing = {pair: [edge for edge in those if edge not in done] for pair, those in asked.items()}
        count = 0
        with self._stages.stage("ablate", len({u for those in missing.values() for u, _ in those})) as stage:
            for pair, those in missing.items():
                if those:
                    count += self._write_pair(pair, those, stage)
        return count

    @cached_property
    def _sae_of(self) -> Mapping[str, str]:
        return dict(zip(self._features["id"].to_pylist(), self._features["sae"].to_pylist(), strict=True))

    @property
    def _done(self) -> set[Pair]:
        """The edges that have their effect by these settings."""
        if not self._run.has(EFFECTS_FILE, tables.EFFECTS):
            return set()
        there = self._run.read(tables.EFFECTS, EFFECTS_FILE).filter(pc.field("settings") == self._digest)
        return set(zip(there["source"].to_pylist(), there["target"].to_pylist(), strict=True))

    def _by_pair(self, edges: Collection[Pair]) -> dict[Pair, list[Pair]]:
        found: defaultdict[Pair, list[Pair]] = defaultdict(list)
        for source, target in dict.fromkeys(edges):
            unknown = next((end for end in (source, target) if end not in self._sae_of), None)
            if unknown is not None:
                raise InputError(f"run {self._run.record.id} has no feature {unknown}")
            found[self._sae_of[source], self._sae_of[target]].append((source, target))
        strange = next((pair for pair in found if pair not in self._run.record.pairs), None)
        if strange is not None:
            raise InputError(f"run {self._run.record.id} has no edges from {strange[0]} to {strange[1]}")
        return dict(found)

    def _write_pair(self, pair: Pair, edges: Sequence[Pair], stage: Stage) -> int:
        up, down = (self._features.filter(pc.field("sae") == sae) for sae in pair)
        ids = [pd.Index(side["id"].to_pylist()) for side in (up, down)]
        measuring, works = self._measuring(pair, up, down, _targets(edges, ids))
        density, linked = down["density"].to_numpy(), self._linked(pair, ids)
        found: list[dict[str, Any]] = []
        for number, task in enumerate(works, 1):
            measured = measuring.measure(task, density, linked(task.feature), self._settings.controls)
            found += self._rows(ids, task, measured)
            stage.advance()
            if number % _KEPT_EVERY == 0 or number == len(works):
                self._keep(found)
                found = []
        return len(edges)

    def _measuring(
        self, pair: Pair, up: pa.Table, down: pa.Table, targets: Mapping[int, Sequence[int]]
    ) -> tuple[Measuring, list[plan.Task]]:
        sides = _side(up), _side(down)
        upstream, downstream = (self._saes[sae] for sae in pair)
        intervention = Intervention(self._model, upstream, downstream, self._settings.direction)
        tokens, counted, documents = self._tokens
        measuring = Measuring(
            intervention,
            tokens,
            counted,
            documents,
            sides,
            plan.firing(self._text, pair[1], sides[1]),
            Portions(_COPIES[self._model.device.type], TILE),
        )
        return measuring, plan.tasks(self._text, pair[0], sides[0], targets, self._settings)

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
                "effect_change": one.effect.change,
                "effect_paper": one.effect.paper,
                "effect_tokens": one.effect.tokens,
                "effect_documents": one.effect.documents,
                "effect_contexts": len(task.contexts),
                "effect_controls": one.controls,
                "effect_direction": self._settings.direction,
                "settings": self._digest,
            }

    def _keep(self, found: Sequence[dict[str, Any]]) -> None:
        """Add rows to the run's table, in place of those of the same edges."""
        new = tables.rows(tables.EFFECTS, {c.name: [row[c.name] for row in found] for c in tables.EFFECTS.columns})
        there = tables.rows(tables.EFFECTS, {c.name: [] for c in tables.EFFECTS.columns})
        if self._run.has(EFFECTS_FILE, tables.EFFECTS):
            there = self._run.read(tables.EFFECTS, EFFECTS_FILE)
        replaced = set(zip(new["source"].to_pylist(), new["target"].to_pylist(), strict=True))
        ends = zip(there["source"].to_pylist(), there["target"].to_pylist(), strict=True)
        kept = there.filter(pa.array([edge not in replaced for edge in ends], pa.bool_()))
        rows = pa.concat_tables([kept.cast(new.schema), new]).sort_by(
            [("source", "ascending"), ("target", "ascending")]
        )
        self._run.write(tables.EFFECTS, EFFECTS_FILE, [rows])


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


def _side(features: pa.Table) -> Side:
    return Side(threshold=features["threshold"].to_numpy(), maximum=features["max"].to_numpy())


def _targets(edges: Sequence[Pair], ids: Sequence[pd.Index]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    sources, targets = (of.get_indexer(list(ends)) for of, ends in zip(ids, zip(*edges, strict=True), strict=True))
    for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
        found[source].append(target)
    return found
