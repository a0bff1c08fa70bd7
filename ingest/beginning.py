"""How a run begins, or goes on: its directory, and whether that was made with the same settings and parts."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from saedb.ingest import fingerprint, precision
from saedb.ingest.config import IngestConfig
from saedb.ingest.errors import RunError
from saedb.ingest.materials import Materials, resolved_device
from saedb.ingest.pairs import apart
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.rundir import RunDirectory, now
from saedb.ingest.sources import SaeSet
from saedb.ingest.tiles import tile_for

_VERSIONS: Final = ("saedb", "sae-lens", "transformer-lens", "transformers", "torch", "numpy", "scipy", "pyarrow")


def existing(config: IngestConfig, path: Path) -> RunDirectory | None:
    """Return the run that is at `path` already, or None.

    Raises:
        RunError: it has other settings.
    """
    if not (path / "run.json").exists():
        return None
    run = RunDirectory.open(path)
    if run.record.kind != "ingest":
        raise RunError(f"{path} is a run of kind {run.record.kind}; choose another name with --run")
    differing = _differing(config, run.record.config)
    if differing:
        raise RunError(f"{path} was made with other settings ({differing}); choose another name with --run")
    return run


def begin(config: IngestConfig, path: Path, device: str, materials: Materials) -> RunDirectory:
    """Return a new run at `path`, of which nothing is computed yet."""
    found = materials.set
    settings = fingerprint.settings(config)
    record = RunRecord(
        id=path.name,
        kind="ingest",
        model=found.model,
        created=now(),
        config={**settings, **_arithmetic(device, materials), "local": fingerprint.contents(config)},
        saes=sae_records(found, materials.hashes),
        pairs=tuple((u.id, d.id) for u, d in found.pairs),
        dataset=settings["dataset"] if materials.cache is None else materials.cache.dataset,
        device=device,
        versions=versions(),
        warnings=tuple(_warnings(config, materials)),
    )
    return RunDirectory.create(path, record)


def go_on(run: RunDirectory, materials: Materials) -> None:
    """Check that the SAEs are still those that a run was begun with.

    Raises:
        RunError: they are not.
    """
    check_hashes(run, materials.set, materials.hashes)


def check_hashes(run: RunDirectory, found: SaeSet, hashes: Sequence[str]) -> None:
    """Check that SAEs, with the hashes of their weights, are those that a run was begun with.

    Raises:
        RunError: they are not.
    """
    before = {s.id: s.sha256 for s in run.record.saes}
    now_found = {s.id: s.sha256 for s in sae_records(found, hashes)}
    changed = sorted(sae for sae in before.keys() | now_found.keys() if before.get(sae) != now_found.get(sae))
    if changed:
        raise RunError(f"the SAEs {', '.join(changed)} are not those of {run.path}; choose another name with --run")


def device_of(config: IngestConfig, run: RunDirectory | None) -> str:
    """Return where to compute, ``cpu`` or ``cuda``, and keep torch to the number of threads that a run began with.

    Raises:
        InputError: CUDA is needed, for itself or for TF32, and not there.
    """
    if run is not None:
        torch.set_num_threads(run.record.config["threads"])
    device = resolved_device(config.device if run is None else run.record.config["device"])
    precision.check(tf32=config.tf32, device=device)
    return device


def _arithmetic(device: str, materials: Materials) -> dict[str, Any]:
    """Return what decides the last bits of an activation besides the settings: it is kept when the run goes on."""
    tile = tile_for(device, (source.d_sae for source in materials.set.sources))
    return {"device": device, "threads": torch.get_num_threads(), "tile": tile}


def _differing(config: IngestConfig, recorded: Mapping[str, Any]) -> str:
    """Return what differs, in words; only where no setting does are the local files read."""
    given = fingerprint.settings(config)
    kept = {"local", "threads", "tile"} | ({"device"} if config.device == "auto" else set())
    names = sorted((given.keys() | recorded.keys()) - kept)
    values = [(name, recorded.get(name), given.get(name)) for name in names]
    settings = [f"{name}: {there} there, {here} here" for name, there, here in values if there != here]
    return ", ".join(settings or _changed(recorded.get("local", {}), fingerprint.contents(config)))


def _changed(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in recorded.keys() | found.keys() if recorded.get(name) != found.get(name))
    return [f"{name}: contents changed" if name in found else f"{name}: no longer there" for name in names]


def versions() -> Mapping[str, str]:
    """Return the versions of what decides the numbers of a run."""
    return {name: version(name) for name in _VERSIONS}


def sae_records(found: SaeSet, hashes: Sequence[str]) -> tuple[SaeRecord, ...]:
    """Return what is known of SAEs by their metadata and the hashes of their weights; nothing is measured yet."""
    return tuple(
        SaeRecord(
            id=source.id,
            layer=source.layer,
            set=source.set,
            depth=source.depth,
            hook=source.hook,
            d_sae=source.d_sae,
            d_in=source.d_in,
            architecture=source.architecture,
            source=str(source.location),
            sha256=sha256,
        )
        for source, sha256 in zip(found.sources, hashes, strict=True)
    )


def warnings_of_set(found: SaeSet) -> list[str]:
    """Return what is missing from a set of SAEs, in words."""
    lines: list[str] = []
    if found.missing:
        missing = ", ".join(map(str, found.missing))
        pairs = ", ".join(f"{u.layer}-{d.layer}" for u, d in found.pairs)
        lines.append(f"no SAE for layer {missing}; edges are computed for the pairs {pairs}")
    if len(found.sources) == 1:
        lines.append(f"{found.sources[0].id} is the only SAE; edges need a second one")
    return lines


def _warnings(config: IngestConfig, materials: Materials) -> list[str]:
    found = warnings_of_set(materials.set)
    strange = apart(materials.set.pairs) if config.min_decoder_cosine is not None else []
    if strange:
        named = ", ".join(f"{u.id}:{d.id}" for u, d in strange)
        found.append(f"decoders make no edge of {named}: they write to two spaces, in which a cosine means nothing")
    documents = len(materials.contexts.document_ids)
    if documents < config.min_documents:
        found.append(
            f"the text has {documents} documents, and the support of an edge must come from {config.min_documents}:"
            " there will be no edge; give more documents, or lower --min-documents"
        )
    tokens = materials.contexts.tokens.size
    if tokens < config.tokens:
        found.append(f"the text has only {tokens:,} of the {config.tokens:,} tokens asked for")
    whole = materials.contexts.first_half_contexts == len(materials.contexts.tokens)
    if materials.cache is not None:
        found.append(
            f"the activations are those of {materials.cache.path}: attention sinks count, as a cache has no residuals"
            + ("" if materials.cache.tokens is not None else ", nor tokens, so that the text may be another one")
        )
    if whole and config.halves and materials.cache is None:
        found.append(
            "the text is too short, or of too few documents, for two halves; what is found on one half cannot be"
            " checked on the other"
        )
    return found
