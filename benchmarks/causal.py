"""Ablation beside copies made one at a time, and the nearest decoders beside one product of all rows.

The demo's model, SAEs and text are real, and read in a fresh process; decoders are made up, as wide as GPT-2 small's.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.figures import Figure, Goal, Kind
from benchmarks.onebyone import OneByOne
from benchmarks.processes import fresh
from benchmarks.resident import anonymous, watched
from benchmarks.rounds import Side, Taken, alternating
from saedb.ingest import cosines, tables
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.config import IngestConfig
from saedb.ingest.cosines import Rows
from saedb.ingest.rundir import EFFECTS_FILE, RunDirectory
from saedb.ingest.stages import Stages

ABLATION: Final = Kind(
    name="ablation against one edge at a time",
    unit="times as fast",
    meaning="Effects of edges of the demo, in all contexts in which the source fires, from the loaded model to the"
    " table. The other side makes the same copies with hooks of TransformerLens on the same model, stopped at the block"
    " of the downstream SAE: one for each edge and context, with the clean activations of each context read once. It is"
    " spared controls, errors and the table, and told the contexts.",
)
EFFECTS: Final = Kind(
    name="effects beside those of one edge at a time",
    unit="largest difference",
    meaning="Between the effects of the two sides.",
)
NEAREST: Final = Kind(
    name="nearest decoders against one product",
    unit="times as fast",
    meaning="The ten highest cosines of each feature of both layers, from 0.4 on: by tiles, decided in float64, against"
    " one float32 product of all rows in torch and its `topk` along both sides, with all cores.",
)
MEMORY: Final = Kind(
    name="memory of the nearest decoders",
    unit="of the other's",
    meaning="Peak of the anonymous resident memory in a fresh process, over what it was before, by tiles over by one"
    " product.",
)
SAME: Final = Kind(
    name="pairs of the nearest decoders that differ",
    unit="pairs",
    meaning="Between the two sides.",
)

FLOOR: Final = 0.4
HIGHEST: Final = 10
_EVERY: Final = 9
"""Of the sampled edges, one of so many is ablated."""
_ALL: Final = 1_000_000
"""Contexts: more than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    tokens: int
    """Of the demo's text."""
    width: int
    """Features of the made-up decoders."""
    d_in: int
    rounds: int


FULL: Final = Sizes(tokens=16_384, width=24_576, d_in=768, rounds=3)
QUICK: Final = Sizes(tokens=12_288, width=2_048, d_in=64, rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ablated:
    sides: tuple[Taken, Taken]
    difference: float
    edges: int
    copies: int


def causal(sizes: Sizes) -> Iterator[Figure]:
    """Yield every figure as soon as it is there."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _of_ablation(fresh(_ablated, Path(folder) / "demo", sizes))
    yield from nearest(sizes)


def _of_ablation(found: _Ablated) -> Iterator[Figure]:
    case = f"demo, {found.edges} edges"
    ours, theirs = found.sides
    measured = f"{ours}; {theirs}; {found.copies:,} copies of contexts"
    yield ABLATION.figure(case, theirs.wall / ours.wall, measured=measured)
    yield EFFECTS.figure(case, found.difference, Goal.at_most(1e-3), measured=f"of {found.edges} effects")


def _ablated(path: Path, sizes: Sizes) -> _Ablated:
    from saedb.ingest.causal.choosing import sample
    from saedb.ingest.causal.stage import Ablation
    from saedb.ingest.pipeline import ingest
    from saedb.ingest.prompts.loading import loaded

    run = ingest(IngestConfig(inputs=("demo",), dataset="demo", tokens=sizes.tokens), path)
    parts = loaded(run)
    edges = sample(run, "pearson", 1, 0)[::_EVERY]
    saes = {sae.id: sae for sae in parts.saes}
    others = OneByOne(run, parts, edges)
    seeds = count()

    def ours() -> None:
        # of another seed all contexts are the same, and no effect is there yet
        settings = AblationSettings(contexts=_ALL, seed=next(seeds))
        with run.writing():
            Ablation(run, Stages(lambda *_: None), parts.model, saes, settings).write(edges)

    taken = alternating(
        Side(name="saedb", run=ours), Side(name="one edge at a time", run=others.find), rounds=sizes.rounds
    )
    found = effects(RunDirectory.open(path))
    apart = [abs(found[edge] - effect) for edge, effect in others.effects.items()]
    return _Ablated(
        sides=(taken[0], taken[1]), difference=max(apart, default=np.nan), edges=len(apart), copies=others.copies
    )


def effects(run: RunDirectory) -> Mapping[tuple[str, str], float]:
    """Return the effects that a run has, by source and target."""
    rows = run.read(tables.EFFECTS, EFFECTS_FILE).to_pandas()
    return rows.set_index(["source", "target"])["effect"].to_dict()


def nearest(sizes: Sizes) -> Iterator[Figure]:
    """Yield the figures of decoders."""
    upstream, downstream = decoders(sizes.width, sizes.d_in)
    found: dict[str, set[tuple[int, int]]] = {}

    def ours() -> None:
        found["saedb"] = by_tiles(upstream, downstream)

    def theirs() -> None:
        found["one product"] = by_product(upstream, downstream)

    one, other = alternating(Side(name="saedb", run=ours), Side(name="one product", run=theirs), rounds=sizes.rounds)
    case = f"{sizes.width:,} x {sizes.width:,} features"
    yield NEAREST.figure(case, other.wall / one.wall, measured=f"{one}; {other}")
    apart = len(found["saedb"] ^ found["one product"])
    yield SAME.figure(case, apart, Goal.at_most(0), measured=f"of {len(found['saedb']):,}")
    peaks = [fresh(_peak, find, sizes) for find in (by_tiles, by_product)]
    measured = " and ".join(f"{peak / 1e6:,.0f} MB" for peak in peaks)
    yield MEMORY.figure(case, peaks[0] / peaks[1] if peaks[1] else None, measured=measured)


def decoders(width: int, d_in: int) -> tuple[Rows, Rows]:
    """Return the rows of two layers, [width, d_in] each: half of the features are carried on, more or less turned."""
    random = np.random.default_rng(0)
    upstream = random.normal(size=(width, d_in)).astype(np.float32)
    downstream = random.normal(size=(width, d_in)).astype(np.float32)
    carried = random.permutation(width)[: width // 2]
    turned = random.uniform(0.0, 2.0, (len(carried), 1)).astype(np.float32)
    downstream[carried] = upstream[carried] + turned * downstream[carried]
    return upstream, downstream


def by_tiles(upstream: Rows, downstream: Rows) -> set[tuple[int, int]]:
    """Return the pairs as saedb finds them."""
    found = cosines.nearest(upstream, downstream, floor=FLOOR, count=HIGHEST)
    return set(zip(found.upstream.tolist(), found.downstream.tolist(), strict=True))


def by_product(upstream: Rows, downstream: Rows) -> set[tuple[int, int]]:
    """Return the pairs by one product of all rows."""
    left, right = (torch.nn.functional.normalize(torch.from_numpy(rows), dim=1) for rows in (upstream, downstream))
    products = left @ right.T
    found: set[tuple[int, int]] = set()
    for dim in (0, 1):
        highest = products.topk(HIGHEST, dim=dim)
        owner, place = torch.nonzero((highest.values if dim else highest.values.T) >= FLOOR, as_tuple=True)
        other = (highest.indices if dim else highest.indices.T)[owner, place]
        ends = (owner, other) if dim else (other, owner)
        found.update(zip(*(end.tolist() for end in ends), strict=True))
    return found


def _peak(find: Callable[[Rows, Rows], object], sizes: Sizes) -> int:
    upstream, downstream = decoders(sizes.width, sizes.d_in)
    find(upstream[:64], downstream[:64])
    with watched(anonymous) as seen:
        find(upstream, downstream)
    return max(seen) - seen[0]
