"""The edge engine at work on made-up layers: the side that everything else is compared with."""

from typing import Final

from benchmarks.generator import CONTEXT_SIZE, DOWNSTREAM, UPSTREAM, Layers
from saedb.ingest.config import IngestConfig
from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.rule import EdgeRule
from saedb.ingest.statistics import FeatureStatistics, feature_statistics
from saedb.ingest.stretches import Stretches

THREADS: Final = 2
PLENTY: Final = 1 << 40
"""Memory in which every pair fits."""
RULE: Final = EdgeRule.of(IngestConfig(inputs=("made up",)))
"""The rule that `saedb ingest` has by default."""


def statistics_of(text: Stretches, width: int) -> tuple[FeatureStatistics, FeatureStatistics]:
    """Return the statistics of both SAEs of a made-up text, as `saedb ingest` computes them before any pair."""
    threshold = IngestConfig(inputs=("made up",)).relative_threshold
    up, down = (
        feature_statistics(text, sae, width, context_size=CONTEXT_SIZE, relative_threshold=threshold)
        for sae in (UPSTREAM, DOWNSTREAM)
    )
    return up, down


def task_of(text: Stretches, width: int, rule: EdgeRule = RULE) -> Task:
    """Return the whole edge job of a made-up text."""
    return Task(text=text, upstream=UPSTREAM, downstream=DOWNSTREAM, statistics=statistics_of(text, width), rule=rule)


def kept_pairs(task: Task, *, threads: int = THREADS, memory: int = PLENTY) -> list[Kept]:
    """Return the pairs that are edges, part by part."""
    return list(gathered(task, threads=threads, memory=memory, progress=lambda _: None))


def warm_up() -> None:
    """Compile every loop, or load it, so that no round pays for it."""
    layers = Layers(4, width=64)
    task = task_of(layers.text(1024), layers.width)
    for memory in (PLENTY, 1):
        kept_pairs(task, memory=memory)
