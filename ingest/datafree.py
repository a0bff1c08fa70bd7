"""Graphs without text: features of neighbouring layers related by the cosine of their decoder rows alone.

1. The SAEs are found and fetched; no model is loaded, and no text is read.
2. The feature table has a row for each feature, without statistics: what a text would tell is null, as in imports.
3. Of each pair of SAEs, the nearest decoder rows become edges (`saedb.ingest.cosines`), with that cosine alone.

A cosine is the same whatever the scale of a row. So nothing has to be folded: not the norms of decoder rows, not the
factor by which an SAE's input is scaled as a whole or token by token, not the thresholds of a JumpReLU, and no bias of
the decoder takes part. What it does need is one space: `saedb.ingest.pairs.apart` names the pairs that have none.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from saedb.ingest import beginning, fingerprint, saes
from saedb.ingest.config import DecoderConfig
from saedb.ingest.cosines import Rows, nearest
from saedb.ingest.directions import write_directions
from saedb.ingest.encode import decoder_rows
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.features import feature_ids, urls
from saedb.ingest.full import full_in_one_line
from saedb.ingest.materials import resolved_device
from saedb.ingest.pairs import apart
from saedb.ingest.progress import Report, silent
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory, edges_file, now
from saedb.ingest.sources import Pair, SaeSet, SaeSource
from saedb.ingest.stages import Stages
from saedb.ingest.tables import EDGES, FEATURES, rows

KIND: Final = "decoders"


def relate(config: DecoderConfig, path: Path, report: Report = silent) -> RunDirectory:
    """Return the complete run at `path`, computed as far as it is not there yet: one that was stopped goes on.

    Args:
        config: which SAEs, and how near two rows have to be.
        path: folder of the run; its name is the run's id.
        report: called as the work goes on; may raise KeyboardInterrupt to stop it.

    Raises:
        InputError: SAEs are missing or damaged, or two that are to be related write to different spaces.
        DownloadError: SAEs had to be fetched and could not be.
        RunError: another run is there, another process is writing it, or the disk or the GPU is full.
    """
    run, settings = _existing(config, path), _settings(config)
    if run is not None and run.record.status == "complete":
        return run
    device, stages = resolved_device(config.device), Stages(report)
    with full_in_one_line(path):
        found = saes.find(
            config.inputs, layers=config.layers, saes_glob=config.saes, set_name=config.set, pairs=config.pairs
        )
        _check(found.pairs)
        hashes = _hashes(found, stages)
        if run is None:
            run = RunDirectory.create(path, _record(path.name, found, hashes, settings, device))
        else:
            beginning.check_hashes(run, found, hashes)
        with run.writing():
            _write(run, found, config, device, stages)
    return run


def _settings(config: DecoderConfig) -> dict[str, object]:
    given = {**config.settings(), "inputs": fingerprint.of_inputs(config.inputs)}
    return {**given, "local": fingerprint.contents_of_inputs(config.inputs)}


def _existing(config: DecoderConfig, path: Path) -> RunDirectory | None:
    if not (path / "run.json").exists():
        return None
    run, settings = RunDirectory.open(path), _settings(config)
    if run.record.kind != KIND:
        raise RunError(f"{path} is a run of kind {run.record.kind}; choose another name with --run")
    differing = [name for name, value in settings.items() if run.record.config.get(name) != value]
    if differing:
        name = differing[0]
        there, here = run.record.config.get(name), settings[name]
        what = "the SAEs have changed" if name == "local" else f"{name}: {there} there, {here} here"
        raise RunError(f"{path} was made with other settings ({what}); choose another name with --run")
    return run


def _check(pairs: Sequence[Pair]) -> None:
    """Check that there are pairs, whose decoders can be compared.

    Raises:
        InputError: there are none, or not.
    """
    if not pairs:
        raise InputError("decoders are compared by pairs, and there is only one SAE; give a second one")
    for u, d in apart(pairs):
        sizes = f"{u.d_in} and {d.d_in} values" if u.d_in != d.d_in else "each the values of its own block"
        raise InputError(
            f"the decoders of {u.id} and {d.id} write to two spaces, {u.hook} and {d.hook}, {sizes}: no cosine compares"
            " them; leave the pair out with --pairs, or relate them by a text: saedb ingest"
        )


def _hashes(found: SaeSet, stages: Stages) -> tuple[str, ...]:
    hashes: list[str] = []
    with stages.stage("load SAEs", len(found.sources)) as stage:
        for source in found.sources:
            hashes.append(saes.weights_hash(saes.load(source)))
            stage.advance()
    return tuple(hashes)


def _record(name: str, found: SaeSet, hashes: Sequence[str], settings: dict[str, object], device: str) -> RunRecord:
    return RunRecord(
        id=name,
        kind=KIND,
        model=found.model,
        created=now(),
        config=settings,
        saes=beginning.sae_records(found, hashes),
        pairs=tuple((u.id, d.id) for u, d in found.pairs),
        device=device,
        versions=beginning.versions(),
        warnings=tuple(beginning.warnings_of_set(found)),
    )


def _write(run: RunDirectory, found: SaeSet, config: DecoderConfig, device: str, stages: Stages) -> None:
    """Write what is not there yet, and mark the run as complete."""
    if not run.has(FEATURES_FILE, FEATURES):
        run.write(FEATURES, FEATURES_FILE, (_feature_rows(found.model, source) for source in found.sources))
    decoder = _decoders(run, found)
    with stages.stage("decoder cosines", sum(u.d_sae for u, _ in found.pairs)) as stage:
        for u, d in found.pairs:
            if run.has(edges_file(u.id, d.id), EDGES):
                stage.advance(u.d_sae)
                continue
            pairs = nearest(
                decoder(u.id),
                decoder(d.id),
                floor=config.min_decoder_cosine,
                count=config.nearest_decoders,
                device=device,
                progress=stage.advance,
            )
            ends = feature_ids(found.model, u)[pairs.upstream], feature_ids(found.model, d)[pairs.downstream]
            columns = {"source": ends[0], "target": ends[1], "decoder_cosine": pairs.cosine}
            run.write(EDGES, edges_file(u.id, d.id), [rows(EDGES, columns)])
    run.update(status="complete", timings=stages.timings)


def _decoders(run: RunDirectory, found: SaeSet) -> Callable[[str], Rows]:
    """Return what loads the decoder of an SAE, and keeps its directions in the run; two are held at a time."""
    by_id = {source.id: source for source in found.sources}

    @lru_cache(maxsize=2)  # in a chain of pairs an SAE is in two that follow one another
    def decoder(sae: str) -> Rows:
        loaded = decoder_rows(saes.load(by_id[sae]))
        write_directions(run, sae, loaded)
        return loaded

    return decoder


def _feature_rows(model: str, source: SaeSource) -> pa.Table:
    count = source.d_sae
    columns = {
        "id": feature_ids(model, source),
        "sae": np.full(count, source.id, dtype=object),
        "layer": np.full(count, source.layer),
        "depth": np.full(count, source.depth),
        "index": np.arange(count),
        "url": urls(source),
    }
    return rows(FEATURES, columns)
