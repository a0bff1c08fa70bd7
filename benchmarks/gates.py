"""The search for gates between two layers as large as GPT-2 small's, and beside SciPy and NumPy at a smaller size."""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine import THREADS, statistics_of
from benchmarks.figures import Figure, Goal, Kind
from benchmarks.gatetexts import GateLayers
from benchmarks.generator import CONTEXT_SIZE, DOWNSTREAM, UPSTREAM, WIDTH
from benchmarks.intersections import Intersections
from benchmarks.processes import fresh
from benchmarks.resident import anonymous, watched
from benchmarks.rounds import Side, alternating
from saedb.ingest.motifs import gates
from saedb.ingest.motifs.activity import Activity, Halves, activity, halves
from saedb.ingest.motifs.settings import KINDS, GateSettings
from saedb.ingest.stretches import HeldText

STAGE: Final = Kind(
    name="gates between two layers",
    unit="s",
    meaning="Wall time of the whole search for one pair of layers, in a fresh process with compiled loops: laying the"
    " activations out, which are in memory; candidates, joint tables, verdicts and null of every output; the tables of"
    " what is kept. A quarter of the upstream features fire in families of eight, and one in ten downstream ones is an"
    " OR of two (`gatetexts.py`).",
)
MEMORY: Final = Kind(
    name="memory of the search for gates",
    unit="MB",
    meaning="Peak of the anonymous resident memory of that process during the search, over what it was just before,"
    " when it held the text.",
)
AGAINST: Final = Kind(
    name="gates against SciPy and NumPy",
    unit="times as fast",
    meaning="The search, from laid-out activations on, against one by a sparse product of SciPy for the candidates and"
    " marks of NumPy for the joint tables, on one core. That one counts the tables of the same ANDs and ORs; it is"
    " spared AND NOTs, verdicts, the null, and the tables of what is kept.",
)

MB: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How large the searches are."""

    active: int
    """Mean number of features above 0 on a token."""
    width: int
    tokens: int
    beside_width: int
    """Features of the layers on which the two sides are compared."""
    beside_tokens: int
    rounds: int
    goal: Goal | None
    """Of the wall time, in seconds."""


FULL: Final = Search(
    active=60,
    width=WIDTH,
    tokens=1_000_000,
    beside_width=WIDTH // 8,
    beside_tokens=100_000,
    rounds=3,
    goal=Goal.at_most(120),
)
QUICK: Final = Search(
    active=30,
    width=WIDTH // 8,
    tokens=50_000,
    beside_width=WIDTH // 16,
    beside_tokens=20_000,
    rounds=1,
    goal=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    seconds: float
    memory: int
    """Bytes at the peak, over what was taken before."""
    tested: Sequence[int]
    """Sets of inputs, by kind; likewise `kept`."""
    kept: Sequence[int]
    chance: float


def search(sizes: Search) -> Iterator[Figure]:
    """Yield every figure as soon as it is there."""
    case = f"{sizes.width:,} features, {sizes.tokens:,} tokens"
    taken = fresh(_taken, sizes.active, sizes.width, sizes.tokens)
    tested, kept = (
        ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in zip(KINDS, counts, strict=True))
        for counts in (taken.tested, taken.kept)
    )
    found = f"{THREADS} threads; tested {tested}; kept {kept}; {taken.chance:.3g} expected by chance"
    yield STAGE.figure(case, taken.seconds, sizes.goal, measured=found)
    yield MEMORY.figure(case, taken.memory / MB, measured="the layout of the activations and the tables")
    yield _against(sizes)


def _laid_out(text: HeldText, thresholds: list[NDArray[np.float64]]) -> tuple[Activity, Activity, Halves]:
    of_text = halves(text, UPSTREAM, CONTEXT_SIZE)
    up, down = (
        activity(text, sae, threshold, of_text.middle)
        for sae, threshold in zip((UPSTREAM, DOWNSTREAM), thresholds, strict=True)
    )
    return up, down, of_text


def _thresholds(text: HeldText, width: int) -> list[NDArray[np.float64]]:
    return [statistics.threshold for statistics in statistics_of(text, width)]


def _found(laid_out: tuple[Activity, Activity, Halves]) -> gates.Gates:
    nothing = np.full((len(laid_out[1].start) - 1, 2, 2), -1, np.int64)
    return gates.find(*laid_out, nothing, GateSettings(), threads=THREADS)


def _warm_up() -> None:
    text = GateLayers(4, width=64).text(2048)
    _found(_laid_out(text, _thresholds(text, 64)))


def _taken(active: int, width: int, tokens: int) -> _Taken:
    _warm_up()
    text = GateLayers(active, width=width).text(tokens)
    thresholds = _thresholds(text, width)
    gc.collect()
    with watched(anonymous) as seen:
        start = time.perf_counter()
        found = _found(_laid_out(text, thresholds))
        seconds = time.perf_counter() - start
    return _Taken(
        seconds=seconds,
        memory=max(seen) - seen[0],
        tested=found.tested.tolist(),
        kept=found.kept.tolist(),
        chance=float(found.chance.sum()),
    )


def _against(sizes: Search) -> Figure:
    _warm_up()
    text = GateLayers(sizes.active, width=sizes.beside_width).text(sizes.beside_tokens)
    laid_out = _laid_out(text, _thresholds(text, sizes.beside_width))
    other = Intersections(*laid_out, GateSettings())
    ours, theirs = alternating(
        Side(name="saedb", run=lambda: _found(laid_out)),
        Side(name="SciPy and NumPy", run=other.tables),
        rounds=sizes.rounds,
    )
    case = f"{sizes.beside_width:,} features, {sizes.beside_tokens:,} tokens"
    return AGAINST.figure(case, theirs.wall / ours.wall, measured=f"{ours}; {theirs}")
