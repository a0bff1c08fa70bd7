"""What files of labels hold, whatever their form."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from labelfiles import explanation, export

from saedb.ingest.errors import InputError
from saedb.ingest.labelling import files
from saedb.ingest.labelling.labelled import LONGEST, Labelled, UselessError, cleaned


def read(path: Path) -> list[Labelled | str]:
    """Return the labels of a file or folder, and of rows that hold none the place and the reason."""
    found: list[Labelled | str] = []
    for file in files.found([path]):
        for where, row in files.read(file, lambda _: None):
            found.append(f"{where} {row}" if isinstance(row, UselessError) else row)
    return found


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_line_of_an_export_is_a_label_with_its_provenance(tmp_path: Path) -> None:
    (found,) = read(export(tmp_path, explanation("6-res-jb", "204", " time-related\nphrases ")))
    assert found == Labelled(
        sae="toy/6-res-jb",
        feature=204,
        text="time-related phrases",
        author="gpt-4o-mini",
        method="oai_token-act-pair",
        source="neuronpedia",
    )


@pytest.mark.parametrize(
    ("other", "author", "score"),
    [
        ({"explanationModelName": None}, "cl0000", None),
        ({"explanationModelName": None, "author": {"name": "ann"}}, "ann", None),
        ({"scores": [{"value": 0.25}, {"value": 0.75}, {"value": None}]}, "gpt-4o-mini", 0.75),
        ({"scores": []}, "gpt-4o-mini", None),
        ({"scores": "none"}, "gpt-4o-mini", None),
    ],
)
def test_an_author_is_a_model_or_a_person_and_a_score_the_highest(
    tmp_path: Path, other: dict[str, Any], author: str, score: float | None
) -> None:
    (found,) = read(export(tmp_path, explanation("6-res-jb", 1, "a", **other)))
    assert isinstance(found, Labelled)
    assert (found.author, found.score) == (author, score)


API = {
    "modelId": "toy",
    "layer": "6-res-jb",
    "index": "7",
    "explanations": [{"description": "a", "explanationModelName": "m", "typeName": "t"}, {"description": "b"}],
}
NODES = {
    "nodes": [{"id": "6_7", "layer": 6, "feature": 7, "explanation": "a"}, {"layer": 6, "feature": 8}],
    "links": [],
}
ONE = ("toy/6-res-jb", 7, "a")
TABLE = "layer,feature,explanation\n6,7,a\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (json.dumps(API), [ONE, ("toy/6-res-jb", 7, "b")]),
        (json.dumps(API, indent=2), [ONE, ("toy/6-res-jb", 7, "b")]),
        (json.dumps([API, API]), [ONE, ("toy/6-res-jb", 7, "b")] * 2),
        (json.dumps(API) + "\n" + json.dumps(API), [ONE, ("toy/6-res-jb", 7, "b")] * 2),
        (json.dumps([explanation("6-res-jb", 7, "a")], indent=1), [ONE]),
        (json.dumps({"explanations": [explanation("6-res-jb", 7, "a")]}), [ONE]),
        ("\n" + json.dumps(explanation("6-res-jb", 7, "a")) + "\n\n", [ONE]),
        ("\ufeff" + json.dumps(explanation("6-res-jb", 7, "a")), [ONE]),
        (json.dumps(NODES, indent=1), [("6", 7, "a"), ("6", 8, "")]),
        (json.dumps(NODES), [("6", 7, "a"), ("6", 8, "")]),
        (TABLE, [("6", 7, "a")]),
        ("\ufeff" + TABLE, [("6", 7, "a")]),
        (TABLE.replace(",", "\t"), [("6", 7, "a")]),
        (TABLE.replace(",", ";"), [("6", 7, "a")]),
        (TABLE.replace("\n", "\r\n"), [("6", 7, "a")]),
        ('Layer,Feature Index,Label\n6-res-jb,7,"a, ""b""\nc"\n', [("6-res-jb", 7, 'a, "b" c')]),
        ("feature,label\ntoy/6-res-jb/7,a\n6/8,b\n\n", [ONE, ("6", 8, "b")]),
        ("id,text\n6-res-jb/7,a\n", [("6-res-jb", 7, "a")]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_form_is_told_by_the_content(
    tmp_path: Path, content: str, expected: list[tuple[str, int, str]], packed: bool
) -> None:
    encoded = gzip.compress(content.encode()) if packed else content.encode()
    found = [row for row in read(written(tmp_path / "labels", encoded)) if isinstance(row, Labelled)]
    assert [(row.sae, row.feature, row.text) for row in found] == expected


def test_a_table_may_tell_author_method_score_and_source(tmp_path: Path) -> None:
    header = "feature,label,source,author,method,score,note\n"
    table = written(tmp_path / "t.csv", f"{header}6/7,a,our lab,Ann,by hand,0.5,x\n6/8,b,,,,high,\n")
    assert read(table) == [
        Labelled(sae="6", feature=7, text="a", author="Ann", method="by hand", score=0.5, source="our-lab"),
        Labelled(sae="6", feature=8, text="b"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "no JSON"),
        ("[]]", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("3", "no JSON object"),
        (json.dumps({"modelId": "toy", "layer": "6-res-jb", "index": "1"}), "no description"),
        (json.dumps({"index": "1", "description": "a"}), "no layer"),
        (json.dumps(explanation("6-res-jb", "x", "a")), "index 'x' is no number"),
        (json.dumps(explanation("6-res-jb", "", "a")), "no index"),
        (json.dumps(explanation("6-res-jb", True, "a") | {"index": True}), "index 'True' is no number"),
        (json.dumps(API | {"explanations": ["a"]}), "no JSON object"),
    ],
)
def test_a_line_that_holds_no_label_is_told_and_the_others_are_read(tmp_path: Path, line: str, reason: str) -> None:
    good = explanation("6-res-jb", 7, "a")
    for place, rows in ((2, (good, line, good)), (1, (line, good, good)), (3, (good, good, line))):
        if place == 1 and line[0] not in "{[":
            continue  # no file of JSON begins so
        found = read(export(tmp_path, *rows))
        (told,) = [row for row in found if isinstance(row, str)]
        assert told.startswith(f"batch-0.jsonl.gz:{place}")
        assert reason in told
        assert len(found) == 3


def test_rows_of_a_table_that_hold_no_label_are_told(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "layer,index,label\n6,7,a\n6\n6,x,b\n,8,c\n6,9,d\n")
    found = read(table)
    assert [row for row in found if isinstance(row, str)] == [
        "t.csv:3 1 cells, the header has more",
        "t.csv:4 index 'x' is no number",
        "t.csv:5 no layer",
    ]
    assert len(found) == 5
    assert "t.csv:2 'court' is no id such as" in str(read(written(tmp_path / "t.csv", "feature,label\ncourt,a\n"))[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("page.gz", b"\n<!DOCTYPE html><html>", r"page\.gz is a web page, not the file itself; download that"),
        ("cut.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 9000)[:60], "ends too early: it was not downloaded whole"),
        ("bad.gz", gzip.compress(b'{"a": 1}\n' * 9000)[:-8] + b"\0" * 8, "is damaged .*; fetch it again"),
        ("wide.csv", "feature,label\n6/7,a\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("wide.csv", "feature,label\n6/7,a\n".encode("utf-16-le"), "is binary; give JSON lines"),
        ("latin.csv", "feature,label\n6/7,caf\xe9\n".encode("latin-1"), r"is not UTF-8 text \(byte 0xe9\); save it as"),
        ("empty.csv", b"", "is empty; fetch it again"),
        (
            "none.csv",
            b"6,7,a court\n6,8,b\n",
            r"begins with '6', '7', 'a court'; its first line should name the columns",
        ),
        ("few.csv", b"layer,label\n6,a\n", "its first line should name the columns: feature .* and label"),
        ("broken.json", b'{\n "nodes": [\n', "is no JSON .*; fetch it again"),
        ("table.parquet", b"PAR1\0\0", "is binary"),
    ],
)
def test_what_is_no_file_of_labels_is_told_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(written(tmp_path / name, content))
    assert "\n" not in str(error.value)


def test_a_file_or_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere cannot be read: No such file"):
        read(tmp_path / "nowhere")
    written(tmp_path / "notes.txt", "hello")
    with pytest.raises(InputError, match=r"no labels in folder .*; it should have files of \.jsonl"):
        read(tmp_path)


def test_a_folder_is_read_batch_by_batch_and_of_an_export_only_the_explanations(tmp_path: Path) -> None:
    for number in (10, 2, 0):
        export(
            tmp_path / "6-res-jb/explanations", explanation("6-res-jb", number, "a"), name=f"batch-{number}.jsonl.gz"
        )
    export(tmp_path / "6-res-jb/explanations-o3", explanation("6-res-jb", 99, "a"))
    export(tmp_path / "6-res-jb/activations", {"index": "1", "values": []})
    export(tmp_path / "6-res-jb", {"id": "source"}, name="source.jsonl")
    for folder in (tmp_path, tmp_path / "6-res-jb"):
        assert [row.feature for row in read(folder) if isinstance(row, Labelled)] == [0, 2, 10, 99]
    folder = tmp_path / "6-res-jb/explanations"
    assert [file.name for file in files.found([folder])][:2] == [
        "explanations/batch-0.jsonl.gz",
        "explanations/batch-2.jsonl.gz",
    ]


def test_all_bytes_of_a_file_are_counted(tmp_path: Path) -> None:
    path = export(tmp_path, *[explanation("6-res-jb", n, f"text {n}") for n in range(5000)])
    counts: list[int] = []
    (file,) = files.found([path])
    assert sum(1 for _ in files.read(file, counts.append)) == 5000
    assert sum(counts) == file.size == path.stat().st_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a\tb\r\n c ", "a b c"),
        ("a\x00\x1b[31mb\u202e", "a[31mb"),
        ("caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c"),
        ("a\ud800b", "ab"),
        ("x" * 501, "x" * 499 + "…"),
        (None, ""),
        (3, ""),
        (" \n", ""),
    ],
)
def test_texts_are_one_line_of_what_can_be_printed(text: object, expected: str) -> None:
    assert cleaned(text) == expected
    assert len(cleaned(text)) <= LONGEST
