from typing import Any, Final

import pytest
from rich.cells import cell_len

from saedb.cli.gate_text import gate_lines, split_lines, truth_table

GATE: Final[dict[str, Any]] = {
    "kind": "AND",
    "inputs": ["m/13-demo/12", "m/13-demo/77"],
    "input_labels": ["every, each", "one, each, none"],
    "output": "m/14-demo/5",
    "label": "each",
    "f1": 0.914,
    "f1_chosen": 0.881,
    "gain": 0.302,
    "tokens": [9000, 299, 1920, 77],
    "active": [4, 0, 15, 77],
}
THREE: Final = {
    **GATE,
    "kind": "OR",
    "inputs": [f"m/13-demo/{10**i}" for i in range(3)],
    "input_labels": ["a long label of words " * 3, "short", None],
}
SPLIT: Final = {
    "parent": "m/1-a/2",
    "parent_label": "Federal",
    "children": ["m/2-a/30", "m/2-a/4"],
    "child_labels": ["Federal Reserve " * 9, None],
    "shares": [0.501, 0.3],
    "coverage": 0.9,
    "coverage_chosen": 0.8,
    "overlap": 0.02,
}


def test_a_gate_is_its_formula_its_ids_and_its_table() -> None:
    assert gate_lines(GATE, 80) == [
        "{every, each} AND {one, each, none} -> {each}   F1 0.91 (0.88), gain 0.30",
        "    13-demo/12 AND 13-demo/77 -> 14-demo/5",
        "    only first 1,920/15, only second 299/0, both 77/77",
    ]


def test_an_and_not_says_which_input_is_negated_and_unknown_scores_are_open() -> None:
    lines = gate_lines({**GATE, "kind": "AND_NOT", "f1": None, "f1_chosen": None}, 90)
    assert lines[0] == "{every, each} AND NOT {one, each, none} -> {each}   F1 ?, gain 0.30"
    assert lines[1] == "    13-demo/12 AND NOT 13-demo/77 -> 14-demo/5"


def test_of_two_inputs_every_combination_is_shown_and_of_three_those_that_occur() -> None:
    assert truth_table([5, 0, 1, 0], [0, 0, 1, 0]) == ["only first 1/1", "only second 0/0", "both 0/0"]
    assert truth_table([9, 1, 2, 3, 4, 0, 6, 7], [0, 0, 2, 1, 4, 0, 5, 7]) == [
        "only first 4/4",
        "only second 2/2",
        "only third 1/0",
        "first and second 6/5",
        "second and third 3/1",
        "all 7/7",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_lines_fit_labels_are_cut_and_ids_stay_whole(width: int) -> None:
    tables = {"tokens": [9, 1, 2, 3, 4, 5, 6, 7], "active": [0, 1, 2, 3, 4, 5, 6, 7]}
    lines = gate_lines({**THREE, **tables}, width)
    assert max(map(cell_len, lines)) <= width
    assert "…" in lines[0]
    assert "{short}" in lines[0], "the longest label gives way first"
    assert all(id_.removeprefix("m/") in "".join(lines) for id_ in [*THREE["inputs"], THREE["output"]])
    assert max(map(cell_len, split_lines(SPLIT, width))) <= width


def test_a_narrow_terminal_breaks_lines_between_ids_and_between_counts() -> None:
    assert gate_lines(GATE, 30) == [
        "{every, …} AND {one, ea…} -> {each}",
        "    F1 0.91 (0.88), gain 0.30",
        "    13-demo/12 AND 13-demo/77",
        "    -> 14-demo/5",
        "    only first 1,920/15,",
        "    only second 299/0,",
        "    both 77/77",
    ]


def test_away_from_a_terminal_nothing_is_cut() -> None:
    assert THREE["input_labels"][0] in gate_lines({**THREE, "tokens": [1] * 8, "active": [0] * 8}, 100_000)[0]


def test_a_split_is_its_parent_and_the_share_of_each_part() -> None:
    first, second, third = split_lines(SPLIT, 60)
    assert first == "{Federal}   2 parts, coverage 0.90 (0.80), overlap 0.02"
    assert second.startswith("    0.50  2-a/30  {Federal Reserve Federal")
    assert third == "    0.30  2-a/4  {no label}"


def test_labels_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in gate_lines({**GATE, "label": "\x1b[31mred"}, 100)[0]
    assert "\x1b" not in split_lines({**SPLIT, "child_labels": ["\x1b[31m", "a\nb"]}, 100)[1]
