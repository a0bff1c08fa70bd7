import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from saedb.ingest import text
from saedb.ingest.demo.text import documents
from saedb.ingest.errors import DownloadError, InputError


def read(source: Path | str, **options: str) -> list[tuple[str, str]]:
    return [(document.id, document.text) for document in text.documents(str(source), **options)]


def json_lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("\ufeffone\n\ntwo", encoding="utf-8")
    assert read(file) == [("a.txt", "one\n\ntwo")]


def test_each_line_of_json_is_a_document_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json_lines({"text": "one"}, {"text": " "}, {"text": None}, {"text": "four"}))
    assert read(file) == [("a.jsonl:1", "one"), ("a.jsonl:4", "four")]


def test_gzip_is_read_as_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(json_lines({"text": "one"}).encode()))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"two"))
    assert read(tmp_path) == [("a.jsonl.gz:1", "one"), ("b.txt.gz", "two")]


def test_rows_of_csv_are_documents_however_long(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    long = "x" * 200_000
    file.write_text(f'id,text\n1,"one,\nand more"\n2,{long}\n')
    assert read(file) == [("a.csv:1", "one,\nand more"), ("a.csv:2", long)]


def test_rows_of_parquet_are_documents(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"number": [1, 2, 3], "story": ["one", None, "three"]}), file)
    assert read(file) == [("a.parquet:1", "one"), ("a.parquet:3", "three")]


def test_files_of_a_folder_come_by_path(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/1.txt", "a.txt", "c.txt", "notes.md"):
        (tmp_path / name).write_text(name)
    assert read(tmp_path) == [(name, name) for name in ("a.txt", "b/1.txt", "c.txt")]


def test_an_empty_file_in_a_folder_is_left_out(tmp_path: Path) -> None:
    for name in ("a.txt", "a.jsonl", "a.csv"):
        (tmp_path / name).touch()
    (tmp_path / "b.txt").write_text("two")
    assert read(tmp_path) == [("b.txt", "two")]


def test_the_column_called_text_is_taken_and_another_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json_lines({"title": "one", "text": "two"}))
    assert read(file) == [("a.jsonl:1", "two")]
    assert read(file, column="title") == [("a.jsonl:1", "one")]


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ({"title": "one", "body": "two"}, None, r"several columns of text; choose one with --column from title, body"),
        ({"a": 1, "b": 2}, None, r"a.jsonl has no column of text; choose one with --column from a, b"),
        ({"text": "one"}, "txt", r"a.jsonl has no column 'txt'; it has text"),
        ({"text": ["one"]}, "text", r"a.jsonl:1 has list in column 'text', not text"),
    ],
)
def test_a_column_that_is_not_clear_is_an_input_error(
    tmp_path: Path, row: object, column: str | None, message: str
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json_lines(row))
    with pytest.raises(InputError, match=message):
        list(text.documents(str(file), column=column))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "holds no text"),
        ("a.txt", b" \n", "holds no text"),
        ("a.jsonl", b"", "holds no text"),
        ("a.csv", b"text\n", "holds no text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", r"not UTF-8 text \(byte 0x89\)"),
        ("a.txt", b"one\0two", "is binary"),
        ("a.jsonl", b'{"text": "one"}\n{"text"', r"a.jsonl:2 is not JSON"),
        ("a.jsonl", b"[1]\n", r"a.jsonl:1 is not a JSON object"),
        ("a.jsonl", b"\xff\xfe", "not UTF-8 text"),
        ("a.parquet", b"PAR1", r"cannot be read .*whole .parquet file"),
        ("a.txt.gz", b"plain", r"cannot be read .*whole .txt file"),
        ("a.txt.gz", gzip.compress(b"text" * 99)[:-9], r"cannot be read .*whole .txt file"),
        ("a.pdf", b"text", r"is no text that saedb reads; it reads .txt"),
    ],
)
def test_a_file_that_holds_no_text_is_an_input_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value) or name in str(caught.value)


def test_a_folder_without_text_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text in folder"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["/nowhere/a", "a/missing.jsonl.gz", "./missing", "~/missing-folder"])
def test_a_missing_file_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        read(name)


def test_the_demos_text_is_of_its_held_out_documents() -> None:
    found = read("demo")
    whole = documents("heldout")
    assert [document_id for document_id, _ in found] == [speech.id for speech in whole]
    assert all(speech.text.startswith(text) for (_, text), speech in zip(found, whole, strict=True))


def test_a_dataset_that_cannot_be_fetched_says_what_to_give_instead(unreachable_hub: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        read("NeelNanda/pile-10k")
    assert str(caught.value) == (
        f"cannot fetch dataset NeelNanda/pile-10k: {constants.ENDPOINT} cannot be reached; there is no such file or "
        "folder here; give a local file or folder of text (.txt, .jsonl, .csv, .parquet) with --dataset"
    )


def test_the_rows_of_a_dataset_are_streamed(tmp_path: Path) -> None:
    """`datasets` loads a local folder as it loads a repository; `documents` would read the files itself."""
    pq.write_table(pa.table({"number": [1, 2], "story": ["one", "two"]}), tmp_path / "train.parquet")
    found = list(text.of_dataset(str(tmp_path), column=None, split="train", revision=None))
    assert [(document.id, document.text) for document in found] == [(f"{tmp_path}:1", "one"), (f"{tmp_path}:2", "two")]
    with pytest.raises(InputError, match=r"cannot be loaded .*Bad split: nowhere") as caught:
        list(text.of_dataset(str(tmp_path), column=None, split="nowhere", revision=None))
    assert "\n" not in str(caught.value)
