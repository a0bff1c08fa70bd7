"""From SAEs, a model and a text to a finished run directory."""

from pathlib import Path

from saedb.ingest import beginning
from saedb.ingest.activations import ACTIVATIONS_FOLDER, ActivationStore
from saedb.ingest.computation import Computation
from saedb.ingest.config import IngestConfig
from saedb.ingest.full import full_in_one_line
from saedb.ingest.materials import gather
from saedb.ingest.memory import Memory
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages


def ingest(config: IngestConfig, path: Path, report: Report = silent) -> RunDirectory:
    """Return the complete run at `path`, computed as far as it is not there yet: a run that was stopped goes on.

    Args:
        config: what is analysed, and how.
        path: folder of the run; its name is the run's id.
        report: called as the work goes on; may raise KeyboardInterrupt to stop it.

    Raises:
        InputError: SAEs, model or text are missing, damaged, or do not fit together.
        DownloadError: something had to be fetched and could not be.
        RunError: a run of other settings is there, another process is writing it, or the disk or the GPU is full.
    """
    run = beginning.existing(config, path)
    if run is not None and run.record.status == "complete" and not _lacks_shards(run):
        return run
    stages, memory = Stages(report), Memory(config.memory)
    with full_in_one_line(path):
        device = beginning.device_of(config, run)
        materials = gather(config, device, stages)
        memory.left()  # what is too little for counting is so before hours of encoding
        if run is None:
            run = beginning.begin(config, path, device, materials)
        else:
            beginning.go_on(run, materials)
        with run.writing():
            Computation(config, run, materials, stages, memory).complete()
    return run


def _lacks_shards(run: RunDirectory) -> bool:
    """Return whether shards of a complete run were deleted, as damaged ones have to be; a store may go as a whole."""
    if not (run.path / ACTIVATIONS_FOLDER).is_dir():
        return False
    store = ActivationStore.of_run(run)
    return not all(store.has(shard) for shard in store.shards)
