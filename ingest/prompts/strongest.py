"""The features of a prompt that are shown: on one token, or on all, the most active of each SAE."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest import rundir, tables
from saedb.ingest.prompts.prompt import Prompt
from saedb.ingest.rundir import RunDirectory

Edge = tuple[str, str, float]
"""Source, target, and the value of a measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run knows of a feature."""

    sae: str
    layer: int
    depth: int
    index: int
    label: str | None
    max: float | None
    """Largest activation in the run; 0 for a feature that is dead there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveFeature:
    """A feature that is active on a token of a prompt."""

    id: str
    position: int
    activation: float
    facts: Facts

    @property
    def share(self) -> float | None:
        """The activation over the largest in the run; above 1 where the prompt has more, None for a dead feature."""
        return self.activation / self.facts.max if self.facts.max else None


def facts_of(run: RunDirectory, ids: Collection[str]) -> dict[str, Facts]:
    """Return what a run knows of some of its features, by id.

    Raises:
        RunError: the table of features is missing or damaged.
    """
    names = [*Facts.__dataclass_fields__]
    wanted = pa.array(sorted(set(ids)), pa.string())
    found: dict[str, Facts] = {}
    for part in run.parts(tables.FEATURES, rundir.FEATURES_FILE, "id", *names):
        for row in part.filter(pc.field("id").isin(wanted)).to_pylist():
            found[row["id"]] = Facts(**{name: row[name] for name in names})
    return found


def strongest(prompt: Prompt, facts: Mapping[str, Facts], *, position: int | None, top: int) -> list[ActiveFeature]:
    """Return up to `top` features of each SAE, by depth, and then by the share of their largest activation in the run.

    Args:
        prompt: what is active on its tokens.
        facts: of all its features.
        position: of the token; None: all tokens, each feature where it is most active.
        top: features of each SAE, at least 1.
    """
    largest: dict[str, tuple[float, int]] = {}
    for feature, at, activation in zip(prompt.features, prompt.positions, prompt.activations, strict=True):
        if position in (None, at) and (feature not in largest or activation > largest[feature][0]):
            largest[feature] = activation, at
    by_depth: defaultdict[int, list[ActiveFeature]] = defaultdict(list)
    for feature, (activation, at) in largest.items():
        active = ActiveFeature(id=feature, position=at, activation=activation, facts=facts[feature])
        by_depth[active.facts.depth].append(active)
    return [feature for depth in sorted(by_depth) for feature in sorted(by_depth[depth], key=_order)[:top]]


def _order(feature: ActiveFeature) -> tuple[float, int]:
    return -(feature.share or 0.0), feature.facts.index


def edges_among(run: RunDirectory, ids: Collection[str], measure: str, floor: float) -> Iterator[Edge]:
    """Yield the edges between some features whose value of a measure is at least `floor`, pair of SAEs by pair.

    Raises:
        RunError: a table of edges is missing or damaged.
    """
    wanted = pa.array(sorted(set(ids)), pa.string())
    is_among = pc.field("source").isin(wanted) & pc.field("target").isin(wanted)
    for name in run.edge_files:
        for part in run.parts(tables.EDGES, name, "source", "target", measure):
            kept = part.filter(is_among & (pc.field(measure) >= floor))
            yield from zip(*(kept[column].to_pylist() for column in ("source", "target", measure)), strict=True)


def inputs(edges: Sequence[Edge]) -> dict[str, Edge]:
    """Return the strongest of the edges into each feature."""
    found: dict[str, Edge] = {}
    for edge in edges:
        best = found.get(edge[1])
        if best is None or (-edge[2], edge[0]) < (-best[2], best[0]):
            found[edge[1]] = edge
    return found
