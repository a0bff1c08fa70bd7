"""What a run will take, from what a sample of its text took.

1. The seconds of a stage are a fixed part and a part by its unit: tokens, or what it does no more of in a long text.
2. Bytes on disk grow with tokens, edges and examples. Memory is what the sample took, and beyond it what a shard, the
   pair with most activations, and the text will take.
3. Edges need support, in the sample as large a share of it as the sample is of the text. Likely are as many as have one
   joint token more than that, and two at least: pairs with less are many, and some show more than their share by
   chance. Sure are those with twice as many which would be edges if each measure lost a standard error. At most, every
   pair with its share is an edge, and features that the sample does not show have as many as others.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest.chunks import COLUMN_BYTES, TOKEN_BYTES
from saedb.ingest.config import IngestConfig
from saedb.ingest.contexts import CALIBRATION_CONTEXTS
from saedb.ingest.directions import ITEM_BYTES
from saedb.ingest.materials import Materials
from saedb.ingest.rule import EdgeRule
from saedb.ingest.rundir import EXAMPLES_FILE
from saedb.ingest.sample import LABELS, Measured
from saedb.ingest.sparse import index_type

_ENCODE_GROWS: Final = 0.5
"""Share of the seconds of encoding that grows with the text: or else a disturbed quarter of the sample looks like a
fixed cost, and hours like seconds."""
_CERTAIN: Final = 2
"""Joint tokens that are hardly chance."""
_MEASURE_BYTES: Final = 8
_COMPRESSED_BYTES: Final = 2
_FEATURE_BYTES: Final = 200
"""Bytes of a row of the feature table."""
_TEXT_BYTES: Final = 60
"""Bytes of memory of a token, where its word is looked up for labels."""
_HIT_BYTES: Final = 120
"""Bytes of memory of an activation while the largest of a shard are found."""
_HITS_OF_LABELS: Final = 1 << 24
"""Activations that labels look at together."""
_VALUE_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """Seconds of a stage."""

    stage: str
    sample: float
    """For the sample, what is loaded included."""
    predicted: float
    """For the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What lies between two numbers."""

    low: int
    likely: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A run of `contexts` contexts, from what a quarter of the sample and the whole of it took."""

    config: IngestConfig
    materials: Materials
    contexts: int
    exact: bool
    """Whether `materials` have all the text of the run."""
    small: Measured
    whole: Measured

    @property
    def _size(self) -> int:
        return self.materials.contexts.tokens.shape[1]

    @property
    def _growth(self) -> float:
        """The text over the sample."""
        return self.contexts / self.whole.contexts

    def stages(self, loading: Mapping[str, float]) -> tuple[StageTime, ...]:
        """Return the seconds of every stage, given those of what is loaded."""
        grown = {"tokenise": self.contexts / len(self.materials.contexts.tokens)}
        loaded = [
            StageTime(stage=name, sample=seconds, predicted=seconds * grown.get(name, 1.0))
            for name, seconds in loading.items()
        ]
        computed = [
            StageTime(stage=name, sample=seconds, predicted=self._seconds(name))
            for name, seconds in self.whole.seconds.items()
        ]
        return (*loaded, *computed, StageTime(stage=LABELS, sample=self.whole.labels, predicted=self.whole.labels))

    def _seconds(self, stage: str) -> float:
        units = self._units(stage)
        small, whole = ((units(m.contexts, m.examples), m.seconds[stage]) for m in (self.small, self.whole))
        growing = _ENCODE_GROWS if stage == "encode" else 0.0
        return extrapolated(small, whole, units(self.contexts, self._examples), growing=growing)

    def _units(self, stage: str) -> Callable[[int, Iterable[int]], int]:
        """Return how the units of a stage come from contexts and examples."""
        match stage:
            case "calibrate":
                return lambda contexts, _: min(contexts, CALIBRATION_CONTEXTS)
            case "null":
                return lambda contexts, _: min(contexts * self._size, self.config.null_tokens)
            case "examples":
                return lambda _, examples: sum(examples)
            case _:
                return lambda contexts, _: contexts

    @property
    def _examples(self) -> tuple[int, ...]:
        """Examples of each feature in the run: as many more as there is more text, up to those that are kept."""
        return tuple(min(round(count * self._growth), self.config.examples) for count in self.whole.examples)

    @property
    def store(self) -> int:
        """Bytes of the activation store."""
        return round(self.whole.store * self._growth)

    @property
    def tables(self) -> int:
        """Bytes of all tables but the edges, and of the directions of the decoders."""
        files = {name: size for name, size in self.whole.files.items() if not name.startswith("edges/")}
        examples = files.pop(EXAMPLES_FILE) * sum(self._examples) / max(sum(self.whole.examples), 1)
        features = sum(source.d_sae for source in self.materials.set.sources)
        directions = sum(source.d_sae * source.d_in * ITEM_BYTES for source in self.materials.set.sources)
        return round(examples + sum(files.values()) * self._growth + features * _FEATURE_BYTES + directions)

    @property
    def edges(self) -> Range:
        """How many edges there will be."""
        found = self.whole.edges.num_rows
        if self.contexts == self.whole.contexts:
            return Range(low=found, likely=found, high=found)
        if self.exact and len(self.materials.contexts.document_ids) < self.config.min_documents:
            return Range(low=0, likely=0, high=0)
        certain = max(math.ceil(self.config.min_support / self._growth) + 1, _CERTAIN)
        documents = math.ceil(self.config.min_documents / self._growth)
        features = sum(source.d_sae for source in self.materials.set.sources)
        likely = _supported(self.whole.edges, certain, documents).num_rows
        return Range(
            low=min(self._sure(2 * certain), likely),
            likely=likely,
            high=round(found * features / max(len(self.whole.examples), 1)),
        )

    def _sure(self, support: int) -> int:
        """Return how many edges have so many joint tokens, and would be edges if each measure lost a standard error."""
        rule, tokens = EdgeRule.of(self.config), self.whole.contexts * self._size
        found = _supported(self.whole.edges, support, rule.min_documents)
        edges = {name: found[name].to_numpy() for name in found.column_names}
        error = 1 / np.sqrt(edges["support"])
        shares = ("jaccard", "necessity", "sufficiency")
        jaccard, necessity, sufficiency = (edges[name] * (1 - np.sqrt(1 - edges[name]) * error) for name in shares)
        density = edges["support"] / edges["sufficiency"] / tokens
        similar = (edges["pearson"] - 1 / math.sqrt(tokens) >= rule.min_similarity) | (jaccard >= rule.min_similarity)
        one_sided = (necessity >= rule.min_similarity) | (sufficiency >= rule.min_similarity)
        above_chance = (edges["lift"] * (1 - error) >= rule.min_lift) | (necessity - density >= rule.min_excess)
        return int(np.count_nonzero(similar | (one_sided & above_chance)))

    @property
    def edge_files(self) -> Range:
        """Bytes of the edge files."""
        edges, found = self.edges, self.whole.edges
        size = sum(size for name, size in self.whole.files.items() if name.startswith("edges/"))
        each = _row_bytes(found) if self.contexts > self.whole.contexts else size / max(found.num_rows, 1)
        low, likely, high = (round(each * count) for count in (edges.low, edges.likely, edges.high))
        return Range(low=low, likely=likely, high=high)

    def memory(self, limit: int) -> int:
        """Return the most bytes of memory of the process, of which counting takes no more than up to the limit."""
        counting = min(self._laid_out, max(limit - self.whole.resident, 0))
        beyond = self._tokens * _TEXT_BYTES + max(self._shard, self._hits, counting)
        return max(self.whole.peak + self._batch, self.whole.resident + beyond)

    @property
    def _tokens(self) -> int:
        return self.contexts * self._size

    @property
    def _batch(self) -> int:
        """Bytes that a batch of the run takes above one of the sample."""
        contexts = (self.small.contexts, self.whole.contexts, self.contexts)
        small, whole, run = (min(count, self.config.batch_contexts) for count in contexts)
        if whole == small:
            return 0
        return (run - whole) * (self.whole.peak - self.small.peak) // (whole - small)

    @property
    def _shard(self) -> int:
        """Bytes of a shard that is put together from batches."""
        return round(2 * self.whole.store * min(self.contexts, self.config.shard_contexts) / self.whole.contexts)

    @property
    def _hits(self) -> int:
        """Bytes of the activations of an SAE that examples and labels look at together."""
        densest = max(self.whole.l0.values())
        shard = densest * min(self.contexts, self.config.shard_contexts) * self._size
        return round(_HIT_BYTES * max(shard, min(densest * self._tokens, _HITS_OF_LABELS)))

    @property
    def _laid_out(self) -> int:
        """Bytes of the pair with most activations, laid out for counting."""
        pairs = [self._pair_bytes(u.id, d.id, d.d_sae) for u, d in self.materials.set.pairs]
        return round(self._tokens * max(pairs, default=0.0))

    def _pair_bytes(self, upstream: str, downstream: str, width: int) -> float:
        """Return the bytes of a token of a pair."""
        row_bytes = _VALUE_BYTES + index_type(width)().itemsize
        return TOKEN_BYTES + COLUMN_BYTES * self.whole.l0[upstream] + row_bytes * self.whole.l0[downstream]


def _supported(edges: pa.Table, support: int, documents: int) -> pa.Table:
    """Return the edges that have so many joint tokens, in so many documents."""
    return edges.filter((pc.field("support") >= support) & (pc.field("support_docs") >= documents))


def _row_bytes(edges: pa.Table) -> int:
    """Return the bytes of an edge of a long text: its measures repeat no value, where counts and ids compress."""
    columns = [column for column in edges.columns if column.null_count < edges.num_rows]
    return sum(_MEASURE_BYTES if pa.types.is_floating(column.type) else _COMPRESSED_BYTES for column in columns)


def extrapolated(
    small: tuple[float, float], whole: tuple[float, float], units: float, *, growing: float = 0.0
) -> float:
    """Return the seconds of so many units, from the units and seconds of two measurements.

    On a straight line through both; but it starts no lower than at 0, and never falls: it meets the larger measurement.

    Args:
        small: the smaller measurement.
        whole: the larger one.
        units: of the run.
        growing: share of the larger measurement, at least, that grows with the units.
    """
    (few, short), (many, long) = small, whole
    if many <= few:
        return long
    slope = np.clip((long - short) / (many - few), growing * long / many, long / many)
    return float(long + slope * (units - many))
