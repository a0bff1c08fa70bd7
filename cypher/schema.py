"""The graph, declared once: nodes, relationships, their properties, constraints and indexes.

One run is one graph: every node and every EVOLVES_TO carries the run's id, so several runs lie side by side. The
statements that make it (`ddl`), the rows that fill it (`contents`), the query library's choice of measures, the page of
the docs and the tests read it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest import tables
from saedb.ingest.measures import EVIDENCE, MEASURES, SELECTING

Type = Literal["STRING", "INTEGER", "FLOAT", "BOOLEAN", "LIST<STRING>", "LIST<INTEGER>"]
"""Types of stored properties, as Cypher names them."""

ARROW: Final[Mapping[Type, pa.DataType]] = {
    "STRING": pa.string(),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "LIST<STRING>": pa.list_(pa.string()),
    "LIST<INTEGER>": pa.list_(pa.int64()),
}
"""The column type that fills each; a column of a run's tables has the first that its type can become."""


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


def _strings(name: str, meaning: str) -> Property:
    return Property(name=name, type="LIST<STRING>", meaning=meaning)


def _of_column(column: tables.Column) -> Property:
    type_: Type = next(name for name, arrow in ARROW.items() if arrow == column.type)
    return Property(name=column.name, type=type_, meaning=column.meaning, unit=column.unit)


_RUN: Final = _string("run", "id of the run")
_NOT_OF_AN_EFFECT: Final = ("source", "target", "effect_direction", "settings")
"""Columns that the graph has otherwise, or not at all: an edge has numbers only."""
EFFECTS: Final = tuple(_of_column(c) for c in tables.EFFECTS.columns if c.name not in _NOT_OF_AN_EFFECT)
"""What an edge has where its source was taken out of the model."""

RUN: Final = Node(
    label="Run",
    meaning="one computed or imported graph",
    key=("id",),
    properties=(
        _string("id", "name of the run"),
        _string("status", "loading, ready or dropping"),
        _string("kind", "ingest: from a text; import: of a table of edges; decoders: of the decoders alone"),
        _string("model", "first part of its features' ids"),
        _string("dataset", "text it was computed on"),
        _integer("tokens", "tokens that count", "tokens"),
        _string("created", "ISO 8601, UTC"),
        _string("config", "settings of the run as JSON"),
        _string("content", "hash of the run directory's files"),
        _string("path", "run directory, on the machine that loaded it"),
        _string("loaded", "when the graph had all of it, ISO 8601, UTC"),
        _integer("features", "number of features"),
        _integer("edges", "number of EVOLVES_TO"),
        _integer("communities", "number of communities, of the partition that is the default"),
        _float("modularity", "modularity of that partition"),
        _string("owner", "process that is loading or dropping it"),
        _string("claim", "token of that process's claim"),
        _string("loading", "content that an unfinished load is about to bring, and in which batches"),
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

_RESIDUALS: Final = (
    _float("recovered", "how much of it the next SAE's error has along its direction: 1 is all of it", "share"),
    _float("recovered_control", "the same along a random direction, on the same tokens", "share"),
    _float(
        "recovered_slope",
        "slope of the regression of that component on its activation: without what is there at any activation",
    ),
    _float("recovered_correlation", "of that component of the error with its activation", "correlation"),
    _integer("recovered_tokens", "counted tokens with it active that these are of", "tokens"),
    Property(
        name="low_necessity",
        type="BOOLEAN",
        meaning="whether it vanishes: nothing in the next SAE needs it; absent if dead or rare",
    ),
    _float(
        "copied",
        "correlation of its activation with that by its own SAE on the residual stream of the SAE before",
        "correlation",
    ),
    _float("copied_ratio", "mean of the latter over its mean activation", "share"),
)
"""What `saedb residuals` measures."""

FEATURE: Final = Node(
    label="Feature",
    meaning="one feature of an SAE; also labelled with its layer (:L05), because Neo4j Browser colours by label",
    key=("run", "id"),
    properties=(
        _RUN,
        *map(_of_column, tables.FEATURES.columns),
        _string("label_source", "where that label is from: auto, or source, author and (method)"),
        _strings("labels", "all its labels, that one first"),
        _strings("label_sources", "where each of these is from"),
        _integer("community", "number of its community, in the partition that is the default"),
        *_RESIDUALS,
    ),
    indexes=(("run",), ("run", "layer")),
    full_text=("label", "labels", "top_tokens"),
)

PARTITION: Final = Node(
    label="Partition",
    meaning="one way in which features were divided into communities; a run may have several",
    key=("run", "id"),
    properties=(
        _RUN,
        *(
            replace(_of_column(column), name="id") if column.name == "partition" else _of_column(column)
            for column in tables.PARTITION
        ),
    ),
    indexes=(("run",),),
)

_OF_COMMUNITY: Final = ("partition", *(c.name for c in tables.COMMUNITIES.columns if c not in tables.PARTITION))
_BETWEEN_COMMUNITIES: Final = ("parent", "members", "inside", "outside", "stabilities")
"""Columns that become relationships."""

COMMUNITY: Final = Node(
    label="Community",
    meaning="features across layers that belong together, in one partition",
    key=("run", "id"),
    properties=(
        _RUN,
        *(
            _of_column(column)
            for column in tables.COMMUNITIES.columns
            if column.name in _OF_COMMUNITY and column.name not in _BETWEEN_COMMUNITIES
        ),
    ),
    indexes=(("run",), ("run", "partition")),
)

RESOLUTION: Final = Node(
    label="Resolution",
    meaning="what another resolution of a partition would give",
    key=("run", "id"),
    properties=(_RUN, *map(_of_column, tables.RESOLUTIONS.columns)),
    indexes=(("run",),),
)

_STAGE_COLUMNS: Final = ("output", "inputs", "parent", "children", "shares", "purities")
"""Columns of a stage's table that become relationships."""


def _of_table(table: tables.Table) -> tuple[Property, ...]:
    return tuple(_of_column(column) for column in table.columns if column.name not in _STAGE_COLUMNS)


GATE: Final = Node(
    label="Gate",
    meaning="a boolean function of features of one layer, tested as a feature of the next, with its truth table",
    key=("run", "id"),
    properties=(_RUN, *_of_table(tables.GATES)),
    indexes=(("run",), ("run", "kind", "verdict")),
)

SPLIT: Final = Node(
    label="Split",
    meaning="a feature that several of the next layer divide among themselves",
    key=("run", "id"),
    properties=(_RUN, *_of_table(tables.SPLITS)),
    indexes=(("run",),),
)

_BETWEEN_PROMPTS: Final = ("features", "positions", "activations")
"""Columns that become relationships."""

PROMPT: Final = Node(
    label="Prompt",
    meaning="a text that is not the run's, read by its model and SAEs",
    key=("run", "id"),
    properties=(
        _RUN,
        *(_of_column(column) for column in tables.PROMPTS.columns if column.name not in _BETWEEN_PROMPTS),
    ),
    indexes=(("run",),),
)

LANE: Final = Node(
    label="Lane",
    meaning="how far one session of an unfinished load has come; gone when the run is ready",
    key=("run", "id"),
    properties=(
        _RUN,
        _integer("id", "number of the lane, from 0"),
        _string("claim", "token of the load's claim"),
        _integer("done", "batches that are in the graph", "batches"),
        _integer("beat", "time of the last batch, by the server's clock", "ms since 1970"),
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
        *EFFECTS,
    ),
    indexes=(*(("run", m.name) for m in SELECTING), ("run", "effect")),
)

# (:Feature)-[:IN_COMMUNITY]->(:Community)-[:OF_PARTITION]->(:Partition)
IN_COMMUNITY: Final = Relationship(
    type="IN_COMMUNITY",
    source=FEATURE.label,
    target=COMMUNITY.label,
    meaning="a community of a feature; it is in one of each partition at most",
    properties=(
        _float("inside", "weight of the feature's edges inside"),
        _float("outside", "weight of its edges to other features"),
        _float("stability", "share of runs with other seeds in which it stays with its community", "share"),
    ),
)
OF_PARTITION: Final = Relationship(
    type="OF_PARTITION", source=COMMUNITY.label, target=PARTITION.label, meaning="the partition of a community"
)

# (:Community)-[:PART_OF]->(:Community)
PART_OF: Final = Relationship(
    type="PART_OF",
    source=COMMUNITY.label,
    target=COMMUNITY.label,
    meaning="the community of the coarser level that holds all its features",
)

# (:Feature)-[:INPUT_OF]->(:Gate)-[:OUTPUT]->(:Feature)
INPUT_OF: Final = Relationship(
    type="INPUT_OF",
    source=FEATURE.label,
    target=GATE.label,
    meaning="an input of a gate",
    properties=(
        _integer("slot", "place among the inputs, from 0"),
        Property(name="negated", type="BOOLEAN", meaning="whether the gate asks for it to be inactive"),
    ),
)
OUTPUT: Final = Relationship(
    type="OUTPUT", source=GATE.label, target=FEATURE.label, meaning="the feature that a gate predicts"
)

# (:Feature)-[:PARENT_OF]->(:Split)-[:CHILD]->(:Feature)
PARENT_OF: Final = Relationship(
    type="PARENT_OF", source=FEATURE.label, target=SPLIT.label, meaning="the feature that is divided"
)
CHILD: Final = Relationship(
    type="CHILD",
    source=SPLIT.label,
    target=FEATURE.label,
    meaning="a feature that takes a part of the parent",
    properties=(
        _integer("slot", "place among the children, from 0: the largest share first"),
        _float("share", "P(child active | parent active)", "share"),
        _float("purity", "P(parent active | child active)", "share"),
    ),
)

# (:Prompt)-[:ACTIVATES]->(:Feature)
ACTIVATES: Final = Relationship(
    type="ACTIVATES",
    source=PROMPT.label,
    target=FEATURE.label,
    meaning="a feature is active on a token of a prompt; one for each such token",
    properties=(
        _float("activation", "the activation; over the feature's max, its share of the largest in the run"),
        _integer("position", "place among the prompt's tokens, from 0"),
    ),
)

NODES: Final = (RUN, SAE, FEATURE, PARTITION, COMMUNITY, RESOLUTION, GATE, SPLIT, PROMPT, LANE)
RELATIONSHIPS: Final = (
    HAS_SAE, COMPARED_WITH, EVOLVES_TO, IN_COMMUNITY, OF_PARTITION, PART_OF, INPUT_OF, OUTPUT, PARENT_OF, CHILD,
    ACTIVATES,
)  # fmt: skip
BY_LABEL: Final[Mapping[str, Node]] = {node.label: node for node in NODES}
LAYER_LABEL: Final = r"L\d{2,}"
"""What a layer's label looks like."""
FULL_TEXT_INDEX: Final = "feature_text"
"""Name of the full-text index on features, which a search has to give."""


def rows(item: Node | Relationship, columns: Mapping[str, Any]) -> pa.Table:
    """Return columns as the declaration has them, in its order; those without any value are left out.

    Args:
        item: a relationship has the columns ``source`` and ``target`` before its properties: ids of its ends.
        columns: arrays or lists by name, of equal length; NaN, empty texts and empty lists are no values, because
            the import of a bulk load knows none of them.

    Raises:
        ValueError: a column is not declared.
    """
    types = {p.name: ARROW[p.type] for p in item.properties}
    if isinstance(item, Relationship):
        types = {"source": key_type(item.source), "target": key_type(item.target), **types}
    if unknown := set(columns) - set(types):
        raise ValueError(f"no properties {sorted(unknown)} of {item}")
    filled = {name: _filled(columns[name], type_) for name, type_ in types.items() if name in columns}
    return pa.table({name: column for name, column in filled.items() if column.null_count < len(column)})


def key_type(label: str) -> pa.DataType:
    """Return the column type of what identifies a node within its run."""
    node = BY_LABEL[label]
    return next(ARROW[p.type] for p in node.properties if p.name == node.key[-1])


def _filled(values: Any, type_: pa.DataType) -> pa.ChunkedArray | pa.Array:
    column = values.cast(type_) if isinstance(values, pa.ChunkedArray) else pa.array(values, type_, from_pandas=True)
    if pa.types.is_list(type_) or pa.types.is_string(type_):
        length = "list_value_length" if pa.types.is_list(type_) else "binary_length"
        is_value = pc.call_function("greater", [pc.call_function(length, [column]), pa.scalar(0)])
    elif pa.types.is_floating(type_):
        is_value = pc.call_function("invert", [pc.call_function("is_nan", [column])])
    else:
        return column
    return pc.call_function("if_else", [is_value, column, pa.scalar(None, type_)])


def layer_label(layer: int, last: int) -> str:
    """Return the label of a layer, such as ``L05``: two digits, or as many as the `last` layer has."""
    return f"L{layer:0{max(2, len(str(last)))}d}"
