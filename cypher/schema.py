"""The graph, declared once: nodes, relationships, their properties, constraints and indexes.

One run is one graph: every node and every EVOLVES_TO carries the run's id, so several runs lie side by side. Statements
that make constraints and indexes, the loader, the query library's choice of measures and the docs read it here.
"""

from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from saedb.ingest import tables
from saedb.ingest.measures import EVIDENCE, MEASURES, SELECTING

Type = Literal["STRING", "INTEGER", "FLOAT", "BOOLEAN", "LIST<STRING>", "LIST<INTEGER>"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property; absent where the value is not known."""

    name: str
    type: Type
    meaning: str
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node label."""

    label: str
    meaning: str
    key: tuple[str, ...]
    """Properties that together are unique."""
    properties: tuple[Property, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    """Properties of each range index; a composite one serves only predicates on all of them."""
    full_text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """One relationship type, between two node labels."""

    type: str
    source: str
    target: str
    meaning: str
    properties: tuple[Property, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()


def _string(name: str, meaning: str) -> Property:
    return Property(name=name, type="STRING", meaning=meaning)


def _integer(name: str, meaning: str, unit: str | None = None) -> Property:
    return Property(name=name, type="INTEGER", meaning=meaning, unit=unit)


def _float(name: str, meaning: str, unit: str | None = None) -> Property:
    return Property(name=name, type="FLOAT", meaning=meaning, unit=unit)


def _of_arrow(type_: pa.DataType) -> Type:
    if pa.types.is_list(type_):
        return "LIST<STRING>"
    if pa.types.is_string(type_):
        return "STRING"
    if pa.types.is_boolean(type_):
        return "BOOLEAN"
    return "INTEGER" if pa.types.is_integer(type_) else "FLOAT"


_RUN: Final = _string("run", "id of the run")

RUN: Final = Node(
    label="Run",
    meaning="one computed or imported graph",
    key=("id",),
    properties=(
        _string("id", "name of the run"),
        _string("status", "loading, ready or dropping"),
        _string("kind", "ingest or import"),
        _string("model", "first part of its features' ids"),
        _string("dataset", "text it was computed on"),
        _integer("tokens", "tokens that count", "tokens"),
        _string("created", "ISO 8601, UTC"),
        _string("config", "settings of the run as JSON"),
        _string("content", "hash of the run directory's files"),
        _string("path", "run directory, on the machine that loaded it"),
        _integer("features", "number of features"),
        _integer("edges", "number of EVOLVES_TO"),
        _integer("communities", "number of communities"),
        _float("modularity", "modularity of the communities"),
        _string("owner", "process that is loading or dropping it"),
        _string("claim", "token of that process's claim"),
        _integer("heartbeat", "last sign of life of the owner, by the server's clock", "ms since 1970"),
    ),
)

SAE: Final = Node(
    label="Sae",
    meaning="one sparse autoencoder of a run",
    key=("run", "id"),
    properties=(
        _RUN,
        _string("id", "{layer}-{set}, the middle part of its features' ids"),
        _integer("layer", "layer number, Neuronpedia's"),
        _string("set", "name of the family of SAEs"),
        _integer("depth", "rank along the model, from 0"),
        _string("hook", "where in the model it reads"),
        _integer("d_sae", "number of features; of an imported one the largest index + 1"),
        _integer("d_in", "width of the residual stream"),
        _string("architecture", "standard, topk, jumprelu, ..."),
        _string("source", "release and SAE id, or folder"),
        _float("l0", "mean number of features above 0 on a counted token"),
        _float("explained_variance", "1 - sum |x - x_hat|^2 / sum |x - mean|^2 over counted tokens", "share"),
        _float("dead", "features that never fire on a counted token", "share"),
    ),
)

FEATURE: Final = Node(
    label="Feature",
    meaning="one feature of an SAE; also labelled with its layer (:L05), because Neo4j Browser colours by label",
    key=("run", "id"),
    properties=(
        _RUN,
        *(Property(name=c.name, type=_of_arrow(c.type), meaning=c.meaning) for c in tables.FEATURES.columns),
        _integer("community", "number of its community"),
    ),
    indexes=(("run",), ("run", "layer")),
    full_text=("label", "top_tokens"),
)

COMMUNITY: Final = Node(
    label="Community",
    meaning="features across layers that belong together",
    key=("run", "id"),
    properties=(
        _RUN,
        _integer("id", "0 is the largest"),
        _string("method", "how it was found"),
        _string("measure", "weight of the edges"),
        _float("min_similarity", "lowest weight of an edge that counted"),
        _float("resolution", "higher finds more and smaller communities"),
        _integer("seed", "random seed"),
        _integer("size", "number of features"),
        Property(name="layers", type="LIST<INTEGER>", meaning="layers of its features, in order"),
        _string("label", "words that its features' labels share"),
        _float("modularity", "modularity of the whole partition"),
    ),
    indexes=(("run",),),
)

# (:Run)-[:HAS_SAE]->(:Sae)
HAS_SAE: Final = Relationship(
    type="HAS_SAE", source=RUN.label, target=SAE.label, meaning="the SAEs that a run compares"
)

# (:Sae)-[:COMPARED_WITH]->(:Sae)
COMPARED_WITH: Final = Relationship(
    type="COMPARED_WITH",
    source=SAE.label,
    target=SAE.label,
    meaning="the edges between these two were computed; without it a missing edge says nothing",
    properties=(_integer("edges", "number of EVOLVES_TO between their features"),),
)

# (:Feature)-[:EVOLVES_TO]->(:Feature)
EVOLVES_TO: Final = Relationship(
    type="EVOLVES_TO",
    source=FEATURE.label,
    target=FEATURE.label,
    meaning="a feature and one of a later layer that are active together",
    properties=(
        _RUN,
        *(
            Property(name=m.name, type="INTEGER" if m.integer else "FLOAT", meaning=m.meaning, unit=m.unit)
            for m in MEASURES
        ),
        *(Property(name=e.name, type="FLOAT", meaning=e.meaning, unit=e.unit) for e in EVIDENCE),
    ),
    indexes=tuple(("run", m.name) for m in SELECTING),
)

# (:Feature)-[:IN_COMMUNITY]->(:Community)
IN_COMMUNITY: Final = Relationship(
    type="IN_COMMUNITY", source=FEATURE.label, target=COMMUNITY.label, meaning="the community of a feature"
)

NODES: Final = (RUN, SAE, FEATURE, COMMUNITY)
RELATIONSHIPS: Final = (HAS_SAE, COMPARED_WITH, EVOLVES_TO, IN_COMMUNITY)
BY_ID: Final = "USING INDEX SEEK {}:Feature(run, id)"
"""Hint for a lookup of many features by id. Without it the planner, which remembers an empty or dropped graph, may take
the index on the run alone and walk through all features for each one."""
FULL_TEXT_INDEX: Final = "feature_text"
"""Name of the full-text index on features, which a search has to give."""


def constraints() -> list[str]:
    """Return the statements that make the uniqueness constraints; each does nothing where its constraint exists."""
    return [
        f"CREATE CONSTRAINT {_name(node.label, node.key)} IF NOT EXISTS "
        f"FOR (n:{node.label}) REQUIRE {_tuple('n', node.key)} IS UNIQUE"
        for node in NODES
    ]


def node_indexes() -> list[str]:
    """Return the statements that make the indexes on nodes; the loader needs them while it loads."""
    ranges = [
        f"CREATE INDEX {_name(node.label, names)} IF NOT EXISTS FOR (n:{node.label}) ON {_tuple('n', names)}"
        for node in NODES
        for names in node.indexes
    ]
    texts = ", ".join(f"n.{name}" for name in FEATURE.full_text)
    return [
        *ranges,
        f"CREATE FULLTEXT INDEX {FULL_TEXT_INDEX} IF NOT EXISTS FOR (n:{FEATURE.label}) ON EACH [{texts}]",
    ]


def edge_indexes() -> list[str]:
    """Return the statements that make the indexes on relationships; made after a load they cost a third less."""
    return [
        f"CREATE INDEX {_name(edge.type, names)} IF NOT EXISTS FOR ()-[r:{edge.type}]-() ON {_tuple('r', names)}"
        for edge in RELATIONSHIPS
        for names in edge.indexes
    ]


def layer_label(layer: int, last: int) -> str:
    """Return the label of a layer, such as ``L05``: two digits, or as many as the `last` layer has."""
    return f"L{layer:0{max(2, len(str(last)))}d}"


def _name(label: str, names: tuple[str, ...]) -> str:
    return "_".join((label, *names)).lower()


def _tuple(variable: str, names: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{variable}.{name}" for name in names) + ")"
