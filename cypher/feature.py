"""One feature with what the graph knows of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from saedb.cypher import measured
from saedb.cypher.connection import Connection
from saedb.cypher.featuremotifs import (
    Chain,
    FeatureGate,
    FeatureSplit,
    Named,
    chain,
    gates_of,
    gates_with,
    splits_of,
    splits_with,
)
from saedb.ingest.measures import EFFECTS, EVIDENCE, MEASURES
from saedb.ingest.residuals.found import NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A feature at the other end of an edge."""

    id: str
    label: str | None
    measures: Mapping[str, float | None]
    """Every measure of the edge by name; None where it is not known."""
    evidence: Mapping[str, float]
    """What the edge carries beside its measures, by name: ends of intervals, moves between halves of the text,
    effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySummary:
    """The community of a feature in the default partition."""

    partition: str
    number: int
    label: str | None
    size: int
    layers: list[int]
    stability: float | None
    """Share of the runs with other seeds in which the feature stays with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRecord:
    """One feature of a run; what an import or a stage left out is None or empty."""

    run: str
    id: str
    sae: str
    layer: int
    index: int
    url: str | None
    """Its page on Neuronpedia, where there is one."""
    label: str | None
    """The preferred one."""
    label_source: str | None
    labels: list[str]
    """All, the preferred one first; `label_sources` has where each is from."""
    label_sources: list[str]
    top_tokens: list[str]
    promoted_tokens: list[str]
    examples: list[str]
    """Short contexts, the active token in ``[[ ]]``."""
    n_positive: int | None
    n_active: int | None
    density: float | None
    mean: float | None
    max: float | None
    histogram: list[int]
    """Counted tokens by activation, in equal bins from above 0 to `max`, which is in the last one."""
    threshold: float | None
    positional: bool | None
    state_in: str | None
    state_out: str | None
    best_in: float | None
    """Highest Pearson correlation with a feature of the layer before."""
    best_out: float | None
    recovered: float | None
    """Share of its activation that the next SAE's error has along its direction; likewise by `recovered_control`."""
    recovered_control: float | None
    recovered_slope: float | None
    """What the error has more of for each unit of activation: free of what is there at any activation."""
    recovered_correlation: float | None
    recovered_tokens: int | None
    low_necessity: bool | None
    """Whether nothing in the next SAE needs it."""
    copied: float | None
    """Correlation of its activation with that by its own SAE on the residual stream of the layer before."""
    copied_ratio: float | None
    chain: Chain | None
    community: CommunitySummary | None
    output_of: tuple[FeatureGate, ...]
    """Gates that were tested as this feature, those that hold first."""
    input_of: tuple[FeatureGate, ...]
    parent_of: tuple[FeatureSplit, ...]
    child_of: tuple[FeatureSplit, ...]
    inputs: tuple[Neighbour, ...]
    """By Pearson correlation, highest first; likewise `outputs`."""
    outputs: tuple[Neighbour, ...]

    def by_measure(self, measure: str) -> "FeatureRecord":
        """Return it with inputs and outputs by another measure, highest first, those without a value last.

        Raises:
            InputError: there is no such measure.
        """
        measured.named(measure)
        return replace(self, inputs=_by_measure(self.inputs, measure), outputs=_by_measure(self.outputs, measure))


_LISTS: Final = ("labels", "label_sources", "top_tokens", "promoted_tokens", "examples", "histogram")
_PROPERTIES: Final = (
    "run", "id", "sae", "layer", "index", "url", "label", "label_source", "n_positive", "n_active", "density",
    "mean", "max", "threshold", "positional", "state_in", "state_out", "best_in", "best_out", *NAMES,
)  # fmt: skip


def feature_record(connection: Connection, run: str, feature: str, *, has_edges: bool = True) -> FeatureRecord:
    """Return the feature of this whole id, which must exist; its inputs and outputs only where these are asked for."""
    found = connection.read(
        "MATCH (f:Feature {run: $run, id: $id}) "
        "OPTIONAL MATCH (f)-[i:IN_COMMUNITY]->(c:Community)-[:OF_PARTITION]->(p:Partition) WHERE p.is_default "
        "RETURN properties(f) AS feature, c {.*, stability: i.stability} AS community",
        run=run, id=feature,
    )[0]  # fmt: skip
    properties: dict[str, Any] = found["feature"]
    single: dict[str, Any] = {name: properties.get(name) for name in _PROPERTIES}
    lists: dict[str, Any] = {name: properties.get(name) or [] for name in _LISTS}
    return FeatureRecord(
        **single,
        **lists,
        community=_community(found["community"]),
        chain=chain(connection, run, Named(id=feature, label=single["label"])),
        output_of=gates_of(connection, run, feature),
        input_of=gates_with(connection, run, feature),
        parent_of=splits_of(connection, run, feature),
        child_of=splits_with(connection, run, feature),
        inputs=_neighbours(connection, "<-[e:EVOLVES_TO]-", run, feature) if has_edges else (),
        outputs=_neighbours(connection, "-[e:EVOLVES_TO]->", run, feature) if has_edges else (),
    )


def _community(properties: dict[str, Any] | None) -> CommunitySummary | None:
    if properties is None:
        return None
    known: dict[str, Any] = {field.name: properties.get(field.name) for field in fields(CommunitySummary)}
    return CommunitySummary(**known)


def _neighbours(connection: Connection, arrow: str, run: str, feature: str) -> tuple[Neighbour, ...]:
    measures, evidence = (", ".join(f".{item.name}" for item in items) for items in (MEASURES, (*EVIDENCE, *EFFECTS)))
    rows = connection.read(
        f"MATCH (f:Feature {{run: $run, id: $id}}){arrow}(n:Feature) "
        f"RETURN n.id AS id, n.label AS label, e {{{measures}}} AS measures, e {{{evidence}}} AS evidence "
        "ORDER BY e.pearson IS NULL, e.pearson DESC, e.decoder_cosine DESC, n.depth, n.index",
        run=run, id=feature,
    )  # fmt: skip
    return tuple(_neighbour(**row) for row in rows)


def _neighbour(evidence: Mapping[str, float | None], **known: Any) -> Neighbour:
    return Neighbour(evidence={name: value for name, value in evidence.items() if value is not None}, **known)


def _by_measure(neighbours: tuple[Neighbour, ...], measure: str) -> tuple[Neighbour, ...]:
    def key(neighbour: Neighbour) -> tuple[bool, float]:
        value = neighbour.measures[measure]
        return value is None, -(value or 0.0)

    return tuple(sorted(neighbours, key=key))
