"""How much memory the edge job takes beside the activations, measured in a process of its own."""

import gc
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine import PLENTY, THREADS, task_of, warm_up
from benchmarks.figures import Figure, Goal, Kind
from benchmarks.generator import CONTEXT_SIZE, DOWNSTREAM, STRETCH_TOKENS, UPSTREAM, Layers
from benchmarks.processes import fresh
from benchmarks.resident import anonymous, watched
from saedb.ingest.activations import ActivationStore, ShardSummary
from saedb.ingest.chunks import COLUMN_BYTES, TOKEN_BYTES
from saedb.ingest.gather import Task, gathered
from saedb.ingest.quality import QualitySums
from saedb.ingest.stretches import StoredText

_RESIDENT: Final = (
    "Peak of the anonymous resident memory of a fresh process during the job, over what it was just before; stored"
    " activations are mapped from their files, and each part of the edges is dropped when the next one comes."
)
BESIDE: Final = Kind(
    name="memory beside the activations",
    unit="MB",
    meaning=f"{_RESIDENT} Taken off are the activations themselves as they are laid out for counting: {COLUMN_BYTES}"
    f" bytes of an upstream one, 6 of a downstream one, {TOKEN_BYTES} of a token. The goal is 64 MB + 16 bytes x"
    " features x threads.",
)
WITHIN: Final = Kind(
    name="memory where the pair does not fit",
    unit="MB",
    meaning=f"{_RESIDENT} Nothing is taken off; the goal is the memory that was allowed, in which the laid-out pair"
    " does not fit, so that the text goes by once for each block of upstream features.",
)

MB: Final = 1e6


_SHARE: Final = 0.8
"""Of the bytes of the laid-out activations, what is allowed where they are not to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peak:
    taken: int
    """Bytes at the peak, over what was taken before."""
    laid_out: int
    """Bytes of the activations laid out for counting."""


def beside(case: str, layers: Layers, tokens: int) -> list[Figure]:
    """Return the memory that the job takes beside the activations where the pair fits."""
    peak = _in_fresh_process(layers, tokens, fits=True)
    goal = Goal.at_most(round((64 * MB + 16 * layers.width * THREADS) / MB, 1))
    measured = f"{peak.taken / MB:.0f} MB at the peak, {peak.laid_out / MB:.0f} MB of them activations"
    return [BESIDE.figure(case, (peak.taken - peak.laid_out) / MB, goal, measured=measured)]


def within(case: str, layers: Layers, tokens: int) -> list[Figure]:
    """Return the memory that the job takes where it may take less than the laid-out activations need."""
    peak = _in_fresh_process(layers, tokens, fits=False)
    goal = Goal.at_most(round(_SHARE * peak.laid_out / MB, 1))
    measured = f"allowed {goal.high:g} MB, where the activations would take {peak.laid_out / MB:.0f} MB"
    return [WITHIN.figure(case, peak.taken / MB, goal, measured=measured)]


def _in_fresh_process(layers: Layers, tokens: int, *, fits: bool) -> _Peak:
    """Return the peak of the job on a stored text of about so many tokens."""
    tokens -= tokens % CONTEXT_SIZE
    with tempfile.TemporaryDirectory() as folder:
        documents = _store(Path(folder), layers, tokens)
        return fresh(_peak, Path(folder), layers.width, documents, fits=fits)


def _store(folder: Path, layers: Layers, tokens: int) -> NDArray[np.int32]:
    """Write a text to an activation store, and return the number of each token's document."""
    store = _store_at(folder, layers.width, tokens)
    quality = QualitySums(tokens=0, positive=0, error=0.0, squares=0.0, total=np.zeros(1))
    documents: list[NDArray[np.int32]] = []
    for shard, part in enumerate(layers.stretches(tokens)):
        counted = part.counted.reshape(-1, CONTEXT_SIZE)
        store.write(
            shard, part.rows, ShardSummary(counted=counted, left_out={}, quality=dict.fromkeys(part.rows, quality))
        )
        documents.append(part.documents)
    return np.concatenate(documents)


def _store_at(folder: Path, width: int, tokens: int) -> ActivationStore:
    contexts = np.zeros((tokens // CONTEXT_SIZE, CONTEXT_SIZE), np.int32)
    return ActivationStore(folder, contexts, {UPSTREAM: width, DOWNSTREAM: width}, STRETCH_TOKENS // CONTEXT_SIZE)


def _peak(folder: Path, width: int, documents: NDArray[np.int32], *, fits: bool) -> _Peak:
    warm_up()
    store = _store_at(folder, width, len(documents))
    task = task_of(StoredText(store, documents, len(documents) // CONTEXT_SIZE), width)
    laid_out = _bytes_laid_out(task)
    memory = PLENTY if fits else int(_SHARE * laid_out)
    gc.collect()
    with watched(anonymous) as seen:
        for _ in gathered(task, threads=THREADS, memory=memory, progress=lambda _: None):
            pass
    return _Peak(taken=max(seen) - seen[0], laid_out=laid_out)


def _bytes_laid_out(task: Task) -> int:
    up, down = task.scales
    total = 0
    for part in task:
        u, d = part.rows[task.upstream], part.rows[task.downstream]
        total += COLUMN_BYTES * int(up.used[u.indices].sum())
        total += (4 + d.indices.itemsize) * int(down.used[d.indices].sum())
        total += TOKEN_BYTES * len(part.counted)
    return total
