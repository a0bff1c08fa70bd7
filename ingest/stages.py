"""The stages of a run: each is reported, timed and logged."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager

from saedb.ingest.progress import Report

logger = logging.getLogger(__name__)


class Stage:
    """One stage, which counts units up to a total."""

    def __init__(self, name: str, total: int, report: Report) -> None:
        self.name = name
        self.total = total
        self.done = 0
        self._report = report
        report(name, 0, total)

    def advance(self, units: int = 1) -> None:
        """Report that more units are done."""
        self.to(self.done + units)

    def to(self, done: int) -> None:
        """Report how many units are done."""
        self.done = done
        self._report(self.name, done, self.total)


class Stages:
    """The stages of a run, and the seconds that each has taken so far."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int) -> Generator[Stage]:
        """Time a stage of `total` units, and log it when it is done; an interrupted one is timed as well."""
        start = time.perf_counter()
        try:
            stage = Stage(name, total, self.report)
            yield stage
            logger.info("%s: %d done in %.1f s", name, stage.done, time.perf_counter() - start)
        finally:
            self.timings[name] = round(self.timings.get(name, 0.0) + time.perf_counter() - start, 3)
