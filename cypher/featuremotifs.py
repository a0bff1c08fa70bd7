"""The motifs that one feature takes part in: its chain through the layers, gates and splits."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

from saedb.cypher.connection import Connection, Row

CHAIN_FLOOR: Final = 0.95
"""Lowest Pearson correlation of a link of a feature's chain: from there on a feature counts as passed through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A feature by its name."""

    id: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The features that are one another's best match from layer to layer."""

    features: tuple[Named, ...]
    """From the first layer to the last, the feature itself among them."""
    pearson: tuple[float, ...]
    """Of each link, one fewer than features."""

    @property
    def weakest(self) -> float:
        """The lowest correlation of its links."""
        return min(self.pearson)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInput:
    """An input of a gate."""

    id: str
    label: str | None
    negated: bool
    """Whether the gate asks for it to be inactive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureGate:
    """A boolean function of features that was tested as another feature, with its truth table."""

    id: str
    kind: str
    """AND, OR or AND_NOT."""
    verdict: str
    """``gate``, or the first test that failed."""
    inputs: tuple[GateInput, ...]
    output: Named
    rank: int | None
    precision: float | None
    recall: float | None
    f1: float | None
    gain: float | None
    f1_chosen: float | None
    gain_chosen: float | None
    score: float | None
    """The smaller of the two gains."""
    support: int
    tokens: list[int]
    """Of every combination of inputs from none to all, the first input changing slowest; likewise `active`."""
    active: list[int]
    """Of these, tokens with the output active."""
    tokens_chosen: list[int]
    """`tokens` on the first half of the documents."""
    active_chosen: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitChild:
    """A feature that takes a part of another."""

    id: str
    label: str | None
    share: float
    """P(child active | parent active)."""
    purity: float | None
    """P(parent active | child active); None where the child never is in the second half of the documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSplit:
    """A feature that several of the next layer divide among themselves."""

    id: str
    parent: Named
    children: tuple[SplitChild, ...]
    """The largest share first."""
    coverage: float
    overlap: float
    score: float
    coverage_chosen: float
    overlap_chosen: float
    support: int


def chain(connection: Connection, run: str, feature: Named) -> Chain | None:
    """Return the chain of a feature; None where no neighbour is its best match and has it as its own."""
    before, after = (list(_links(connection, arrow, run, feature.id)) for arrow in ("<-[{}]-", "-[{}]->"))
    if not before and not after:
        return None
    return Chain(
        features=(*(found for found, _ in reversed(before)), feature, *(found for found, _ in after)),
        pearson=(*(value for _, value in reversed(before)), *(value for _, value in after)),
    )


def _links(connection: Connection, arrow: str, run: str, feature: str) -> Iterator[tuple[Named, float]]:
    """Yield the features on one side of a feature's chain, the nearest first, with the correlation of each link."""
    there, back = arrow.format("e:EVOLVES_TO"), arrow.format("other:EVOLVES_TO")
    step = (
        f"MATCH (f:Feature {{run: $run, id: $id}}){there}(n:Feature) WHERE e.pearson >= $floor "
        "WITH f, e, n ORDER BY e.pearson DESC, n.depth, n.index LIMIT 1 "
        f"MATCH (m:Feature){back}(n) WHERE other.pearson >= $floor "
        "WITH f, e, n, m ORDER BY other.pearson DESC, m.depth, m.index LIMIT 1 WHERE m = f "
        "RETURN n.id AS id, n.label AS label, e.pearson AS pearson"
    )
    while rows := connection.read(step, run=run, id=feature, floor=CHAIN_FLOOR):
        feature = rows[0]["id"]
        yield Named(id=feature, label=rows[0]["label"]), rows[0]["pearson"]


def gates_of(connection: Connection, run: str, feature: str) -> tuple[FeatureGate, ...]:
    """Return the gates of which a feature is the output, the best first."""
    return _gates(connection, "<-[:OUTPUT]-", run, feature)


def gates_with(connection: Connection, run: str, feature: str) -> tuple[FeatureGate, ...]:
    """Return the gates of which a feature is an input, the best first."""
    return _gates(connection, "-[:INPUT_OF]->", run, feature)


def _gates(connection: Connection, arrow: str, run: str, feature: str) -> tuple[FeatureGate, ...]:
    rows = connection.read(
        f"MATCH (:Feature {{run: $run, id: $id}}){arrow}(gate:Gate) "
        "MATCH (input:Feature)-[link:INPUT_OF]->(gate) WITH gate, input, link ORDER BY link.slot "
        "WITH gate, collect({id: input.id, label: input.label, negated: link.negated}) AS inputs "
        "MATCH (gate)-[:OUTPUT]->(output:Feature) "
        "RETURN properties(gate) AS gate, inputs, output {.id, .label} AS output "
        "ORDER BY gate.verdict <> 'gate', gate.score IS NULL, gate.score DESC, gate.f1 DESC, gate.id",
        run=run, id=feature,
    )  # fmt: skip
    return tuple(_gate(row) for row in rows)


def _gate(row: Row) -> FeatureGate:
    inputs = tuple(GateInput(**found) for found in row["inputs"])
    return FeatureGate(
        inputs=inputs, output=Named(**row["output"]), **_rest(FeatureGate, row["gate"], "inputs", "output")
    )


def splits_of(connection: Connection, run: str, feature: str) -> tuple[FeatureSplit, ...]:
    """Return the splits of a feature, the best first."""
    return _splits(connection, "-[:PARENT_OF]->", run, feature)


def splits_with(connection: Connection, run: str, feature: str) -> tuple[FeatureSplit, ...]:
    """Return the splits of which a feature is a child, the best first."""
    return _splits(connection, "<-[:CHILD]-", run, feature)


def _splits(connection: Connection, arrow: str, run: str, feature: str) -> tuple[FeatureSplit, ...]:
    rows = connection.read(
        f"MATCH (:Feature {{run: $run, id: $id}}){arrow}(split:Split) "
        "MATCH (split)-[part:CHILD]->(child:Feature) WITH split, part, child ORDER BY part.slot "
        "WITH split, collect(child {.id, .label, share: part.share, purity: part.purity}) AS children "
        "MATCH (parent:Feature)-[:PARENT_OF]->(split) "
        "RETURN properties(split) AS split, parent {.id, .label} AS parent, children "
        "ORDER BY split.score DESC, split.id",
        run=run, id=feature,
    )  # fmt: skip
    return tuple(_split(row) for row in rows)


def _split(row: Row) -> FeatureSplit:
    children = tuple(SplitChild(**found) for found in row["children"])
    return FeatureSplit(
        parent=Named(**row["parent"]), children=children, **_rest(FeatureSplit, row["split"], "parent", "children")
    )


def _rest(record: type[Any], properties: Row, *apart: str) -> dict[str, Any]:
    """Return the fields of a record that are properties of its node; absent ones as None."""
    return {field.name: properties.get(field.name) for field in fields(record) if field.name not in apart}
