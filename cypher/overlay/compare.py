"""The links of an attribution graph beside the edges of a run.

1. Each node that is a feature gets the id that a feature of its layer and index has in the run.
2. Links between two such features, over all positions of the prompt, are one pair; where the run compared their SAEs,
   the pair is an edge of the run or it is none.
3. Links that reach further than the run compares cannot be edges: of the strongest few it is looked up whether a path
   of edges joins the two.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from saedb.cypher import measured
from saedb.cypher.connection import Connection
from saedb.cypher.overlay import attribution
from saedb.cypher.overlay.attribution import AttributionGraph, Link
from saedb.cypher.overlay.mapping import Map, NodeFate, mapping
from saedb.cypher.paths import Sweeps, best_paths
from saedb.cypher.schema import EVOLVES_TO
from saedb.ingest.naming import quoted

LinkFate = Literal["edge", "no_edge", "further", "not_forward", "unmapped", "no_feature", "ambiguous", "no_node"]
"""An edge of the run; SAEs that it compared, and no edge; SAEs that it did not compare; not along the model; an end is
a feature that the run does not have; an end is no feature; an end's id belongs to two different nodes, or to none."""

MINIMUM: Final = 0.3
"""Lowest value of the measure on every edge of a path."""
PATHS: Final = 20
"""Pairs of which a path is looked up."""

_PART: Final = 2000
_UNKNOWN: Final[Mapping[str, float]] = {}
"""What is known of a pair that is no edge; one object, because there may be a million such pairs."""
_MEASURES: Final = tuple(p.name for p in EVOLVES_TO.properties if p.name != "run")
_COMPARED: Final = "MATCH (u:Sae {run: $run})-[:COMPARED_WITH]->(d:Sae) RETURN u.id AS source, d.id AS target"
_EDGES: Final = """
UNWIND $pairs AS pair
MATCH (u:Feature {run: $run, id: pair[0]}) USING INDEX SEEK u:Feature(run, id)
MATCH (u)-[e:EVOLVES_TO]->(d:Feature) WHERE d.id IN pair[1]
RETURN u.id AS source, d.id AS target, properties(e) AS measures
"""

Ends = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two features of the run that links join, at one or more positions."""

    source: str
    target: str
    source_label: str | None
    target_label: str | None
    weight: float | None
    """Attribution of the strongest link, whatever its sign."""
    links: int
    fate: LinkFate
    measures: Mapping[str, float]
    """Of the edge; empty where there is none."""
    path: float | None = None
    """Smallest value of the measure on the best path of edges; None where there is none, or none was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """An attribution graph beside a run."""

    file: str
    slug: str | None
    model: str | None
    source_set: str | None
    prompt: str | None
    run: str
    set: str
    """The run's family of SAEs onto which layers and indices were mapped."""
    shift: int
    notes: tuple[str, ...]
    """What makes the comparison mean less, for people."""
    nodes: Mapping[NodeFate, int]
    features: int
    """Features of the run that nodes are: one may be active at several positions."""
    links: Mapping[LinkFate, int]
    measure: str
    minimum: float
    looked_up: int
    """Pairs of which a path was looked for: the strongest that reach further than the run compares."""
    pairs: tuple[Pair, ...]
    """The strongest first."""


@dataclass(slots=True)
class _Joined:
    """The links of one pair so far."""

    weight: float | None
    links: int = 1

    def add(self, link: Link) -> None:
        self.links += 1
        if abs(link.weight or 0.0) > abs(self.weight or 0.0):
            self.weight = link.weight


def overlay(
    connection: Connection,
    file: Path,
    run: str,
    *,
    set_: str | None = None,
    shift: int = 0,
    any_model: bool = False,
    measure: str | None = None,
) -> Overlay:
    """Return an attribution graph beside a run.

    Args:
        connection: the server.
        file: the attribution graph.
        run: id of a ready run.
        set_: the run's family of SAEs; needed where it has several.
        shift: what is added to the file's layers to have the run's.
        any_model: whether the file may name another model than the run's.
        measure: of paths over several layers; by default the first that the run has.

    Raises:
        InputError: the file is no attribution graph or of another model, or there is no such set or measure.
    """
    graph = attribution.read(file)
    map_ = mapping(connection, graph, run, set_, shift, any_model=any_model)
    measure = measured.default(connection, run) if measure is None else measured.checked(connection, run, measure)
    nodes = Counter[NodeFate](map(map_.fate, graph.rows))
    left, joined = _sorted_out(graph, map_)
    pairs = _pairs(connection, run, map_, joined)
    pairs, looked_up = _with_paths(connection, run, map_, pairs, measure)
    for pair in pairs:
        left[pair.fate] += pair.links
    return Overlay(
        file=str(file), slug=graph.slug, model=graph.model, source_set=graph.source_set, prompt=graph.prompt,
        run=run, set=map_.set, shift=shift, notes=tuple(_notes(graph, run, map_)),
        nodes=dict(nodes), features=len(map_.features), links=dict(left),
        measure=measure, minimum=MINIMUM, looked_up=looked_up, pairs=tuple(pairs),
    )  # fmt: skip


def _notes(graph: AttributionGraph, run: str, map_: Map) -> Iterator[str]:
    if graph.source_set is None:
        yield (
            f"the file does not say whose features it has; nodes are mapped onto {map_.set} of run {run} by layer and "
            "index alone, which means something only where the run was computed with the same SAEs or transcoders"
        )
    elif graph.source_set != map_.set:
        yield (
            f"the file has features of {graph.source_set}, run {run} of {map_.set}; unless these are two names of the "
            "same, features of one index have nothing to do with each other"
        )
    if graph.model is None:
        yield f"the file does not say of which model it is; run {run} is of {map_.model}"
    if graph.ambiguous:
        yield (
            f"{len(graph.ambiguous)} ids belong to two different nodes each, such as {quoted(min(graph.ambiguous))}: "
            "older files name errors like features of layer 0; their links are counted apart"
        )


def _sorted_out(graph: AttributionGraph, map_: Map) -> tuple[Counter[LinkFate], dict[Ends, _Joined]]:
    """Return how many links are none between features of the run, by reason, and the others by their ends."""
    feature = {id_: map_.feature(node) for id_, node in graph.nodes.items()}
    left: Counter[LinkFate] = Counter()
    joined: dict[Ends, _Joined] = {}
    for link in graph.links:
        source, target = feature.get(link.source), feature.get(link.target)
        reason = _reason(graph, link)
        if reason is None and (source is None or target is None):
            reason = "unmapped"
        if reason is not None or source is None or target is None:
            left[reason or "unmapped"] += 1
        elif (source, target) in joined:
            joined[source, target].add(link)
        else:
            joined[source, target] = _Joined(link.weight)
    return left, joined


def _reason(graph: AttributionGraph, link: Link) -> LinkFate | None:
    """Return why a link does not join two features, whatever the run has."""
    ends = [graph.nodes.get(link.source), graph.nodes.get(link.target)]
    if None in ends:
        return "no_node"
    if link.source in graph.ambiguous or link.target in graph.ambiguous:
        return "ambiguous"
    return None if all(end is not None and end.kind == "feature" for end in ends) else "no_feature"


def _pairs(connection: Connection, run: str, map_: Map, joined: Mapping[Ends, _Joined]) -> list[Pair]:
    """Return the pairs, the strongest first."""
    compared = {(row["source"], row["target"]) for row in connection.read(_COMPARED, run=run)}
    fates: dict[Ends, LinkFate] = {ends: _fate(ends, map_, compared) for ends in joined}
    edges = dict(_edges(connection, run, [ends for ends, fate in fates.items() if fate == "no_edge"]))
    for ends in edges:
        fates[ends] = "edge"
    pairs = [
        Pair(
            source=source, target=target, source_label=map_.features[source].label,
            target_label=map_.features[target].label, weight=found.weight, links=found.links,
            fate=fates[source, target],
            measures=edges.get((source, target), _UNKNOWN),
        )
        for (source, target), found in joined.items()
    ]  # fmt: skip
    return sorted(pairs, key=lambda pair: (-abs(pair.weight or 0.0), pair.source, pair.target))


def _fate(ends: Ends, map_: Map, compared: set[Ends]) -> LinkFate:
    """Return whether a pair can be an edge: ``no_edge`` where it can."""
    source, target = (map_.features[end] for end in ends)
    if (source.sae, target.sae) in compared:
        return "no_edge"
    return "further" if source.place.depth < target.place.depth else "not_forward"


def _edges(connection: Connection, run: str, pairs: list[Ends]) -> Iterator[tuple[Ends, Mapping[str, float]]]:
    """Yield the pairs that are edges, with what is known of them."""
    targets: dict[str, list[str]] = {}
    for source, target in pairs:
        targets.setdefault(source, []).append(target)
    asked = [[source, ends] for source, ends in targets.items()]
    for start in range(0, len(asked), _PART):
        for row in connection.read(_EDGES, run=run, pairs=asked[start : start + _PART]):
            known = {name: row["measures"][name] for name in _MEASURES if name in row["measures"]}
            yield (row["source"], row["target"]), known


def _with_paths(connection: Connection, run: str, map_: Map, pairs: list[Pair], measure: str) -> tuple[list[Pair], int]:
    """Return the pairs, the strongest that reach further with the best path between them, and how many these are."""
    sweeps = Sweeps(connection=connection, run=run, measure=measure, minimum=MINIMUM, positional=False)
    asked = [place for place, pair in enumerate(pairs) if pair.fate == "further"][:PATHS]
    found = list(pairs)
    for place in asked:
        source, target = (map_.features[end].place for end in (pairs[place].source, pairs[place].target))
        paths = best_paths(sweeps.between(source, target), source, [target], 1, "minimum")
        found[place] = replace(pairs[place], path=paths[0].score if paths else None)
    return found, len(asked)
