import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from saedb.ingest import maxima, rundir
from saedb.ingest.config import IngestConfig
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.sources import Folder, SaeSet, SaeSource
from saedb.ingest.tables import FEATURES, rows


def sae_set(*widths: int) -> SaeSet:
    sources = tuple(
        SaeSource(
            location=Folder(path=Path("here")),
            layer=3 + depth,
            set="a",
            depth=depth,
            hook=f"blocks.{depth}.hook_resid_post",
            d_in=4,
            d_sae=width,
            architecture="standard",
            model_name="tiny",
        )
        for depth, width in enumerate(widths)
    )
    return SaeSet(model="tiny", model_to_load="tiny", sources=sources, pairs=(), missing=())


TWO = sae_set(3, 2)
IDS = ["tiny/3-a/0", "tiny/3-a/1", "tiny/3-a/2", "tiny/4-a/0", "tiny/4-a/1"]
VALUES = [1.5, 0.0, 2.25, 7.0, 0.125]


def table(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "max": VALUES} | changes)


def of_file(file: Path, found: SaeSet = TWO) -> dict[str, list[float]]:
    given = maxima.given(IngestConfig(inputs=("here",), max_activations=str(file)), found)
    assert given is not None
    return {sae: values.tolist() for sae, values in given.items()}


def of_run(name: str) -> dict[str, list[float]]:
    given = maxima.given(IngestConfig(inputs=("here",), max_from=name), TWO)
    assert given is not None
    return {sae: values.tolist() for sae, values in given.items()}


def in_csv(folder: Path, content: pd.DataFrame) -> Path:
    file = folder / "maxima.csv"
    content.to_csv(file, index=False)
    return file


def saved_run(folder: Path, values: list[float]) -> RunDirectory:
    run = RunDirectory.create(
        folder, RunRecord(id=folder.name, kind="ingest", model="tiny", created=rundir.now(), config={})
    )
    columns = {
        "id": IDS,
        "sae": [i.split("/")[1] for i in IDS],
        "layer": [3, 3, 3, 4, 4],
        "depth": [0, 0, 0, 1, 1],
        "index": [0, 1, 2, 0, 1],
        "max": values,
    }
    run.write(FEATURES, rundir.FEATURES_FILE, [rows(FEATURES, columns)])
    return run


def test_without_the_settings_there_are_no_given_maxima() -> None:
    assert maxima.given(IngestConfig(inputs=("here",)), TWO) is None


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("m.parquet", lambda rows, file: rows.to_parquet(file)),
        ("m.csv", lambda rows, file: rows.to_csv(file, index=False)),
        ("m.jsonl", lambda rows, file: rows.to_json(file, orient="records", lines=True)),
    ],
)
def test_maxima_of_a_table_go_to_features_by_id(
    tmp_path: Path, name: str, write: Callable[[pd.DataFrame, Path], None]
) -> None:
    others = pd.DataFrame({"id": ["tiny/9-b/0"], "max": [3.0]})
    shuffled = pd.concat([others, table().iloc[::-1]]).assign(note="x")
    write(shuffled, tmp_path / name)
    assert of_file(tmp_path / name) == {"3-a": [1.5, 0.0, 2.25], "4-a": [7.0, 0.125]}


def test_maxima_are_float64(tmp_path: Path) -> None:
    given = maxima.given(IngestConfig(inputs=("here",), max_activations=str(in_csv(tmp_path, table()))), TWO)
    assert given is not None
    assert {values.dtype for values in given.values()} == {np.dtype(np.float64)}


def test_whole_numbers_in_a_table_are_maxima_too(tmp_path: Path) -> None:
    table(max=[1, 2, 3, 4, 5]).to_parquet(tmp_path / "m.parquet")
    assert of_file(tmp_path / "m.parquet") == {"3-a": [1.0, 2.0, 3.0], "4-a": [4.0, 5.0]}


def test_the_papers_array_has_a_row_for_each_sae_by_depth(tmp_path: Path) -> None:
    file = tmp_path / "17.5M.npz"
    np.savez_compressed(file, np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
    assert of_file(file, sae_set(2, 2)) == {"3-a": [1.0, 2.0], "4-a": [3.0, 4.0]}


def test_a_run_is_found_by_name_and_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    saved_run(tmp_path / "runs" / "first", VALUES)
    saved_run(tmp_path / "second", [2.0 * value for value in VALUES])
    assert of_run("first") == {"3-a": [1.5, 0.0, 2.25], "4-a": [7.0, 0.125]}
    monkeypatch.chdir(tmp_path)
    assert of_run("second") == {"3-a": [3.0, 0.0, 4.5], "4-a": [14.0, 0.25]}


def test_the_feature_table_of_a_run_is_a_table_of_maxima(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run", VALUES)
    assert of_file(run.path / rundir.FEATURES_FILE) == {"3-a": [1.5, 0.0, 2.25], "4-a": [7.0, 0.125]}


def test_both_settings_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="both give maxima; give one of them"):
        maxima.given(IngestConfig(inputs=("here",), max_activations="a.csv", max_from="run"), TWO)


def test_features_without_a_row_are_counted_and_the_first_named(tmp_path: Path) -> None:
    file = in_csv(tmp_path, table().iloc[[0, 2, 3]])
    with pytest.raises(
        InputError, match=r"maxima\.csv lacks 2 of 5 features, tiny/3-a/1 first; give maxima of the same"
    ):
        of_file(file)


def test_a_feature_with_two_rows_is_named(tmp_path: Path) -> None:
    file = in_csv(tmp_path, pd.concat([table(), table().iloc[[3]]]))
    with pytest.raises(InputError, match=r"has the feature tiny/4-a/0 twice; keep one"):
        of_file(file)


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "no maximum"), (-0.5, r"the maximum -0\.5"), (np.inf, "the maximum inf")]
)
def test_what_is_no_maximum_is_named(tmp_path: Path, value: float, said: str) -> None:
    changed = [*VALUES[:4], value]
    with pytest.raises(InputError, match=rf"has {said} for tiny/4-a/1; a largest activation is a number from 0"):
        of_file(in_csv(tmp_path, table(max=changed)))
    np.savez(tmp_path / "m.npz", np.array([changed[3:]] * 2))
    with pytest.raises(InputError, match=rf"has {said} for tiny/3-a/1; "):
        of_file(tmp_path / "m.npz", sae_set(2, 2))


def test_an_imported_run_has_no_maxima(tmp_path: Path) -> None:
    saved_run(tmp_path / "edges", [np.nan] * 5)
    with pytest.raises(InputError, match=r"features\.parquet has no maximum for tiny/3-a/0"):
        of_run(str(tmp_path / "edges"))


def test_a_run_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path))
    with pytest.raises(RunError, match=r"no run at .*/none .*see: saedb runs"):
        of_run("none")


def test_a_run_without_its_features_is_named(tmp_path: Path) -> None:
    run = saved_run(tmp_path / "run", VALUES)
    (run.path / rundir.FEATURES_FILE).unlink()
    with pytest.raises(RunError, match=r"features\.parquet is missing"):
        of_run(str(run.path))


def test_a_column_that_is_missing_is_named_with_those_there(tmp_path: Path) -> None:
    file = in_csv(tmp_path, table().rename(columns={"max": "largest"}))
    with pytest.raises(InputError, match=r"has no column 'max', it has id, largest; name two id and max"):
        of_file(file)


def test_a_column_that_holds_no_numbers_is_named(tmp_path: Path) -> None:
    file = in_csv(tmp_path, table(max=["1", "2", "much", "3", "4"]))
    with pytest.raises(InputError, match=r"maxima\.csv cannot be read \(.*'much'"):
        of_file(file)
    table(max=["1", "2", "much", "3", "4"]).to_parquet(tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"m\.parquet cannot be read \(.*'much'"):
        of_file(tmp_path / "m.parquet")
    table(max=[[1.0]] * 5).to_parquet(tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"m\.parquet cannot be read \(.*list"):
        of_file(tmp_path / "m.parquet")


@pytest.mark.parametrize("name", ["m.parquet", "m.csv", "m.jsonl", "m.npz"])
def test_a_file_that_is_missing_empty_or_of_another_kind_is_one_line(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with pytest.raises(InputError, match=rf"no file .*{name}"):
        of_file(file)
    for content in (b"", gzip.compress(b"id,max\n" * 100)):
        file.write_bytes(content)
        with pytest.raises(InputError, match=rf"{name} (cannot be read|has no column)") as raised:
            of_file(file)
        assert "\n" not in str(raised.value)


def test_a_truncated_npz_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "m.npz"
    np.savez(file, np.ones((2, 2)))
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"m\.npz cannot be read \(.*\); give a whole \.npz file"):
        of_file(file, sae_set(2, 2))


@pytest.mark.parametrize("place", [70, 300])
def test_a_damaged_npz_is_one_line(tmp_path: Path, place: int) -> None:
    file = tmp_path / "m.npz"
    np.savez_compressed(file, np.random.default_rng(0).random((2, 200)))
    content = bytearray(file.read_bytes())
    content[place : place + 20] = b"\xff" * 20
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.npz cannot be read \(.*\); give a whole \.npz file"):
        of_file(file, sae_set(200, 200))


def test_an_npy_called_npz_is_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.ones((2, 2)))
    with pytest.raises(InputError, match=r"m\.npz cannot be read \("):
        of_file((tmp_path / "m.npy").rename(tmp_path / "m.npz"), sae_set(2, 2))


def test_a_folder_or_a_name_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no table of maxima; its name should end in \.parquet, \.csv"):
        of_file(tmp_path)
    folder = tmp_path / "m.csv"
    folder.mkdir()
    with pytest.raises(InputError, match=r"m\.csv cannot be read"):
        of_file(folder)


def test_an_npz_of_another_array_or_shape_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.npz"
    np.savez(file, maxima=np.ones((2, 2)))
    with pytest.raises(InputError, match=r"has maxima, not arr_0; give one \[SAEs, d_sae\]"):
        of_file(file, sae_set(2, 2))
    np.savez(file, np.ones((3, 2)))
    with pytest.raises(InputError, match=r"arr_0 is \[3, 2\], the run has 2 SAEs of 2 features"):
        of_file(file, sae_set(2, 2))
    with pytest.raises(InputError, match=r"arr_0 is \[3, 2\], the run has 2 SAEs of 2 or 3 features"):
        of_file(file, sae_set(2, 3))


def test_an_npz_of_objects_or_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.npz"
    for content in (np.full((2, 2), None), np.full((2, 2), "1.5x")):
        np.savez(file, content)
        with pytest.raises(InputError, match=r"m\.npz cannot be read \("):
            of_file(file, sae_set(2, 2))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"max_from": "other", "relative_threshold": 0.25}, [8.0, 0.0]),
        ({"max_activations": "a.csv", "relative_threshold": 0.25}, [8.0, 0.0]),
        ({"max_from": "other", "relative_threshold": 0.0}, [3.0, np.nan]),  # which tells nothing of them
        ({"max_from": None, "max_activations": None, "relative_threshold": 0.25}, [3.0, np.nan]),
        ({"relative_threshold": 0.25}, [3.0, np.nan]),
    ],
)
def test_thresholds_are_shares_of_given_maxima_or_of_its_own(settings: dict[str, Any], wanted: list[float]) -> None:
    features = pa.table({"threshold": [2.0, 0.0], "max": pa.array([3.0, None])})
    np.testing.assert_equal(maxima.of_thresholds(settings, features), wanted)
