"""Recovery and copies of a run, measured as the command line does, without a graph."""

from typing import Any

import pandas as pd

from saedb.ingest.progress import Report, silent
from saedb.ingest.prompts.loading import loaded
from saedb.ingest.record import ResidualsRecord
from saedb.ingest.residuals import origin
from saedb.ingest.residuals.settings import ResidualSettings
from saedb.ingest.residuals.stage import Residuals
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages

TABLES = ("recovery", "copies", "heatmaps")


def measured(run: RunDirectory, report: Report = silent, **settings: Any) -> ResidualsRecord:
    """Return what is recorded of the tables that are now in a run directory."""
    origin.check(run)
    with run.writing():
        return Residuals(run, Stages(report), loaded(run), ResidualSettings(**settings)).write()


def killed_while(path: Any) -> None:
    """Measure the run at a path in a process that a test kills."""
    measured(RunDirectory.open(path))


def frame(run: RunDirectory, name: str) -> pd.DataFrame:
    """Return a table of a run."""
    return pd.read_parquet(run.path / f"{name}.parquet")


def contents(run: RunDirectory) -> dict[str, bytes]:
    """Return the bytes of the tables."""
    return {name: (run.path / f"{name}.parquet").read_bytes() for name in TABLES}
