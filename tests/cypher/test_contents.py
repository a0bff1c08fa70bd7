"""The rows of a run's graph, against a second computation of them row by row."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from handmade import PAIRS, SAES, WIDTH, handmade
from labelled import labels_of

from saedb.cypher import contents, schema
from saedb.cypher.contents import Part
from saedb.cypher.schema import EVOLVES_TO, FEATURE, Node
from saedb.ingest import rundir, tables
from saedb.ingest.errors import RunError
from saedb.ingest.rundir import RunDirectory

Row = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return handmade(tmp_path_factory.mktemp("runs"), "hand")


def _known(row: dict[str, Any]) -> Row:
    """Return what a store would keep of a row: no nulls, no NaN, no empty texts or lists."""
    kept = {
        name: value
        for name, value in row.items()
        if value is not None and value not in ([], "") and not (isinstance(value, float) and math.isnan(value))
    }
    return tuple(sorted((name, repr(value)) for name, value in kept.items()))


def rows_of(run: RunDirectory, name: str) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for part in contents.parts(run):
        if name == _name(part):
            found.update(_known(row) for row in part.rows.to_pylist())
    return found


def _name(part: Part) -> str:
    return part.item.label if isinstance(part.item, Node) else part.item.type


def test_features_are_the_rows_of_their_table_with_their_community_in_the_default_partition(run: RunDirectory) -> None:
    communities = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pylist()
    number = {id_: row["number"] for row in communities if row["is_default"] for id_ in row["members"]}
    rows = run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pylist()
    labels = labels_of(run)
    assert any(len(own["labels"]) > 1 for own in labels.values())
    assert rows_of(run, "Feature") == Counter(
        _known({**row, **labels.get(row["id"], {}), "community": number.get(row["id"])}) for row in rows
    )


def test_edges_are_the_rows_of_their_tables(run: RunDirectory) -> None:
    rows = [row for name in run.edge_files for row in run.read(tables.EDGES, name).to_pylist()]
    assert rows_of(run, "EVOLVES_TO") == Counter(map(_known, rows))


def test_each_feature_has_the_label_of_its_layer(run: RunDirectory) -> None:
    for part in contents.parts(run):
        if part.item is FEATURE:
            assert part.labels == ("Feature", f"L{part.rows['layer'][0].as_py():02d}")
            assert len(part.rows["layer"].unique()) == 1


def test_communities_are_the_rows_of_their_table_between_features_and_partitions(run: RunDirectory) -> None:
    rows = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pylist()
    partition = {column.name for column in tables.PARTITION} - {"partition"}
    between = {*partition, "parent", "members", "inside", "outside", "stabilities"}
    own = [{name: value for name, value in row.items() if name not in between} for row in rows]
    assert rows_of(run, "Community") == Counter(map(_known, own))
    ties = [
        {"source": id_, "target": row["id"], "inside": inside, "outside": outside, "stability": stability}
        for row in rows
        for id_, inside, outside, stability in zip(
            row["members"], row["inside"], row["outside"], row["stabilities"], strict=True
        )
    ]
    assert rows_of(run, "IN_COMMUNITY") == Counter(map(_known, ties))
    owners = [{"source": row["id"], "target": row["partition"]} for row in rows]
    assert rows_of(run, "OF_PARTITION") == Counter(map(_known, owners))
    parts = [{"source": row["id"], "target": row["parent"]} for row in rows if row["parent"]]
    assert rows_of(run, "PART_OF") == Counter(map(_known, parts))


def test_a_partition_is_what_all_its_communities_have(run: RunDirectory) -> None:
    rows = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pylist()
    names = [column.name for column in tables.PARTITION if column.name != "partition"]
    found = {row["partition"]: {"id": row["partition"], **{name: row[name] for name in names}} for row in rows}
    assert rows_of(run, "Partition") == Counter(map(_known, found.values()))
    assert contents.run_properties(run)["communities"] == found["main"]["communities"]
    swept = run.read(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE).to_pylist()
    assert rows_of(run, "Resolution") == Counter(map(_known, swept))


def test_only_one_partition_with_its_parts_can_be_asked_for(run: RunDirectory) -> None:
    assert {part.rows.num_rows for part in contents.communities(run, "main") if _name(part) == "Community"} == {4}
    (parts,) = (part for part in contents.communities(run, "main.1") if _name(part) == "PART_OF")
    assert parts.rows.num_rows == 2
    assert all(part.rows.num_rows == 0 for part in contents.communities(run, "other"))
    assert next(contents.resolutions(run, "other")).rows.num_rows == 0


def test_saes_and_pairs_are_those_of_the_record(run: RunDirectory) -> None:
    assert rows_of(run, "HAS_SAE") == Counter(_known({"source": "hand", "target": sae}) for sae in SAES)
    edges = [WIDTH, WIDTH, 0]
    assert rows_of(run, "COMPARED_WITH") == Counter(
        _known({"source": s, "target": t, "edges": n}) for (s, t), n in zip(PAIRS, edges, strict=True)
    )


def test_nodes_come_before_what_joins_them(run: RunDirectory) -> None:
    known = {("Run", "hand")}
    for part in contents.parts(run):
        if isinstance(part.item, Node):
            known |= {(part.item.label, id_) for id_ in part.rows["id"].to_pylist()}
        elif part.rows.num_rows:
            ends = {(part.item.source, id_) for id_ in part.rows["source"].to_pylist()}
            assert ends | {(part.item.target, id_) for id_ in part.rows["target"].to_pylist()} <= known


def test_gates_are_the_rows_of_their_table_between_their_inputs_and_outputs(run: RunDirectory) -> None:
    rows = run.read(tables.GATES, rundir.GATES_FILE).to_pylist()
    own = [{name: value for name, value in row.items() if name not in ("inputs", "output")} for row in rows]
    assert rows_of(run, "Gate") == Counter(map(_known, own))
    assert rows_of(run, "OUTPUT") == Counter(_known({"source": row["id"], "target": row["output"]}) for row in rows)
    assert rows_of(run, "INPUT_OF") == Counter(
        _known({"source": id_, "target": row["id"], "slot": i, "negated": row["kind"] == "AND_NOT" and i == 1})
        for row in rows
        for i, id_ in enumerate(row["inputs"])
    )


def test_splits_are_the_rows_of_their_table_between_their_parents_and_children(run: RunDirectory) -> None:
    rows = run.read(tables.SPLITS, rundir.SPLITS_FILE).to_pylist()
    apart = ("parent", "children", "shares", "purities")
    own = [{name: value for name, value in row.items() if name not in apart} for row in rows]
    assert rows_of(run, "Split") == Counter(map(_known, own))
    assert rows_of(run, "PARENT_OF") == Counter(_known({"source": row["parent"], "target": row["id"]}) for row in rows)
    assert rows_of(run, "CHILD") == Counter(
        _known({"source": row["id"], "target": id_, "slot": i, "share": share, "purity": purity})
        for row in rows
        for i, (id_, share, purity) in enumerate(zip(row["children"], row["shares"], row["purities"], strict=True))
    )


def test_prompts_are_the_rows_of_their_table_with_a_relationship_for_each_activation(run: RunDirectory) -> None:
    rows = run.read(tables.PROMPTS, rundir.PROMPTS_FILE).to_pylist()
    apart = ("features", "positions", "activations")
    own = [{name: value for name, value in row.items() if name not in apart} for row in rows]
    assert rows_of(run, "Prompt") == Counter(map(_known, own))
    active = Counter(
        _known({"source": row["id"], "target": id_, "activation": activation, "position": position})
        for row in rows
        for id_, position, activation in zip(row["features"], row["positions"], row["activations"], strict=True)
    )
    assert rows_of(run, "ACTIVATES") == active
    assert rows_of(run, "ACTIVATES").total() > len(rows)
    node, relationships = contents.prompts(run, ["p1", "p0"])
    assert set(node.rows["id"].to_pylist()) == {"p0", "p1"}
    assert set(relationships.rows["source"].to_pylist()) == {"p1"}
    assert [part.rows.num_rows for part in contents.prompts(run, [])] == [0, 0]


def test_a_stage_that_found_nothing_has_no_rows(tmp_path: Path) -> None:
    run = handmade(tmp_path, "none")
    for table, file in (
        (tables.COMMUNITIES, rundir.COMMUNITIES_FILE),
        (tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE),
        (tables.GATES, rundir.GATES_FILE),
        (tables.SPLITS, rundir.SPLITS_FILE),
        (tables.PROMPTS, rundir.PROMPTS_FILE),
    ):
        run.write(table, file, [tables.rows(table, {column.name: [] for column in table.columns})])
    assert [part.rows.num_rows for found in contents.FOUND for part in found(run)] == [0] * 14


def test_a_run_without_edges_in_which_nothing_was_looked_for_has_its_features(tmp_path: Path) -> None:
    run = handmade(tmp_path, "bare", found=False, source=[], target=[])
    assert len(rows_of(run, "Feature")) == WIDTH * len(SAES)
    assert not any(part.rows.num_rows for found in contents.FOUND for part in found(run))
    assert len(rows_of(run, "EVOLVES_TO")) == WIDTH


@pytest.mark.parametrize("values", [[math.nan, 0.5], pa.chunked_array([[math.nan, 0.5]])])
def test_what_is_no_number_is_no_value(values: Any) -> None:
    rows = schema.rows(EVOLVES_TO, {"source": ["a", "b"], "target": ["c", "d"], "pearson": values})
    assert rows["pearson"].to_pylist() == [None, 0.5]


@pytest.mark.parametrize("values", [["", "a", None], pa.chunked_array([["", "a", None]])])
def test_an_empty_text_is_no_value(values: Any) -> None:
    rows = schema.rows(FEATURE, {"id": ["a", "b", "c"], "label": values})
    assert rows["label"].to_pylist() == [None, "a", None]


@pytest.mark.parametrize("values", [[[], ["a"], None], pa.chunked_array([[[], ["a"], None]])])
def test_an_empty_list_is_no_value(values: Any) -> None:
    rows = schema.rows(FEATURE, {"id": ["a", "b", "c"], "top_tokens": values})
    assert rows["top_tokens"].to_pylist() == [None, ["a"], None]


@pytest.mark.parametrize("values", [[None, None], [math.nan, math.nan], pa.chunked_array([[math.nan, math.nan]])])
def test_a_column_without_any_value_is_left_out(values: Any) -> None:
    assert schema.rows(FEATURE, {"id": ["a", "b"], "density": values}).column_names == ["id"]


def test_a_column_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="mine"):
        schema.rows(FEATURE, {"id": ["a"], "mine": [1]})


@pytest.mark.parametrize(
    "name",
    [
        rundir.FEATURES_FILE,
        rundir.COMMUNITIES_FILE,
        rundir.GATES_FILE,
        rundir.SPLITS_FILE,
        rundir.PROMPTS_FILE,
        "edges/pair=0-a--1-a/edges.parquet",
    ],
)
def test_a_table_that_is_missing_or_damaged_is_named(tmp_path: Path, name: str) -> None:
    run = handmade(tmp_path, "damaged")
    (run.path / name).write_bytes(b"garbage")
    with pytest.raises(RunError, match=f"{name} is damaged"):
        list(contents.parts(run))
    (run.path / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing"):
        list(contents.parts(run))
