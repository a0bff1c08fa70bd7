"""The summary of a run, on the graph whose every answer is known."""

import re
from collections.abc import Iterator
from dataclasses import replace

import known_graph
import pytest
from click import unstyle
from rich.cells import cell_len

from saedb.cli.summary import _rate, next_steps, summary
from saedb.cypher.graph import Graph
from saedb.cypher.server.local import LocalServer
from saedb.ingest.record import GatesRecord
from saedb.ingest.rundir import RunDirectory

RECORD = GatesRecord(
    settings={},
    tested={"AND": 4000, "OR": 30, "AND_NOT": 20},
    kept={"AND": 4, "OR": 2, "AND_NOT": 0},
    chance={"AND": 0.2, "OR": 0.0, "AND_NOT": 0.0},
)


@pytest.fixture(scope="module")
def shown(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Graph, RunDirectory]]:
    folder = tmp_path_factory.mktemp("known")
    with known_graph.loaded(server, folder) as graph:
        run = RunDirectory.open(folder / known_graph.KNOWN)
        run.record = replace(run.record, gates=RECORD)
        yield graph, run


def _cells(lines: list[str], kind: str) -> list[str]:
    return next(re.split(r"  +", line) for line in lines if line.startswith(f"{kind}  "))


def test_gates_are_counted_by_kind_with_chance_and_the_papers_rule_beside_them(
    shown: tuple[Graph, RunDirectory],
) -> None:
    lines = summary(*shown, 100).splitlines()
    assert _cells(lines, "AND") == ["AND", "4,000", "4", "0.2000", "0.0500", "2 / 1 / 1", "1 / 0 / 0"]
    assert _cells(lines, "OR") == ["OR", "30", "2", "0.0000", "0.0000", "2 / 2 / 2", "1 / 1 / 1"]
    assert _cells(lines, "AND NOT") == ["AND NOT", "20", "0", "0.0000", "-", "-", "-"]


def test_the_layers_are_counted_by_the_states_of_the_run(shown: tuple[Graph, RunDirectory]) -> None:
    graph, run = shown
    usual = _cells(summary(graph, run, 100).splitlines(), "0-s")
    two_states = {"passed_through": 0.95, "vanishing": 0.95, "separate_dead": False}
    paper = RunDirectory(run.path, replace(run.record, config=two_states))
    assert usual[3:] == ["6", "1", "0", "-", "2", "1", "2", "7"]
    assert _cells(summary(graph, paper, 100).splitlines(), "0-s")[3:] == ["6", "1", "0", "-", "2", "0", "4", "7"]


def test_chance_that_is_all_is_a_hundred_of_a_hundred() -> None:
    assert [_rate(rate, 5) for rate in (None, 0.00123, 0.5, 0.999, 1.0, 1.2)] == [
        "-",
        "0.12",
        "50",
        "100",
        "100",
        "120",
    ]
    assert _rate(0.0, 0) == "0"


def test_the_best_gates_and_splits_are_shown_with_their_counts(shown: tuple[Graph, RunDirectory]) -> None:
    lines = summary(*shown, 100).splitlines()
    place = lines.index("  {north} AND {law of trade} -> {northern trade}   F1 0.95 (0.95), gain 0.50")
    assert lines[place + 1] == "      only first 280/1, only second 10/1, both 20/18"
    assert "  {Monday} OR {Tuesday} -> {weekday}   F1 0.97 (0.97), gain 0.40" in lines
    assert "  {sea and/or *:*} AND NOT {north} -> {islands}   F1 0.80 (0.80), gain 0.10" in lines
    place = lines.index("  {sea and/or *:*}   2 parts, coverage 0.68, overlap 0.05")
    assert lines[place + 1] == "      0.40 {islands}, 0.30 {northern trade}"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits_the_terminal(shown: tuple[Graph, RunDirectory], width: int) -> None:
    lines = unstyle(summary(*shown, width)).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert width < 100 or len(lines) <= 45


def test_of_motifs_that_were_not_looked_for_only_the_command_is_named(shown: tuple[Graph, RunDirectory]) -> None:
    graph, run = shown
    bare = RunDirectory(run.path, replace(run.record, gates=None, splits=None))
    text = summary(graph, bare, 100)
    assert "Gates" not in text
    assert "split" not in text
    assert f"saedb gates {known_graph.KNOWN}" in next_steps(graph, bare, None)
    assert f"saedb query gates --run {known_graph.KNOWN}" in next_steps(graph, run, None)
    assert f"saedb query splits --run {known_graph.KNOWN}" in next_steps(graph, run, None)
