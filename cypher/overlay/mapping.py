"""Which features of a run the nodes of an attribution graph are: those of the same layer and index, nothing more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from saedb.cypher.connection import Connection
from saedb.cypher.nearest import suggestion
from saedb.cypher.overlay.attribution import AttributionGraph, Node
from saedb.cypher.paths import Place
from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted

NodeFate = Literal["in_run", "no_layer", "beyond_sae", "not_in_run", "embedding", "logit", "error", "unreadable"]
"""A feature that the run has; one of a layer of which the run has no SAE, one beyond the width of the SAE, one that the
run left out, as an import does; or no feature."""

_PART: Final = 10_000
_MODEL: Final = "MATCH (r:Run {id: $run}) RETURN r.model AS model"
_SAES: Final = """
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
RETURN s.id AS id, s.layer AS layer, s.set AS set, s.d_sae AS width ORDER BY s.depth, id
"""
_FEATURES: Final = """
UNWIND $ids AS id
MATCH (f:Feature {run: $run, id: id}) USING INDEX SEEK f:Feature(run, id)
RETURN id, f.label AS label, f.sae AS sae, f.depth AS depth, f.index AS index
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sae:
    """One SAE of the set onto which layers are mapped."""

    id: str
    layer: int
    set: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature that the run has."""

    label: str | None
    sae: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """From nodes to features of a run."""

    model: str
    saes: Mapping[int, Sae]
    """The SAEs of one set by layer, in the order of the model."""
    shift: int
    """What is added to a layer of the file to have the run's."""
    features: Mapping[str, Feature]
    """The features that nodes are, by id."""

    @property
    def set(self) -> str:
        """Name of the set."""
        return next(iter(self.saes.values())).set

    def feature(self, node: Node) -> str | None:
        """Return the id of the feature that a node is, None where the run has none."""
        id_ = _id(self.model, self.saes, node, self.shift)
        return id_ if id_ in self.features else None

    def fate(self, node: Node) -> NodeFate:
        """Return what a node is in the run."""
        if node.kind != "feature" or node.layer is None or node.index is None:
            return "unreadable" if node.kind == "feature" else node.kind
        sae = self.saes.get(node.layer + self.shift)
        if sae is None:
            return "no_layer"
        if node.index >= sae.width:
            return "beyond_sae"
        return "not_in_run" if self.feature(node) is None else "in_run"


def mapping(
    connection: Connection, graph: AttributionGraph, run: str, set_: str | None, shift: int, *, any_model: bool
) -> Map:
    """Return the map of an attribution graph onto a run.

    Raises:
        InputError: the graph is of another model, or the set is unknown or not given though there are several.
    """
    model = connection.read(_MODEL, run=run)[0]["model"]
    if not any_model:
        _check_model(graph, run, model)
    found = [Sae(**row) for row in connection.read(_SAES, run=run)]
    name = _set(run, list(dict.fromkeys(sae.set for sae in found)), set_, graph.source_set)
    saes = {sae.layer: sae for sae in found if sae.set == name}
    ids = {_id(model, saes, node, shift) for node in graph.nodes.values()} - {None}
    features = dict(_features(connection, run, sorted(filter(None, ids))))
    return Map(model=model, saes=saes, shift=shift, features=features)


def _id(model: str, saes: Mapping[int, Sae], node: Node, shift: int) -> str | None:
    sae = None if node.layer is None else saes.get(node.layer + shift)
    return None if sae is None or node.index is None else f"{model}/{sae.id}/{node.index}"


def _check_model(graph: AttributionGraph, run: str, model: str) -> None:
    """Compare names without the organisation: google/gemma-2-2b is gemma-2-2b."""
    if graph.model is not None and graph.model.rpartition("/")[2].lower() != model.rpartition("/")[2].lower():
        raise InputError(
            f"the file is of {quoted(graph.model)}, and run {run} of {model}; name another with --run, or, if this is "
            "a name of its transcoders and not of another model, add --any-model"
        )


def _set(run: str, sets: Sequence[str], given: str | None, of_file: str | None) -> str:
    if given is not None and given not in sets:
        raise InputError(f"run {run} has no set {quoted(given)}; {suggestion(given, sets)}")
    chosen = given or (of_file if of_file in sets else None)
    if chosen is None and len(sets) > 1:
        raise InputError(f"run {run} has SAEs of several sets ({', '.join(sets)}); choose one with --set")
    return chosen or sets[0]


def _features(connection: Connection, run: str, ids: Sequence[str]) -> Iterator[tuple[str, Feature]]:
    for start in range(0, len(ids), _PART):
        for row in connection.read(_FEATURES, run=run, ids=ids[start : start + _PART]):
            place = Place(row["depth"], row["index"], row["id"])
            yield row["id"], Feature(label=row["label"], sae=row["sae"], place=place)
