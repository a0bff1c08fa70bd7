"""The first step of a run: its activation store is filled, from model and SAEs, or from a cache of others."""

import logging
import shutil
from collections.abc import Callable, Mapping
from typing import Final

from saedb.ingest import contexts
from saedb.ingest.activations import ActivationStore, ShardSummary
from saedb.ingest.config import IngestConfig
from saedb.ingest.delphi import Cache
from saedb.ingest.encode import Encoder
from saedb.ingest.errors import RunError
from saedb.ingest.materials import Materials
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.sparse import SparseRows
from saedb.ingest.stages import Stages

_log = logging.getLogger(__name__)

_TABLES_ROOM: Final = 100_000_000
"""Bytes of disk for everything but the activations."""

Shard = tuple[Mapping[str, SparseRows], ShardSummary]


def fill(
    store: ActivationStore, run: RunDirectory, config: IngestConfig, materials: Materials, stages: Stages
) -> tuple[str, ...]:
    """Write the shards that are missing, and return what the run should warn of; those that are there are checked.

    Raises:
        InputError: model or SAEs give something that is not finite, or the text has only special tokens.
        RunError: a shard is damaged, or the disk has too little room.
    """
    missing = [shard for shard in store.shards if not store.has(shard)]
    if len(missing) < len(store.shards):
        with stages.stage("verify", len(store.shards)) as stage:
            store.verify(stage.advance)
    if not missing:
        return ()
    if materials.cache is not None:
        _check_disk(store, run, {s.id: materials.cache.l0(s.id) for s in materials.set.sources}, missing)
        _write(store, missing, _from_cache(materials, materials.cache, count_all=config.count_all), stages)
        return ()
    return _encode(store, missing, run, config, materials, stages)


def _encode(
    store: ActivationStore,
    missing: list[int],
    run: RunDirectory,
    config: IngestConfig,
    materials: Materials,
    stages: Stages,
) -> tuple[str, ...]:
    tokens = materials.contexts.tokens
    encoder = Encoder(
        materials.model,
        materials.saes,
        contexts.special_tokens(materials.model.tokenizer),
        config.batch_contexts,
        tile=run.record.config["tile"],
        tf32=config.tf32,
    )
    with stages.stage("calibrate", 1) as stage:
        calibration = encoder.calibrate(tokens, count_all=config.count_all)
        stage.advance()
    run.update(medians=calibration.medians)
    _check_disk(store, run, calibration.l0, missing)

    def shard(part: slice, progress: Callable[[int], None]) -> Shard:
        return encoder.shard(tokens[part], calibration.medians, progress, first=part.start)

    try:
        _write(store, missing, shard, stages)
    finally:
        if encoder.notes:  # kept even where the run is stopped, since the shards that follow have other last bits
            run.update(warnings=tuple(dict.fromkeys([*run.record.warnings, *encoder.notes])))
    flips = calibration.flipped
    return () if flips is None else (f"TF32 flips {flips:.3%} of the activations, on or off, against float32",)


def _from_cache(materials: Materials, cache: Cache, *, count_all: bool) -> Callable[..., Shard]:
    special = contexts.special_tokens(materials.model.tokenizer)

    def shard(part: slice, progress: Callable[[int], None]) -> Shard:
        tokens = materials.contexts.tokens[part]
        rows: dict[str, SparseRows] = {}
        for number, source in enumerate(materials.set.sources, start=1):
            rows[source.id] = cache.rows(source.id, part)
            progress(len(tokens) * number // len(materials.set.sources))
        if count_all:
            counted = contexts.everything(tokens)
        else:
            counted = contexts.countable(tokens, special, norms={}, medians={})
        return rows, ShardSummary(counted=counted.mask, left_out=counted.left_out, quality={})

    return shard


def _write(
    store: ActivationStore, missing: list[int], shard: Callable[[slice, Callable[[int], None]], Shard], stages: Stages
) -> None:
    size = store.context_size
    total = sum(store.contexts(number).stop - store.contexts(number).start for number in store.shards)
    with stages.stage("encode", total * size) as stage:
        for number in missing:
            part = store.contexts(number)
            rows, summary = shard(part, lambda done, start=part.start: stage.to((start + done) * size))
            store.write(number, rows, summary)


def _check_disk(store: ActivationStore, run: RunDirectory, l0: Mapping[str, float], shards: list[int]) -> None:
    parts = [store.contexts(shard) for shard in shards]
    tokens = sum(part.stop - part.start for part in parts) * store.context_size
    needed = tokens * store.bytes_per_token(l0) + _TABLES_ROOM
    free = shutil.disk_usage(run.path).free
    _log.info("the activations take about %.2f GB at %s, %.1f GB are free", needed / 1e9, store.folder, free / 1e9)
    if free < needed:
        raise RunError(
            f"about {needed / 1e9:.1f} GB are needed at {run.path}, {free / 1e9:.1f} GB are free;"
            " make room and run the same command again, or take fewer --tokens under another --run"
        )
