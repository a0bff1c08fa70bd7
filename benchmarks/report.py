"""The figures as a table for people and a list for programs."""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.figures import Figure

FOLDER: Final = Path(__file__).parent
_PACKAGES: Final = (
    "numpy",
    "numba",
    "scipy",
    "torch",
    "sparse-dot-mkl",
    "mkl",
    "neo4j",
    "neo4j-rust-ext",
    "igraph",
    "leidenalg",
)
_COLUMNS: Final = ("figure", "case", "value", "goal", "met", "measured")


def write(part: str, figures: Sequence[Figure], heading: str, folder: Path = FOLDER) -> None:
    """Put a part's figures into ``results.json``, beside those of the other parts, and write ``RESULTS.md`` from it."""
    file = folder / "results.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    kinds = {figure.kind.name: figure.kind for figure in figures}
    results[part] = {
        "heading": heading,
        "measured": machine(),
        "figures": [figure.row() for figure in figures],
        "meanings": {name: f"({kind.unit}): {kind.meaning}" for name, kind in kinds.items()},
    }
    file.write_text(json.dumps(results, indent=2) + "\n")
    (folder / "RESULTS.md").write_text("\n".join(page(result) for result in results.values()))


def page(result: Mapping[str, Any]) -> str:
    """Return a part of ``results.json`` for people."""
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *map(_cells, result["figures"])]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    meanings = "\n".join(f"* **{name}** {meaning}" for name, meaning in result["meanings"].items())
    return f"# {result['heading']}\n\n{result['measured']}\n\n{table}\n\n## What each figure is\n\n{meanings}\n"


def machine() -> str:
    """Return when and on what the figures were measured, and how."""
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {_processor()}, {psutil.cpu_count(logical=False)} cores,"
        f" {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} {platform.machine()}; Python"
        f" {platform.python_version()}, {', '.join(_versions())}. What is measured is made up (`generator.py` and"
        " `graphs.py` in `benchmarks`); a case of the engine is the mean number of features above 0 on a token. The"
        " sides of a ratio run in turns, and medians of wall time are compared; CPU is time of all threads."
    )


def lines(figures: Sequence[Figure]) -> str:
    """Return the table for a terminal, without what the figures were made from."""
    rows = [_COLUMNS[:-1], *(_cells(figure.row())[:-1] for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def line(figure: Figure) -> str:
    """Return one figure for a terminal."""
    return f"{figure.kind.name}, {figure.case}: {_value(figure.row())} ({figure.measured})"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    met = {True: "yes", False: "no", None: ""}[row["met"]]
    return row["figure"], row["case"], _value(row), row["goal"] or "", met, row["measured"]


def _value(row: Mapping[str, Any]) -> str:
    value, unit = row["value"], row["unit"]
    if value is None:
        return "not measured"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


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
