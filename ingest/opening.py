"""The model and the SAEs that a run was computed with, loaded again and checked to be the same."""

from dataclasses import dataclass

from saedb.ingest import saes
from saedb.ingest.config import Device
from saedb.ingest.encode import LoadedSae
from saedb.ingest.materials import resolved_device
from saedb.ingest.model import LanguageModel, load_model
from saedb.ingest.prompts import origin
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages
from saedb.ingest.tiles import tile_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What reads a text as a run's was read."""

    model: LanguageModel
    saes: tuple[LoadedSae, ...]
    """By depth."""
    device: str
    """``cpu`` or ``cuda``."""
    tile: int
    """Tokens that an SAE encodes at once."""
    tf32: bool
    """Whether SAEs encode in TF32, as the run's did."""


def opened(run: RunDirectory, stages: Stages, *, device: Device = "auto", needs: str = "a prompt") -> Opened:
    """Return the model and the SAEs of a complete run that was computed, not imported.

    Args:
        run: the run.
        stages: are told of the progress.
        device: where they run; ``auto`` is CUDA where there is any.
        needs: what needs them, as messages have it.

    Raises:
        InputError: the model or the SAEs are not on this machine.
        RunError: they are no longer what the run was computed with.
        DownloadError: something had to be fetched and could not be.
    """
    place = resolved_device(device)
    found = origin.saes_of(run, needs)
    loaded: list[LoadedSae] = []
    with stages.stage("load SAEs", len(found.sources)) as stage:
        for source in found.sources:
            sae = saes.load(source, place)
            origin.check_weights(run, source, saes.weights_hash(sae))
            loaded.append(LoadedSae(id=source.id, hook=source.hook, sae=sae))
            stage.advance()
    with stages.stage("load model", 1) as stage:
        model = load_model(found, run.record.config["model"], device=place)
        stage.advance()
    return Opened(
        model=model,
        saes=tuple(loaded),
        device=place,
        tile=tile_for(place, (source.d_sae for source in found.sources)),
        tf32=bool(run.record.config["tf32"]) and place == "cuda",
    )
