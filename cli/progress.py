"""Progress on stderr: bars with rate and time left on a terminal, one line for each finished stage elsewhere."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from saedb.ingest.progress import Report


@contextmanager
def progress_bars() -> Generator[Report]:
    """Yield a report that draws on stderr until the block ends."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines()
        yield lines.report
        lines.end()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        _Done(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress).report


class _Bars:
    """One bar a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def report(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


class _Lines:
    """One line a stage, when the next one begins or the work ends."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._done = 0
        self._is_counted = False
        self._start = 0.0

    def report(self, stage: str, done: int, total: int | None) -> None:
        if stage != self._stage:
            self.end()
            self._stage, self._start = stage, time.monotonic()
        self._done, self._is_counted = done, total is None or total > 1

    def end(self) -> None:
        if self._stage is not None:
            count = f"{self._done:,} in " if self._is_counted and self._done else ""
            click.echo(f"{self._stage}: {count}{time.monotonic() - self._start:.1f} s", err=True)
        self._stage = None


class _Done(ProgressColumn):
    def render(self, task: Task) -> Text:
        done = f"{int(task.completed):,}"
        return Text(done if task.total is None else f"{done}/{int(task.total):,}", style="progress.download")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")
