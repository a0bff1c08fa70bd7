"""From SAEs, a model and a text to a finished run directory."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import torch

from saedb.ingest import beginning
from saedb.ingest.computation import Computation
from saedb.ingest.config import IngestConfig
from saedb.ingest.errors import RunError
from saedb.ingest.materials import gather
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
    if run is not None and run.record.status == "complete":
        return run
    stages = Stages(report)
    with _full_in_one_line(path):
        device = beginning.device_of(config, run)
        materials = gather(config, device, stages)
        if run is None:
            run = beginning.begin(config, path, device, materials)
        else:
            beginning.go_on(run, materials)
        with run.writing():
            Computation(config, run, materials, stages).complete()
    return run


@contextmanager
def _full_in_one_line(path: Path) -> Generator[None]:
    """Turn what a full disk, or a GPU whose memory is full, raises into one line."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            "the GPU's memory is full; lower --batch-contexts under another --run, take fewer --layers,"
            " or use --device cpu"
        ) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise RunError(f"the disk of {path} is full; make room, and run the same command again") from error
