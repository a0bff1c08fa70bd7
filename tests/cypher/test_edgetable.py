from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from saedb.cypher.edgetable import default_name, import_edges
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.rundir import RunDirectory

KEYS = ["src_layer", "src_feature", "dst_layer", "dst_feature"]
ROWS = [(0, 5, 1, 7, 0.99), (0, 5, 1, 2, 0.2), (1, 7, 2, 9, 0.5), (1, 3, 2, 9, 0.1), (10, 1, 11, 1, 0.97)]


def _table(folder: Path, rows: list[tuple], measure: str = "pearson", name: str = "edges.csv") -> Path:
    pd.DataFrame(rows, columns=[*KEYS, measure]).to_csv(folder / name, index=False)
    return folder / name


def _imported(folder: Path, *files: Path, **options) -> RunDirectory:
    return import_edges(files, model="gpt2-small", set_="res-jb", runs_folder=folder / "runs", **options)


def _edges(run: RunDirectory) -> pd.DataFrame:
    return pd.concat([run.read(tables.EDGES, name).to_pandas() for name in run.edge_files], ignore_index=True)


def _features(run: RunDirectory) -> pd.DataFrame:
    return run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pandas().set_index("id")


def test_every_row_becomes_an_edge_between_neuronpedia_ids(tmp_path: Path) -> None:
    run = _imported(tmp_path, _table(tmp_path, ROWS))
    edges = _edges(run)
    found = set(zip(edges["source"], edges["target"], edges["pearson"], strict=True))
    assert found == {(f"gpt2-small/{a}-res-jb/{b}", f"gpt2-small/{c}-res-jb/{d}", v) for a, b, c, d, v in ROWS}
    assert set(_features(run).index) == set(edges["source"]) | set(edges["target"])


def test_the_record_names_saes_in_order_of_layers_and_the_computed_pairs(tmp_path: Path) -> None:
    run = RunDirectory.open(_imported(tmp_path, _table(tmp_path, ROWS)).path)
    assert (run.record.id, run.record.kind, run.record.status) == ("edges", "import", "complete")
    assert [(sae.id, sae.layer, sae.depth, sae.d_sae) for sae in run.record.saes] == [
        ("0-res-jb", 0, 0, 6), ("1-res-jb", 1, 1, 8), ("2-res-jb", 2, 2, 10), ("10-res-jb", 10, 3, 2),
        ("11-res-jb", 11, 4, 2),
    ]  # fmt: skip
    assert run.record.pairs == (("0-res-jb", "1-res-jb"), ("1-res-jb", "2-res-jb"), ("10-res-jb", "11-res-jb"))


def test_states_come_from_pearson_and_only_where_the_neighbour_is_there(tmp_path: Path) -> None:
    features = _features(_imported(tmp_path, _table(tmp_path, ROWS)))
    found = {
        id_.removeprefix("gpt2-small/"): (row["state_in"], row["state_out"])
        for id_, row in features.replace({np.nan: None}).iterrows()
    }
    assert found == {
        "0-res-jb/5": (None, "passed_through"),
        "1-res-jb/2": ("appearing", "disappearing"),
        "1-res-jb/3": ("appearing", "disappearing"),
        "1-res-jb/7": ("passed_through", "transformed"),
        "2-res-jb/9": ("transformed", None),
        "10-res-jb/1": (None, "passed_through"),
        "11-res-jb/1": ("passed_through", None),
    }


def test_without_pearson_there_are_no_states(tmp_path: Path) -> None:
    features = _features(_imported(tmp_path, _table(tmp_path, ROWS, "jaccard")))
    assert features[["state_in", "state_out"]].isna().all(axis=None)


def test_files_with_other_measures_of_the_same_edges_are_joined(tmp_path: Path) -> None:
    other = [(0, 5, 1, 7, 0.8), (4, 0, 5, 0, 0.3)]
    run = _imported(tmp_path, _table(tmp_path, ROWS), _table(tmp_path, other, "jaccard", "other.csv"))
    edges = _edges(run).set_index(["source", "target"])[["pearson", "jaccard"]]
    assert len(edges) == len(ROWS) + 1
    assert edges.loc[("gpt2-small/0-res-jb/5", "gpt2-small/1-res-jb/7")].tolist() == [0.99, 0.8]
    only = edges.loc[("gpt2-small/4-res-jb/0", "gpt2-small/5-res-jb/0")]
    assert np.isnan(only["pearson"])
    assert only["jaccard"] == 0.3


def test_files_with_other_edges_are_put_together(tmp_path: Path) -> None:
    whole = _edges(_imported(tmp_path, _table(tmp_path, ROWS)))
    parts = [_table(tmp_path, ROWS[3:], name="b.csv"), _table(tmp_path, ROWS[:3], name="a.csv")]
    pd.testing.assert_frame_equal(_edges(_imported(tmp_path, *parts)), whole)


def test_an_edge_with_two_values_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"edge 0/5 -> 1/7 .* has two values of pearson; see row 6 of .*edges\.csv"):
        _imported(tmp_path, _table(tmp_path, [*ROWS, (0, 5, 1, 7, 0.5)]))
    with pytest.raises(InputError, match=r"two values of pearson; see row 1 of .*more\.csv"):
        _imported(tmp_path, _table(tmp_path, ROWS), _table(tmp_path, ROWS[:1], name="more.csv"))
    assert not (tmp_path / "runs").exists()


def test_labels_go_to_their_features_with_their_source(tmp_path: Path) -> None:
    labels = tmp_path / "ours.csv"
    labels.write_text("layer,index,label\n1,7,b second\n1,7,a first\n9,9,nobody\n11,1,last\n")
    run = _imported(tmp_path, _table(tmp_path, ROWS), labels=[labels])
    found = (
        run.read(tables.LABELS, rundir.LABELS_FILE).select(["feature", "rank", "text", "source", "file"]).to_pylist()
    )
    assert [tuple(row.values()) for row in found] == [
        ("gpt2-small/1-res-jb/7", 0, "a first", "ours", "ours.csv"),
        ("gpt2-small/1-res-jb/7", 1, "b second", "ours", "ours.csv"),
        ("gpt2-small/11-res-jb/1", 0, "last", "ours", "ours.csv"),
    ]
    before = run.content_hash
    run.update(status="computing", files={})
    assert _imported(tmp_path, _table(tmp_path, ROWS), labels=[labels]).content_hash == before


def test_labels_of_other_features_are_an_error_before_there_is_a_run(tmp_path: Path) -> None:
    labels = tmp_path / "ours.csv"
    labels.write_text("feature,label\ngpt2-large/1-res-jb/7,court\n")
    with pytest.raises(InputError, match=r"features such as gpt2-large/1-res-jb/7, the run has such as gpt2-small/0"):
        _imported(tmp_path, _table(tmp_path, ROWS), labels=[labels])
    assert not (tmp_path / "runs").exists()


def test_the_same_files_again_change_nothing(tmp_path: Path) -> None:
    table = _table(tmp_path, ROWS)
    first = _imported(tmp_path, table)
    before = (first.path / "run.json").read_bytes()
    again = _imported(tmp_path, table)
    assert again.content_hash == first.content_hash
    assert (first.path / "run.json").read_bytes() == before


def test_a_name_with_another_content_is_refused(tmp_path: Path) -> None:
    _imported(tmp_path, _table(tmp_path, ROWS))
    with pytest.raises(RunError, match=r"run edges was made from something else .*--run"):
        _imported(tmp_path, _table(tmp_path, ROWS[:2]))
    assert _imported(tmp_path, _table(tmp_path, ROWS[:2]), name="two").record.id == "two"


def test_an_import_that_was_interrupted_is_finished_with_the_same_content(tmp_path: Path) -> None:
    run = _imported(tmp_path, _table(tmp_path, ROWS))
    before = run.content_hash
    run.update(status="computing", files={})
    (run.path / run.edge_files[1]).unlink()
    assert _imported(tmp_path, _table(tmp_path, ROWS)).content_hash == before


@pytest.mark.parametrize("name", ["../up", "a b", "", ".hidden"])
def test_names_that_are_no_names_are_refused(tmp_path: Path, name: str) -> None:
    table = _table(tmp_path, ROWS)
    with pytest.raises(InputError, match=r"set .* must be letters"):
        import_edges([table], model="m", set_=name or "/", runs_folder=tmp_path)
    if name:
        with pytest.raises(InputError, match=r"run name .* must be letters"):
            _imported(tmp_path, table, name=name)


@pytest.mark.parametrize(
    ("file", "name"),
    [("a/edges_pearson.csv.gz", "edges_pearson"), ("my table (1).parquet", "my-table-1"), ("..tsv", "edges")],
)
def test_the_default_name_comes_from_the_first_file(file: str, name: str) -> None:
    assert default_name([Path(file), Path("other.csv")]) == name
