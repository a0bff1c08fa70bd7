import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.edgefile import read_edges
from saedb.ingest.errors import InputError

GOOD = "src_layer,src_feature,dst_layer,dst_feature,pearson\n0,5,1,7,0.5\n1,7,2,9,0.25\n"


def _written(folder: Path, text: str, name: str = "edges.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.parquet", "e.csv.gz", "e.tsv.gz", "e.parquet.gz", "E.CSV"])
def test_every_format_gives_the_same_edges(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"src_layer": [0, 1], "src_feature": [5, 7], "dst_layer": [1, 2], "dst_feature": [7, 9]})
    table["pearson"] = [0.5, 0.25]
    plain = tmp_path / name.removesuffix(".gz")
    if ".parquet" in name:
        table.to_parquet(plain)
    else:
        table.to_csv(plain, index=False, sep="\t" if ".tsv" in name else ",")
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes()))
    edges = read_edges(tmp_path / name, {})
    assert edges.source_layer.tolist() == [0, 1]
    assert edges.source_index.tolist() == [5, 7]
    assert edges.target_layer.tolist() == [1, 2]
    assert edges.target_index.tolist() == [7, 9]
    assert {name: values.tolist() for name, values in edges.measures.items()} == {"pearson": [0.5, 0.25]}


@pytest.mark.parametrize(
    "header",
    [
        "source_layer,source_index,target_layer,target_index",
        "src_layer,src_feature,dst_layer,dst_feature",
        "from_layer,from_idx,to_layer,to_idx",
        "layer_from,feature_from,layer_to,feature_to",
        "Source Layer,Source-Feature,Target Layer,Target.Feature",
        "upstream_layer,upstream_feature_index,downstream_layer,downstream_feature_index",
    ],
)
def test_key_columns_are_found_by_their_usual_names(tmp_path: Path, header: str) -> None:
    edges = read_edges(_written(tmp_path, f"{header},jaccard\n0,5,1,7,0.5\n"), {})
    assert [edges.source_layer[0], edges.source_index[0], edges.target_layer[0], edges.target_index[0]] == [0, 5, 1, 7]


@given(order=st.permutations(["src_layer", "src_feature", "dst_layer", "dst_feature", "pearson", "jaccard", "note"]))
def test_the_order_of_columns_does_not_matter(tmp_path_factory: pytest.TempPathFactory, order: list[str]) -> None:
    cells = {"src_layer": 0, "src_feature": 5, "dst_layer": 1, "dst_feature": 7, "pearson": 0.5, "jaccard": 0.25}
    row = ",".join(str(cells.get(column, "anything")) for column in order)
    edges = read_edges(_written(tmp_path_factory.mktemp("x"), f"{','.join(order)}\n{row}\n"), {})
    assert (edges.source_index.tolist(), edges.target_index.tolist()) == ([5], [7])
    assert {name: values.tolist() for name, values in edges.measures.items()} == {"pearson": [0.5], "jaccard": [0.25]}


def test_a_column_is_what_the_user_says(tmp_path: Path) -> None:
    file = _written(tmp_path, GOOD.replace("pearson", "value").replace("dst_layer", "stage"))
    edges = read_edges(file, {"value": "jaccard", "stage": "target_layer"})
    assert edges.measures["jaccard"].tolist() == [0.5, 0.25]


def test_a_column_whose_first_values_are_integers_still_holds_numbers(tmp_path: Path) -> None:
    rows = "".join(f"0,{i},1,{i},1\n" for i in range(200_000)) + "0,200000,1,1,0.5\n"
    edges = read_edges(_written(tmp_path, GOOD.splitlines()[0] + "\n" + rows), {})
    assert edges.measures["pearson"][-1] == 0.5


def test_an_empty_cell_is_null_where_another_measure_has_a_value(tmp_path: Path) -> None:
    text = GOOD.replace("pearson", "pearson,jaccard").replace("0.5", "0.5,").replace("0.25", ",0.25")
    measures = read_edges(_written(tmp_path, text), {}).measures
    assert np.isnan(measures["pearson"]).tolist() == [False, True]
    assert np.isnan(measures["jaccard"]).tolist() == [True, False]


def test_rounding_beyond_the_range_is_clipped(tmp_path: Path) -> None:
    file = _written(tmp_path, GOOD.replace("0.5", "1.00002"))
    assert read_edges(file, {}).measures["pearson"].tolist() == [1.0, 0.25]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"cannot be read as csv: Empty CSV file"),
        (GOOD.splitlines()[0] + "\n", r"edges\.csv has no rows"),
        (
            GOOD.replace("dst_feature", "dst_featur"),
            r"no column 'target_index', nearest 'dst_featur'; it has src_layer,",
        ),
        (
            GOOD.replace("pearson", "value"),
            r"no column with a measure \(pearson, .*\); say what 'value' is with --measure",
        ),
        (GOOD.replace("pearson", "src_index"), r"two columns for source_index: 'src_feature' and 'src_index'"),
        (GOOD.replace("5,1", "5.5,1"), r"cannot be read as csv: .*int64.*'5\.5'"),
        (GOOD.replace("5,1", "five,1"), r"cannot be read as csv: .*'five'"),
        (GOOD.replace("5,1", ",1"), r"row 1 of .* has no src_feature"),
        (GOOD.replace("1,7,2", "1,-7,2"), r"row 2 of .*: src_feature is -7, it should be in"),
        (GOOD.replace("1,7,2", "1,7,1"), r"row 2 of .* leads from layer 1 to 1; edges lead to later layers"),
        (GOOD.replace("0.25", "1.7"), r"row 2 of .*: pearson is 1\.7, it should be in \[-1, 1\]"),
        (GOOD.replace("0.25", "inf"), r"row 2 of .*: pearson is inf"),
        (GOOD.replace("0.25", ""), r"row 2 of .* has no value of pearson"),
        (
            GOOD.replace("pearson", "support"),
            r"row 1 of .*: support is 0\.5, it should be an integer in \[0, infinity\]",
        ),
        (GOOD.replace("1,7,2,9,0.25", "1,7"), r"cannot be read as csv: .*Expected 5 columns, got 2"),
    ],
)
def test_a_wrong_table_is_one_line_that_names_what_was_found(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_edges(_written(tmp_path, text), {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["e.csv.gz", "e.parquet", "e.parquet.gz"])
def test_a_file_that_is_not_what_its_name_says_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01 not a table")
    with pytest.raises(InputError, match="cannot be read as"):
        read_edges(tmp_path / name, {})


def test_other_names_and_missing_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"e\.xlsx is no table; its name should end in \.csv, \.tsv, \.parquet"):
        read_edges(tmp_path / "e.xlsx", {})
    with pytest.raises(InputError, match="no file"):
        read_edges(tmp_path / "e.csv", {})
    with pytest.raises(InputError, match=r"there is no measure 'pearsn'; did you mean pearson?"):
        read_edges(_written(tmp_path, GOOD), {"pearson": "pearsn"})
    with pytest.raises(InputError, match="has no column 'value'; it has src_layer"):
        read_edges(_written(tmp_path, GOOD), {"value": "jaccard"})


def test_a_column_named_as_its_measure_may_be_said_to_be_the_value(tmp_path: Path) -> None:
    assert read_edges(_written(tmp_path, GOOD), {"value": "pearson"}).measures["pearson"].tolist() == [0.5, 0.25]
