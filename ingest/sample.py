"""A small part of a run, computed in a temporary folder for what it takes.

1. Model, SAEs and some text are loaded once. The sample is contexts from all over that text, of many documents.
2. A quarter of it is computed twice: the first time compiles and warms, and is thrown away. Then all of it.
3. Labels are the same work for any text, so those of the first SAE are enough.
"""

import dataclasses
import resource
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psutil
import pyarrow as pa

from saedb.ingest.activations import ACTIVATIONS_FOLDER
from saedb.ingest.computation import Computation
from saedb.ingest.config import IngestConfig
from saedb.ingest.materials import Materials
from saedb.ingest.memory import Memory
from saedb.ingest.rundir import EXAMPLES_FILE, RunDirectory
from saedb.ingest.stages import Stages
from saedb.ingest.tables import EDGES, EXAMPLES

SAMPLE_TOKENS: Final = 4096
"""Tokens of the sample, rounded up to whole contexts; less where the text is shorter."""
LEAST_CONTEXTS: Final = 4
"""Contexts of the sample, where these have more tokens."""
SPREAD: Final = 64
"""The sample is drawn from the first so many times as many tokens of the text."""

LABELS: Final = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the computation of some contexts took."""

    contexts: int
    seconds: Mapping[str, float]
    """Of each stage, without labels."""
    labels: float
    """Seconds of the labels of all SAEs; 0 where they were left out."""
    resident: int
    """Bytes of memory when it was done."""
    peak: int
    """Most bytes of memory since the process began."""
    store: int
    """Bytes of the activation store."""
    files: Mapping[str, int]
    """Bytes of each table."""
    l0: Mapping[str, float]
    """Features above 0 on a counted token, by SAE id."""
    examples: tuple[int, ...]
    """Examples of each feature that has any."""
    edges: pa.Table
    """The rows of all pairs."""
    warnings: tuple[str, ...]


def sample_of(materials: Materials, contexts: int) -> Materials:
    """Return materials with so many contexts of the text, evenly spread; of a cache, which is in order, the first."""
    text = materials.contexts
    if materials.cache is not None:
        chosen = np.arange(contexts)
    else:
        chosen = np.linspace(0, len(text.tokens) - 1, contexts).round().astype(np.int64)
    cut = dataclasses.replace(text, tokens=text.tokens[chosen], documents=text.documents[chosen])
    return dataclasses.replace(materials, contexts=cut)


def measured(config: IngestConfig, run: RunDirectory, materials: Materials, *, labels: bool) -> Measured:
    """Return what the computation of a run takes, of which nothing is computed yet.

    Args:
        config: its settings.
        run: the run.
        materials: what it is made from.
        labels: whether to make the labels of the first SAE.
    """
    watch = _Watch(materials.set.sources[0].d_sae if labels else 0)
    stages = Stages(watch.report)
    with suppress(_Enough), run.writing():
        Computation(config, run, materials, stages, Memory(config.memory)).complete()
    store = (run.path / ACTIVATIONS_FOLDER).rglob("*")
    return Measured(
        contexts=len(materials.contexts.tokens),
        seconds={name: seconds for name, seconds in stages.timings.items() if name != LABELS},
        labels=watch.share * stages.timings[LABELS],
        resident=psutil.Process().memory_info().rss,
        peak=peak(),
        store=sum(file.stat().st_size for file in store if file.is_file()),
        files={name: file.bytes for name, file in run.record.files.items()},
        l0={sae.id: sae.l0 or 0.0 for sae in run.record.saes},
        examples=_examples(run),
        edges=_edges(run),
        warnings=run.record.warnings,
    )


@contextmanager
def folder_beside(path: Path) -> Generator[Path]:
    """Yield a temporary folder on the disk of `path`, which need not be there; it is removed whatever happens."""
    existing = next(folder for folder in path.absolute().parents if folder.is_dir())
    with tempfile.TemporaryDirectory(prefix=".saedb-estimate-", dir=existing) as folder:
        yield Path(folder)


def peak() -> int:
    """Return the most bytes of memory that this process has taken so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


class _Enough(Exception):  # noqa: N818 - no error: it ends a run whose rest is known
    """What is wanted of a run has been measured."""


class _Watch:
    """A report that ends a run when enough directions have their labels."""

    def __init__(self, enough: int) -> None:
        self.share = 0.0
        """All directions over those that have labels; 0 before any has."""
        self._enough = enough

    def report(self, stage: str, done: int, total: int | None) -> None:
        if stage != LABELS:
            return
        if done:
            self.share = (total or done) / done
        if done >= self._enough and done != total:
            raise _Enough


def _examples(run: RunDirectory) -> tuple[int, ...]:
    counts = run.read(EXAMPLES, EXAMPLES_FILE)["feature"].value_counts()
    return tuple(counts.field("counts").to_pylist())


def _edges(run: RunDirectory) -> pa.Table:
    return pa.concat_tables([EDGES.schema.empty_table(), *(run.read(EDGES, name) for name in run.edge_files)])
