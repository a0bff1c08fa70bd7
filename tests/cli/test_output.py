import csv
import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from neo4j.time import Date
from rich.cells import cell_len

from saedb.cli.output import Output, columns_of, show
from saedb.cypher.query import Column

ID = "smollm2/14-demo/1234"
COLUMNS = (
    Column(name="feature", type="feature"),
    Column(name="label", type="string"),
    Column(name="best_pearson", type="float"),
    Column(name="density", type="float", unit="share"),
    Column(name="support", type="integer", unit="tokens"),
)
ROWS: list[dict[str, Any]] = [
    {"feature": ID, "label": "courts and judges, " * 5, "best_pearson": 0.97312, "density": 1.25e-5, "support": 12345},
    {"feature": "smollm2/4-demo/1", "label": None, "best_pearson": 1.0, "density": None, "support": 7},
]


def _shown(
    capsys: pytest.CaptureFixture[str], rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], output: Output
) -> str:
    show(rows, columns, output)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [76, 100, 200])
def test_a_table_fits_the_terminal_with_ids_and_numbers_whole(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = _shown(capsys, ROWS, COLUMNS, "table").splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[0].split() == ["best", "density", "support"]
    assert lines[1].split() == ["feature", "label", "pearson", "(share)", "(tokens)"]
    first, second = lines[3:]
    assert first.split()[0] == ID
    assert first.split()[-3:] == ["0.9731", "1.25e-05", "12,345"]
    assert second.split() == ["smollm2/4-demo/1", "-", "1.0000", "-", "7"]
    assert ("…" in first) == (width < 150)
    assert first.index("12,345") + 6 == second.index("7") + 1, "numbers are aligned at the right"


def test_ids_go_without_the_model_that_they_share_where_they_would_be_too_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = _shown(capsys, ROWS, COLUMNS, "table").splitlines()
    assert max(map(cell_len, lines)) <= 60
    assert [line.split()[0] for line in lines[3:5]] == ["14-demo/1234", "4-demo/1"]
    assert lines[5] == "(ids without smollm2/)"
    assert f'"{ID}"' in _shown(capsys, ROWS, COLUMNS, "json")
    others = [ROWS[0], {**ROWS[1], "feature": "gpt2/4-demo/1"}]
    assert ID in _shown(capsys, others, COLUMNS, "table").splitlines()[0], "a block: two models"


def test_a_narrow_terminal_gets_a_block_for_each_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    blocks = _shown(capsys, ROWS, COLUMNS, "table").split("\n\n")
    assert len(blocks) == 2
    names, values = zip(*(line.split("  ", 1) for line in blocks[0].splitlines()), strict=True)
    assert names == ("feature", "label", "best pearson", "density (share)", "support (tokens)")
    assert [value.strip() for value in values] == [ID, "courts and judges, co…", "0.9731", "1.25e-05", "12,345"]


def test_away_from_a_terminal_nothing_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    long = "long label " * 100
    shown = _shown(capsys, [{**ROWS[0], "label": long}], COLUMNS, "table")
    assert long.strip() in shown
    assert not any(line.endswith(" ") for line in shown.splitlines())
    assert "\x1b" not in shown


def test_lists_have_a_line_for_each_item(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = (Column(name="inputs", type="feature", many=True), Column(name="labels", type="string", many=True))
    rows = [{"inputs": [ID, "b/1-s/2"], "labels": ["x " * 50, None]}, {"inputs": [], "labels": []}]
    lines = _shown(capsys, rows, columns, "table").splitlines()
    assert lines[2].startswith(f"{ID}  x x")
    assert lines[3].split() == ["b/1-s/2", "-"]


def test_text_from_files_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = _shown(capsys, [{"label": "a\x1b[31mred\n[bold]b\x9b"}], [Column(name="label", type="string")], "table")
    assert shown.splitlines()[-1] == "a\\x1b[31mred\\n[bold]b\\x9b"


def test_wide_characters_take_two_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    shown = _shown(capsys, [{"label": "漢字" * 20, "n": 1}], columns_of([{"label": "漢 字", "n": 1}]), "table")
    assert max(map(cell_len, shown.splitlines())) <= 30


def test_json_is_a_list_of_objects(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"a": float("nan"), "b": [1, None], "c": "é", "d": Date(2026, 1, 2), "e": {"x": True}}]
    shown = _shown(capsys, rows, columns_of(rows), "json")
    assert json.loads(shown) == [{"a": None, "b": [1, None], "c": "é", "d": "2026-01-02", "e": {"x": True}}]
    assert _shown(capsys, [], COLUMNS, "json") == "[]\n"


def test_csv_has_a_header_and_full_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*ROWS, {**ROWS[0], "label": 'a, "b"\nc'}]
    found = list(csv.reader(io.StringIO(_shown(capsys, rows, COLUMNS, "csv"))))
    assert found[0] == [column.name for column in COLUMNS]
    assert found[1][2:] == ["0.97312", "1.25e-05", "12345"]
    assert found[2][1] == ""
    assert found[3][1] == 'a, "b"\nc'
    listed = _shown(capsys, [{"ids": ["a", "b"]}], [Column(name="ids", type="feature", many=True)], "csv")
    assert json.loads(next(csv.DictReader(io.StringIO(listed)))["ids"]) == ["a", "b"]


def test_an_empty_result_says_so_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show([], COLUMNS, "table", empty="lower --min-pearson")
    assert tuple(capsys.readouterr()) == ("", "lower --min-pearson\n")
    show([], COLUMNS, "csv")
    assert capsys.readouterr().out == "feature,label,best_pearson,density,support\n"


def test_numbers_keep_as_many_digits_as_are_useful(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    def column(*values: float) -> list[str]:
        rows = [{"x": value} for value in values]
        return _shown(capsys, rows, [Column(name="x", type="float")], "table").split()[2:]

    assert column(0.99949, 0.5, 0.0) == ["0.9995", "0.5000", "0.0000"]
    assert column(1234.567, 2.0) == ["1,234.57", "2.00"]
    assert column(0.00012345, 0.5) == ["0.000123", "0.5"]


def test_types_of_free_columns_come_from_their_values() -> None:
    row = {"n": 1, "x": 1.5, "id": "m/1-s/2", "label": "a b", "ids": ["m/1-s/2"], "yes": True, "none": None}
    assert [(c.type, c.many) for c in columns_of([row])] == [
        ("integer", False),
        ("float", False),
        ("feature", False),
        ("string", False),
        ("feature", True),
        ("string", False),
        ("string", False),
    ]


def test_plain_results_need_no_driver() -> None:
    code = (
        "import sys; from saedb.cli.output import columns_of, show\n"
        "rows = [{'a': 1, 'b': 0.5}]\n"
        "show(rows, columns_of(rows), 'table'); show(rows, columns_of(rows), 'json')\n"
        "print(sorted({'neo4j', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"
