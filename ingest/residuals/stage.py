"""Recovery and copies of a whole run: three tables of the run directory."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.full import full_in_one_line
from saedb.ingest.prompts.loading import Loaded
from saedb.ingest.record import ResidualsRecord
from saedb.ingest.residuals import checkpoint, groups, origin, table
from saedb.ingest.residuals.checkpoint import Checkpoint
from saedb.ingest.residuals.directions import random_directions
from saedb.ingest.residuals.heatmaps import Ranges
from saedb.ingest.residuals.measuring import Measuring, Pair, PairPlan, PairSums
from saedb.ingest.residuals.settings import ResidualSettings
from saedb.ingest.rundir import COPIES_FILE, HEATMAPS_FILE, RECOVERY_FILE, TOKENS_FILE, RunDirectory
from saedb.ingest.stages import Stage, Stages
from saedb.ingest.tables import COPIES, HEATMAPS, RECOVERY, TOKENS
from saedb.ingest.tiles import Portions, tile_for

_SAMPLED: Final = 32
"""Contexts, spread over the text, of which heat maps take their ranges."""


class Residuals:
    """The pass over a run's contexts; the caller holds the run's lock."""

    def __init__(self, run: RunDirectory, stages: Stages, loaded: Loaded, settings: ResidualSettings) -> None:
        """Take the parts.

        Args:
            run: a complete run that `origin.check` passes.
            stages: are told of the progress.
            loaded: its model and SAEs.
            settings: how recovery and copies are measured.

        Raises:
            RunError: a table is missing or damaged.
        """
        self._run = run
        self._stages = stages
        self._settings = settings
        self._device = loaded.device
        self._origin = origin.made_from(run, settings, loaded.device)
        self._sides = groups.dictionaries(run)
        self._upstream = {
            pair: groups.upstream(run, pair, self._sides[pair[0]], settings.necessity) for pair in run.record.pairs
        }
        tile = tile_for(loaded.device, (sae.d_sae for sae in run.record.saes))
        self._portions = Portions(run.record.config["batch_contexts"], tile)
        tf32 = bool(run.record.config["tf32"]) and loaded.device == "cuda"
        self._measuring = Measuring(loaded.model, loaded.saes, self._plans(loaded), self._portions, tf32=tf32)
        self._tokens, self._counted = self._text()

    def write(self) -> ResidualsRecord:
        """Return what is recorded of the tables, after these are in the run directory; a stopped pass goes on.

        Raises:
            InputError: the model gives something that is not finite.
            RunError: the GPU's memory is full.
        """
        with full_in_one_line(self._run.path):
            found = self._measured()
        record = ResidualsRecord(
            settings=asdict(self._settings),
            tokens=int(self._counted.sum()),
            device=self._device,
            made_from=self._origin,
        )
        pairs = self._run.record.pairs
        copies = (table.copies_rows(pair, self._sides[pair[1]], found.sums[pair].copied) for pair in pairs)
        maps = (table.heatmap_rows(pair, found.sums[pair].maps, found.ranges[pair]) for pair in pairs)
        recovery = (
            table.recovery_rows(pair, self._sides[pair[0]], self._upstream[pair], found.sums[pair].recovery)
            for pair in pairs
        )
        # of other settings nothing is left when the first is written, and all is there when the last one is
        self._run.write(COPIES, COPIES_FILE, copies, residuals=None)
        self._run.write(HEATMAPS, HEATMAPS_FILE, maps, residuals=None)
        self._run.write(RECOVERY, RECOVERY_FILE, recovery, residuals=record)
        checkpoint.remove(self._run.path)
        return record

    def _plans(self, loaded: Loaded) -> dict[Pair, PairPlan]:
        decoders = {sae.id: sae.sae.W_dec.detach().float().cpu().numpy() for sae in loaded.saes}
        return {
            pair: PairPlan(
                above=np.where(known.is_in("dead"), np.inf, self._settings.active * self._sides[pair[0]].reference),
                random=random_directions(decoders[pair[0]], self._settings.seed, number),
                is_low=known.is_in("low_necessity"),
                is_passed=known.is_in("passed_through"),
            )
            for number, (pair, known) in enumerate(self._upstream.items())
        }

    def _text(self) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the contexts that are read again, and which of their tokens count, [contexts, context_size]."""
        assert self._run.record.tokens is not None
        size = self._run.record.tokens.context_size
        rows = self._run.read(TOKENS, TOKENS_FILE).select(["token", "counted"])
        tokens, counted = (rows[name].to_numpy().reshape(-1, size) for name in ("token", "counted"))
        asked = len(tokens) if self._settings.tokens is None else -(-self._settings.tokens // size)
        chosen = _spread(len(tokens), asked)
        return tokens[chosen], counted[chosen]

    def _measured(self) -> Checkpoint:
        """Return the sums over all shards, those of before taken over."""
        found = Checkpoint.read(self._run.path, self._origin)
        with self._stages.stage("residuals", self._counted.size) as stage:
            if found is None:
                found = Checkpoint(of=self._origin, shards=0, ranges=self._ranges(), sums={})
            stage.to(found.shards * self._shard * self._counted.shape[1])
            for number in range(found.shards, -(-len(self._tokens) // self._shard)):
                sums = _added(found.sums, self._of_shard(number, found.ranges, stage))
                found = Checkpoint(of=self._origin, shards=number + 1, ranges=found.ranges, sums=sums)
                found.write(self._run.path)
        return found

    @property
    def _shard(self) -> int:
        """Contexts after which what is known is kept."""
        return int(self._run.record.config["shard_contexts"])

    def _of_shard(self, number: int, ranges: Mapping[Pair, Ranges], stage: Stage) -> dict[Pair, PairSums]:
        contexts = slice(number * self._shard, (number + 1) * self._shard)
        tokens, counted = self._tokens[contexts], self._counted[contexts]
        batches = self._portions.batches(
            tokens, lambda part, first: self._measuring.sums(part, counted[first : first + len(part)], ranges)
        )
        found: dict[Pair, PairSums] = {}
        before = 0
        for done, sums in batches:
            found = _added(found, sums)
            stage.advance((done - before) * tokens.shape[1])
            before = done
        return found

    def _ranges(self) -> dict[Pair, Ranges]:
        chosen = _spread(len(self._tokens), _SAMPLED)
        parts = [
            points
            for _, points in self._portions.batches(
                self._tokens[chosen],
                lambda part, first: self._measuring.points(part, self._counted[chosen][first : first + len(part)]),
            )
        ]
        return {pair: Ranges.of([points for part in parts for points in part[pair]]) for pair in self._run.record.pairs}


def _added(one: Mapping[Pair, PairSums], other: Mapping[Pair, PairSums]) -> dict[Pair, PairSums]:
    return {pair: one[pair] + sums if pair in one else sums for pair, sums in other.items()}


def _spread(count: int, chosen: int) -> NDArray[np.int64]:
    """Return so many numbers below `count`, at most all, ascending and evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(chosen, count)).round().astype(np.int64))
