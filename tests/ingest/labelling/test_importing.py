"""Labels in files, matched with the features of a run."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from handmade import handmade
from labelfiles import explanation, export

from saedb.ingest.errors import InputError
from saedb.ingest.labelling import importing
from saedb.ingest.labelling.importing import Gathered, default_source, gather
from saedb.ingest.labelling.targets import Targets
from saedb.ingest.progress import silent
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory
from saedb.ingest.tables import FEATURES

NOW = "2026-01-02T00:00:00+00:00"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return handmade(tmp_path / "runs", "run", found=False)


def gathered(run: RunDirectory, *files: Path, **options: Any) -> Gathered:
    ids = run.read(FEATURES, FEATURES_FILE)["id"].to_pylist()
    return gather(files, Targets.of(run), ids, imported=NOW, **{"report": silent, **options})


def of_model(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"modelId": "m"}


def test_labels_of_the_runs_features_are_kept_and_others_counted(run: RunDirectory, tmp_path: Path) -> None:
    rows = [
        of_model(explanation("0-a", 3, "a")),
        of_model(explanation("0-a", 99, "beyond")),
        of_model(explanation("0-a", -1, "before") | {"index": -1}),
        explanation("0-a", 3, "another model"),
        of_model(explanation("7-a", 0, "another layer")),
        of_model(explanation("2-a", 0, " ")),
        "{",
    ]
    found = gathered(run, export(tmp_path, *rows), misses=tmp_path / "misses.csv")
    columns = ("feature", "text", "source", "author", "method", "score", "file", "imported")
    (row,) = found.labels.select(list(columns)).to_pylist()
    assert tuple(row.values()) == (
        "m/0-a/3", "a", "neuronpedia", "gpt-4o-mini", "oai_token-act-pair", None, "batch-0.jsonl.gz", NOW,
    )  # fmt: skip
    assert (found.read, found.empty, found.files) == (6, 1, 1)
    assert (found.misses.count, found.misses.first) == (4, ["m/0-a/99", "m/0-a/-1", "toy/0-a/3", "m/7-a/0"])
    assert (found.useless.count, len(found.useless.first)) == (1, 1)
    with (tmp_path / "misses.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["feature", "label", "where"],
            ["m/0-a/99", "beyond", "batch-0.jsonl.gz:2"],
            ["m/0-a/-1", "before", "batch-0.jsonl.gz:3"],
            ["toy/0-a/3", "another model", "batch-0.jsonl.gz:4"],
            ["m/7-a/0", "another layer", "batch-0.jsonl.gz:5"],
        ]


def test_ten_of_many_are_listed(run: RunDirectory, tmp_path: Path) -> None:
    rows = [of_model(explanation("0-a", n, "a")) for n in range(100)]
    found = gathered(run, export(tmp_path, *rows, *["x"] * 30))
    assert (found.misses.count, len(found.misses.first)) == (89, 10)
    assert (found.useless.count, len(found.useless.first)) == (30, 10)
    assert found.useless.first[0] == "batch-0.jsonl.gz:101 (no JSON (Expecting value))"


def test_a_layer_stands_for_its_only_sae(run: RunDirectory, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("layer,index,label\n0,3,a\n2,4,b\n")
    found = gathered(run, table)
    assert found.labels["feature"].to_pylist() == ["m/0-a/3", "m/2-a/4"]
    table.write_text("layer,index,label\n0,3,a\n1,4,b\n")
    with pytest.raises(InputError, match=r"layer 1 of run run has 2 SAEs \(1-a, 1-b\); name one of them in place of"):
        gathered(run, table)
    table.write_text("layer,index,label\n0,3,a\n1-b,4,b\n2,99,c\n")
    found = gathered(run, table)
    assert found.labels["feature"].to_pylist() == ["m/0-a/3", "m/1-b/4"]
    assert found.misses.first == ["m/2-a/99"]


def test_many_labels_are_those_of_the_file_in_its_order(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_PART", 4)
    rows = [of_model(explanation("0-a", n % 11, f"text {n}")) for n in range(22)]
    found = gathered(run, export(tmp_path, *rows)).labels
    assert found["text"].to_pylist() == [row["description"] for row in rows]
    assert found["feature"].to_pylist() == [f"m/0-a/{n % 11}" for n in range(22)]


@pytest.mark.parametrize(("given", "source"), [(None, "names"), ("lab", "lab")])
def test_a_source_is_the_name_of_the_table_or_the_one_that_is_given(
    run: RunDirectory, tmp_path: Path, given: str | None, source: str
) -> None:
    table = tmp_path / "names.tsv"
    table.write_text("feature\tlabel\n0-a/3\ta\n")
    assert gathered(run, table, source=given).labels["source"].to_pylist() == [source]


@pytest.mark.parametrize(
    ("name", "source"),
    [("a.csv.gz", "a"), ("my names (1).csv", "my-names-1"), ("labels", "labels"), ("___.csv", "table")],
)
def test_the_name_of_a_table_becomes_a_source(name: str, source: str) -> None:
    assert default_source(Path(name)) == source


@pytest.mark.parametrize("source", ["auto", "a b", ""])
def test_a_source_that_is_no_name_is_refused(run: RunDirectory, tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError, match=r"auto is the source of labels that saedb makes|source '.*' must be letters"):
        gathered(run, export(tmp_path, of_model(explanation("0-a", 3, "a"))), source=source)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [explanation("6-res-jb", 1, "a")] * 2,
            r"none of the 2 labels in .*batch-0.jsonl.gz is of a feature of run run: they are of features such as "
            r"toy/6-res-jb/1, the run has such as m/0-a/0 and m/1-a/0; choose another with --run",
        ),
        ([of_model(explanation("0-a", 1, ""))], "the 1 labels in .* have no text"),
        ([{"index": "1", "values": [1]}], r"holds no labels: batch-0.jsonl.gz:1 \(no description\); it should be a"),
        ([{"error": "not found"}], r"holds no labels: batch-0.jsonl.gz:1 \(no description\)"),
        ([{"explanations": []}], "holds no labels: no rows"),
    ],
)
def test_files_without_one_label_of_the_run_are_an_error(
    run: RunDirectory, tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        gathered(run, export(tmp_path, *rows))


def test_a_damaged_file_leaves_no_list_of_misses(run: RunDirectory, tmp_path: Path) -> None:
    good = export(tmp_path / "x", of_model(explanation("0-a", 99, "a")))
    bad = tmp_path / "x/batch-1.jsonl.gz"
    bad.write_bytes(good.read_bytes()[:30])
    with pytest.raises(InputError, match=r"batch-1\.jsonl\.gz ends too early"):
        gathered(run, tmp_path / "x", misses=tmp_path / "misses.csv")
    assert not (tmp_path / "misses.csv").exists()


def test_progress_is_in_bytes_of_all_files(run: RunDirectory, tmp_path: Path) -> None:
    reports: list[tuple[int, int | None]] = []
    rows = [of_model(explanation("0-a", n % 11, json.dumps(n))) for n in range(9000)]
    for number in range(3):
        export(tmp_path / "x", *rows, name=f"batch-{number}.jsonl.gz")
    gathered(run, tmp_path / "x", report=lambda stage, done, total: reports.append((done, total)))
    size = sum(file.stat().st_size for file in (tmp_path / "x").iterdir())
    assert reports == sorted(reports)
    assert reports[-1] == (size >> 10, size >> 10)
