"""What a run will take, from a sample of its text: seconds, memory, disk, and in which range its edges will lie."""

import dataclasses
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from saedb.ingest import beginning
from saedb.ingest.config import IngestConfig
from saedb.ingest.full import full_in_one_line
from saedb.ingest.materials import Materials, gather
from saedb.ingest.memory import Memory
from saedb.ingest.prediction import Prediction, Range, StageTime
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.sample import (
    LEAST_CONTEXTS,
    SAMPLE_TOKENS,
    SPREAD,
    Measured,
    folder_beside,
    measured,
    sample_of,
)
from saedb.ingest.stages import Stages

_SAMPLE: Final = "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will take; sizes are in bytes."""

    sample: int
    """Tokens of the sample."""
    tokens: int
    """Tokens of the run."""
    exact: bool
    """Whether the text is known to have as many tokens; otherwise it may be shorter."""
    stages: tuple[StageTime, ...]
    memory: int
    """Most memory of the process."""
    store: int
    """Disk for the activation store."""
    edge_files: Range
    """Disk for edges."""
    tables: int
    """Disk for the other tables."""
    free: int
    """Free disk where the run will be."""
    edges: Range
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Seconds in all."""
        return sum(stage.predicted for stage in self.stages)

    @property
    def limiting(self) -> StageTime:
        """The stage that takes longest."""
        return max(self.stages, key=lambda stage: stage.predicted)


def estimate(config: IngestConfig, path: Path, report: Report = silent, *, sample: int = SAMPLE_TOKENS) -> Estimate:
    """Return what `saedb.ingest.pipeline.ingest` would take for a run at `path`; nothing is left behind.

    Args:
        config: what is analysed, and how.
        path: folder of the run.
        report: called as the work goes on; may raise KeyboardInterrupt to stop it.
        sample: tokens to compute, rounded up to whole contexts, and to a few of these at least.

    Raises:
        InputError: SAEs, model or text are missing, damaged, or do not fit together.
        DownloadError: something had to be fetched and could not be.
        RunError: a run of other settings is there, or the disk or the memory is too small for the sample.
    """
    run, stages, memory = beginning.existing(config, path), Stages(report), Memory(config.memory)
    with full_in_one_line(path), folder_beside(path) as folder:
        device = beginning.device_of(config, run)
        materials, exact = _gathered(config, device, stages, sample)
        size, found = materials.contexts.tokens.shape[1], len(materials.contexts.tokens)
        contexts = found if exact else -(-config.tokens // size)
        count = min(max(-(-sample // size), LEAST_CONTEXTS), found)
        small, whole = _computed(_scaled(config, count / contexts), folder, device, materials, stages, count)
        free = shutil.disk_usage(folder).free
    prediction = Prediction(
        config=config, materials=materials, contexts=contexts, exact=exact, small=small, whole=whole
    )
    return Estimate(
        sample=count * size,
        tokens=contexts * size,
        exact=exact,
        stages=prediction.stages({name: seconds for name, seconds in stages.timings.items() if name != _SAMPLE}),
        memory=prediction.memory(memory.limit),
        store=prediction.store,
        edge_files=prediction.edge_files,
        tables=prediction.tables,
        free=free,
        edges=prediction.edges,
        warnings=whole.warnings,
    )


def _gathered(config: IngestConfig, device: str, stages: Stages, sample: int) -> tuple[Materials, bool]:
    """Return model, SAEs and text to draw the sample from, and whether that is all the text of the run."""
    asked = config.tokens if config.activations else min(config.tokens, SPREAD * sample)
    materials = gather(dataclasses.replace(config, tokens=asked), device, stages)
    return materials, asked == config.tokens or materials.contexts.tokens.size < asked


def _computed(
    config: IngestConfig, folder: Path, device: str, materials: Materials, stages: Stages, contexts: int
) -> tuple[Measured, Measured]:
    """Return what a quarter of the sample takes, and what all of it takes."""
    begun = beginning.begin(config, folder / "begun", device, materials).record
    parts = (max(contexts // 4, 1), max(contexts // 4, 1), contexts)
    found: list[Measured] = []
    with stages.stage(_SAMPLE, len(parts)) as stage:
        for number, part in enumerate(parts):
            run = RunDirectory.create(folder / str(number), begun)
            last = number == len(parts) - 1
            found.append(measured(config, run, sample_of(materials, part), labels=last))
            stage.advance()
    return found[1], found[2]


def _scaled(config: IngestConfig, share: float) -> IngestConfig:
    """Return the settings of the sample, which is a share of the text: its rule takes all that may become edges."""
    return dataclasses.replace(
        config,
        halves=False,
        keep_activations=True,
        min_support=min(config.min_support, max(math.floor(config.min_support * share), 1)),
        min_documents=min(config.min_documents, max(math.floor(config.min_documents * share), 1)),
    )
