"""The figures as a table for people and a list for programs."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psutil

from benchmarks.figures import Figure

FOLDER: Final = Path(__file__).parent
_PACKAGES: Final = ("numpy", "numba", "scipy", "torch", "sparse-dot-mkl", "mkl")
_COLUMNS: Final = ("figure", "case", "value", "goal", "met", "measured")


def write(figures: Sequence[Figure], heading: str, folder: Path = FOLDER) -> None:
    """Write ``RESULTS.md`` and ``results.json``."""
    (folder / "RESULTS.md").write_text(page(figures, heading))
    (folder / "results.json").write_text(json.dumps([figure.row() for figure in figures], indent=2) + "\n")


def page(figures: Sequence[Figure], heading: str) -> str:
    """Return the page for people."""
    kinds = {figure.kind.name: figure.kind for figure in figures}
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *(_cells(figure) for figure in figures)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    meanings = "\n".join(f"* **{kind.name}** ({kind.unit}): {kind.meaning}" for kind in kinds.values())
    return f"# {heading}\n\n{machine()}\n\n{table}\n\n## What each figure is\n\n{meanings}\n"


def machine() -> str:
    """Return when and on what the figures were measured, and how."""
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {_processor()}, {psutil.cpu_count(logical=False)} cores,"
        f" {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} {platform.machine()}; Python"
        f" {platform.python_version()}, {', '.join(_versions())}. Layers are made up (`benchmarks/generator.py`);"
        " a case is the mean number of features above 0 on a token. The sides of a ratio run in turns in one process,"
        " and medians of wall time are compared; CPU is time of all threads."
    )


def lines(figures: Sequence[Figure]) -> str:
    """Return the table for a terminal, without what the figures were made from."""
    rows = [_COLUMNS[:-1], *(_cells(figure)[:-1] for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def line(figure: Figure) -> str:
    """Return one figure for a terminal."""
    return f"{figure.kind.name}, {figure.case}: {_value(figure)} ({figure.measured})"


def _cells(figure: Figure) -> tuple[str, ...]:
    met = {True: "yes", False: "no", None: ""}[figure.met]
    goal = "" if figure.goal is None else str(figure.goal)
    return figure.kind.name, figure.case, _value(figure), goal, met, figure.measured


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "not measured"
    number = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.3g}"
    return f"{number} {figure.kind.unit}"


def _processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> list[str]:
    found: list[str] = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return found
