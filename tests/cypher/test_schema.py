import re

import pytest

from saedb.cypher import ddl, schema
from saedb.ingest.measures import EVIDENCE, MEASURES
from saedb.ingest.residuals.found import NAMES
from saedb.ingest.tables import EFFECTS, FEATURES, GATES, PROMPTS, SPLITS


def test_every_measure_and_every_column_of_features_is_a_property() -> None:
    effects = {c.name for c in EFFECTS.columns} - {"source", "target", "effect_direction", "settings"}
    measures = {m.name for m in (*MEASURES, *EVIDENCE)}
    assert {p.name for p in schema.EVOLVES_TO.properties} == {"run", *measures, *effects}
    added = {"run", "label_source", "labels", "label_sources", "community"}
    assert {p.name for p in schema.FEATURE.properties} == {*added, *NAMES} | {c.name for c in FEATURES.columns}


def test_every_column_of_a_stage_is_a_property_or_a_relationship() -> None:
    between = {
        schema.GATE: {"output", "inputs"},
        schema.SPLIT: {"parent", "children", "shares", "purities"},
        schema.PROMPT: {"features", "positions", "activations"},
    }
    for (node, apart), table in zip(between.items(), (GATES, SPLITS, PROMPTS), strict=True):
        assert {p.name for p in node.properties} | apart == {"run", *(column.name for column in table.columns)}
    assert [p.name for p in schema.CHILD.properties] == ["slot", "share", "purity"]


def test_everything_but_a_run_is_unique_within_its_run() -> None:
    assert {node.label: node.key for node in schema.NODES} == {
        "Run": ("id",),
        **dict.fromkeys(
            ("Sae", "Feature", "Partition", "Community", "Resolution", "Gate", "Split", "Prompt", "Lane"), ("run", "id")
        ),
    }
    assert "CREATE CONSTRAINT feature_run_id IF NOT EXISTS FOR (n:Feature) REQUIRE (n.run, n.id) IS UNIQUE" in (
        ddl.constraints()
    )


def test_keys_indexes_and_texts_name_declared_properties() -> None:
    for item in (*schema.NODES, *schema.RELATIONSHIPS):
        names = {p.name for p in item.properties}
        used = {name for group in item.indexes for name in group}
        if isinstance(item, schema.Node):
            used |= {*item.key, *item.full_text}
        assert used <= names, item


def test_relationships_join_declared_nodes() -> None:
    labels = {node.label for node in schema.NODES}
    assert all({r.source, r.target} <= labels for r in schema.RELATIONSHIPS)


def test_names_of_constraints_and_indexes_are_unique() -> None:
    statements = [*ddl.constraints(), *ddl.node_indexes(), *ddl.edge_indexes()]
    names = [re.findall(r"(?:INDEX|CONSTRAINT) (\w+) IF NOT EXISTS", statement)[0] for statement in statements]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("layer", "last", "label"), [(5, 11, "L05"), (0, 3, "L00"), (11, 11, "L11"), (5, 100, "L005"), (120, 120, "L120")]
)
def test_layer_labels_sort_like_layers(layer: int, last: int, label: str) -> None:
    assert schema.layer_label(layer, last) == label
