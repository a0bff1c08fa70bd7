"""A whole run of the demo, without the graph: what the edges take of it, and how well it was estimated."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Goal, Kind
from benchmarks.processes import fresh
from benchmarks.resident import resident, watched

SHARE: Final = Kind(
    name="share of the edges",
    unit="of the time",
    meaning="Seconds of the stage that counts pairs and writes edges, of those of all stages of `saedb ingest demo"
    " --no-load`: real model, real SAEs, on the processor.",
)
ESTIMATE: Final = Kind(
    name="estimate",
    unit="times off",
    meaning="What `saedb estimate` says the same run will take against what it then takes, the larger over the smaller:"
    " seconds of all stages, most memory of the process, and bytes of the run's folder.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What a run takes."""

    seconds: float
    memory: int
    """Most resident bytes of the process."""
    disk: int
    """Bytes of its folder."""


def end_to_end(tokens: int) -> list[Figure]:
    """Return the share of the edges in a run of the demo, and how far off its estimate was."""
    case = f"demo, {tokens:,} tokens"
    with tempfile.TemporaryDirectory() as folder:
        told = fresh(_estimated, Path(folder) / "demo", tokens)
        taken, timings = fresh(_run, Path(folder) / "demo", tokens)
    return [share(case, timings), *off(case, told, taken)]


def share(case: str, timings: Mapping[str, float]) -> Figure:
    """Return the share of the edges in the seconds of all stages."""
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in timings.items())
    return SHARE.figure(case, timings["edges"] / sum(timings.values()), Goal.at_most(0.10), measured=stages)


def off(case: str, told: Amounts, taken: Amounts) -> list[Figure]:
    """Return how many times off each part of an estimate was."""
    pairs = {
        "seconds": (told.seconds, taken.seconds, f"{told.seconds:.0f} s told, {taken.seconds:.0f} s taken"),
        "memory": (told.memory, taken.memory, f"{told.memory / 1e6:.0f} MB told, {taken.memory / 1e6:.0f} MB taken"),
        "disk": (told.disk, taken.disk, f"{told.disk / 1e6:.1f} MB told, {taken.disk / 1e6:.1f} MB taken"),
    }
    return [
        ESTIMATE.figure(f"{name}, {case}", max(said / was, was / said), Goal.at_most(1.5), measured=measured)
        for name, (said, was, measured) in pairs.items()
    ]


def _estimated(path: Path, tokens: int) -> Amounts:
    from saedb.ingest.config import IngestConfig
    from saedb.ingest.estimate import estimate

    told = estimate(IngestConfig(inputs=("demo",), dataset="demo", tokens=tokens), path)
    disk = told.store + told.edge_files.likely + told.tables
    return Amounts(seconds=told.seconds, memory=told.memory, disk=disk)


def _run(path: Path, tokens: int) -> tuple[Amounts, Mapping[str, float]]:
    from saedb.ingest.config import IngestConfig
    from saedb.ingest.pipeline import ingest

    with watched(resident) as seen:
        run = ingest(IngestConfig(inputs=("demo",), dataset="demo", tokens=tokens), path)
    timings = dict(run.record.timings)
    disk = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Amounts(seconds=sum(timings.values()), memory=max(seen), disk=disk), timings
