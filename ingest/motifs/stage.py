"""Gates and splits of a whole run, from its activation store: tables of the run directory."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore
from saedb.ingest.errors import RunError
from saedb.ingest.memory import Memory
from saedb.ingest.motifs import gates, paper, splitting
from saedb.ingest.motifs.activity import ENTRY_BYTES, Activity, Floats, Halves, Ids, activity, halves
from saedb.ingest.motifs.settings import KINDS, GateSettings, SplitSettings
from saedb.ingest.record import GatesRecord, SplitsRecord
from saedb.ingest.rundir import FEATURES_FILE, GATES_FILE, SPLITS_FILE, RunDirectory, edges_file
from saedb.ingest.stages import Stage, Stages
from saedb.ingest.stretches import StoredText
from saedb.ingest.tables import EDGES, FEATURES, GATES, SPLITS

_TOKEN_BYTES: Final = 16
"""Bytes of a token besides the activations, and as many again for each thread."""


class MemoryBoundError(RunError):
    """The motifs of a pair of SAEs need more memory than may be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary:
    """The features of an SAE as motifs need them, by feature [d_sae]."""

    ids: Ids
    threshold: Floats
    positional: NDArray[np.bool_]
    n_active: int
    """Active activations of all."""

    def thresholds(self, positional: bool) -> Floats:
        """Return the thresholds, those of features that may not take part infinite."""
        return np.where(self.positional & (not positional), np.inf, self.threshold)


class Motifs:
    """The motif stages of a run, whose tables take the place of its earlier ones in the run directory."""

    def __init__(
        self,
        run: RunDirectory,
        stages: Stages,
        memory: Memory,
        text: StoredText,
        dictionaries: Mapping[str, Dictionary],
    ) -> None:
        """Take what the motifs are counted on.

        Args:
            run: a run that this process is writing.
            stages: are told of the progress.
            memory: what may be taken.
            text: its activations.
            dictionaries: the features of each SAE, by its id.
        """
        self._run = run
        self._stages = stages
        self._memory = memory
        self._text = text
        self._dictionaries = dictionaries
        self._threads = os.cpu_count() or 1

    @classmethod
    def of_run(cls, run: RunDirectory, stages: Stages, memory: Memory) -> Self:
        """Return the motif stages of a run that kept its activations, by what is on its disk.

        Raises:
            RunError: the run has no activations, or they are damaged.
        """
        text = StoredText.of_run(run, ActivationStore.of_run(run))
        return cls(run, stages, memory, text, _dictionaries(run))

    def write_gates(self, settings: GateSettings) -> GatesRecord:
        """Return how many gates there are, after their table was written.

        Raises:
            RunError: activations are damaged, or there is too little memory.
        """
        parts: list[pa.Table] = []
        tested, kept, chance = np.zeros(len(KINDS), np.int64), np.zeros(len(KINDS), np.int64), np.zeros(len(KINDS))
        with self._stages.stage(
            "gates", sum(len(self._dictionaries[d].ids) for _, d in self._run.record.pairs)
        ) as stage:
            for found, rows in self._gates(settings, stage):
                parts.append(rows)
                tested += found.tested
                kept += found.kept
                chance += found.chance
        record = GatesRecord(
            settings=asdict(settings), tested=_by_kind(tested), kept=_by_kind(kept), chance=_by_kind(chance)
        )
        self._run.write(GATES, GATES_FILE, parts, gates=record)
        return record

    def write_splits(self, settings: SplitSettings) -> SplitsRecord:
        """Return how many splits there are, after their table was written; raises what `write_gates` does."""
        with self._stages.stage(
            "splits", sum(len(self._dictionaries[u].ids) for u, _ in self._run.record.pairs)
        ) as stage:
            parts = list(self._splits(settings, stage))
        record = SplitsRecord(settings=asdict(settings), count=sum(part.num_rows for part in parts))
        self._run.write(SPLITS, SPLITS_FILE, parts, splits=record)
        return record

    def _gates(self, settings: GateSettings, stage: Stage) -> Iterator[tuple[gates.Gates, pa.Table]]:
        for u, d in self._run.record.pairs:
            up, down, of_text = self._activities(u, d, settings.positional)
            candidates = self._paper(u, d, settings)
            found = gates.find(up, down, of_text, candidates, settings, threads=self._threads, progress=stage.advance)
            yield found, gates.rows(found, self._dictionaries[u].ids, self._dictionaries[d].ids, self._run.record.model)

    def _splits(self, settings: SplitSettings, stage: Stage) -> Iterator[pa.Table]:
        for u, d in self._run.record.pairs:
            up, down, of_text = self._activities(u, d, positional=False)
            found = splitting.find(up, down, of_text, settings, stage.advance)
            yield splitting.rows(found, self._dictionaries[u].ids, self._dictionaries[d].ids, d, self._run.record.model)

    def _activities(self, upstream: str, downstream: str, positional: bool) -> tuple[Activity, Activity, Halves]:
        """Return the active features of two SAEs, and the halves of the text.

        Raises:
            RunError: there is too little memory.
        """
        of_text = self._halves
        sides = self._dictionaries[upstream], self._dictionaries[downstream]
        needed = ENTRY_BYTES * sum(side.n_active for side in sides)
        needed += _TOKEN_BYTES * len(of_text.counted) * (1 + self._threads)
        left = self._memory.left()
        if needed > left:
            raise MemoryBoundError(
                f"motifs of {upstream} and {downstream} need {needed / 1e9:.1f} GB of memory, {left / 1e9:.1f} GB are"
                f" left; free some, then: saedb gates {self._run.record.id}"
            )
        up, down = (
            activity(self._text, sae, side.thresholds(positional), of_text.middle)
            for sae, side in zip((upstream, downstream), sides, strict=True)
        )
        return up, down, of_text

    @cached_property
    def _halves(self) -> Halves:
        """The halves of the text, which any SAE tells."""
        return halves(self._text, self._run.record.saes[0].id, self._text.context_size)

    def _paper(self, upstream: str, downstream: str, settings: GateSettings) -> NDArray[np.int64]:
        """Return the inputs that the paper's rule takes for each output, [d_sae, 2, 2]."""
        edges = self._run.parts(EDGES, edges_file(upstream, downstream), "source", "target", *paper.MEASURES)
        allowed = [settings.positional | ~self._dictionaries[sae].positional for sae in (upstream, downstream)]
        return paper.candidates(edges, len(allowed[1]), settings.paper_floor, *allowed)


def _dictionaries(run: RunDirectory) -> dict[str, Dictionary]:
    features = run.read(FEATURES, FEATURES_FILE).select(["id", "sae", "threshold", "positional", "n_active"])
    return {sae.id: _dictionary(features.filter(pc.field("sae") == sae.id)) for sae in run.record.saes}


def _dictionary(features: pa.Table) -> Dictionary:
    return Dictionary(
        ids=features["id"].to_numpy(),
        threshold=features["threshold"].to_numpy(),
        positional=features["positional"].to_numpy(),
        n_active=int(np.sum(features["n_active"].to_numpy())),
    )


def _by_kind(values: NDArray[Any]) -> dict[str, Any]:
    return dict(zip(KINDS, values.tolist(), strict=True))
