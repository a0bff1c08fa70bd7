"""The model and the SAEs that a run was computed with, loaded again."""

from dataclasses import dataclass

from saedb.ingest import saes
from saedb.ingest.config import Device
from saedb.ingest.encode import LoadedSae
from saedb.ingest.full import full_in_one_line
from saedb.ingest.materials import resolved_device
from saedb.ingest.model import LanguageModel, load_model
from saedb.ingest.progress import Report, silent
from saedb.ingest.prompts import origin
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What reads a text as a run's."""

    model: LanguageModel
    saes: tuple[LoadedSae, ...]
    """By depth."""
    device: str


def loaded(run: RunDirectory, *, device: Device = "auto", report: Report = silent) -> Loaded:
    """Return the model and the SAEs of a complete run that was computed.

    Args:
        run: the run.
        device: where they go; ``auto`` is CUDA where there is any.
        report: progress.

    Raises:
        InputError: its model or SAEs are not on this machine.
        RunError: its SAEs or model are no longer what it was computed with.
        DownloadError: something had to be fetched and could not be.
    """
    place, stages = resolved_device(device), Stages(report)
    with full_in_one_line(run.path):
        found = origin.saes_of(run)
        with stages.stage("load SAEs", len(found.sources)) as stage:
            those: list[LoadedSae] = []
            for source in found.sources:
                sae = saes.load(source, place)
                origin.check_weights(run, source, saes.weights_hash(sae))
                those.append(LoadedSae(id=source.id, hook=source.hook, sae=sae))
                stage.advance()
        with stages.stage("load model", 1) as stage:
            model = load_model(found, run.record.config["model"], device=place)
            stage.advance()
    return Loaded(model=model, saes=tuple(those), device=place)
