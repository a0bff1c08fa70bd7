import dataclasses
from typing import Any

import pytest

from saedb.cli.feature_page import page
from saedb.cypher.feature import FeatureRecord


def record(**known: Any) -> FeatureRecord:
    """Return a feature of which nothing else is known."""
    empty = {field.name: None for field in dataclasses.fields(FeatureRecord)}
    lists = {name: [] for name in ("labels", "label_sources", "top_tokens", "promoted_tokens", "examples", "histogram")}
    motifs = dict.fromkeys(("output_of", "input_of", "parent_of", "child_of", "inputs", "outputs"), ())
    return FeatureRecord(**{**empty, **lists, **motifs, "run": "r", "id": "m/0-a/1", **known})


def line(**known: Any) -> str | None:
    lines = page(record(**known), "pearson").splitlines()
    return next((line for line in lines if line.startswith("  histogram")), None)


def test_the_histogram_is_a_line_of_blocks_that_grow_with_the_logarithm_of_the_counts() -> None:
    counts = [10**7 - 1, 10**6, 10**4, 100, 9, 1, 0, 0, 1, 2]
    assert line(histogram=counts, max=12.345) == "  histogram   0 █▇▅▃▂▁  ▁▁ 12.3  tokens by activation, log scale"


@pytest.mark.parametrize("counts", [[0, 0, 1], [0, 0, 5]])
def test_the_largest_count_is_the_highest_block(counts: list[int]) -> None:
    assert line(histogram=counts, max=1.0) == "  histogram   0   █ 1  tokens by activation, log scale"


@pytest.mark.parametrize("counts", [[], [0, 0, 0]])
def test_without_tokens_there_is_no_histogram(counts: list[int]) -> None:
    assert line(histogram=counts, max=1.0) is None


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_histogram_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    found = line(histogram=[3] * 20, max=123.4)
    assert found is not None
    assert len(found) <= columns
    assert "█" * 20 in found


def facts(**known: Any) -> dict[str, str]:
    lines = page(record(**known), "pearson").splitlines()
    return {line[2:14].strip(): line[14:] for line in lines if line.startswith("  ")}


def test_what_was_measured_of_the_residual_stream_is_said_with_how_to_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    known = {"recovered": 0.6213, "recovered_control": -0.01, "recovered_tokens": 1234, "low_necessity": True}
    known |= {"recovered_correlation": 0.543, "recovered_slope": 0.331}
    found = facts(**known, copied=0.912, copied_ratio=0.7)
    assert found["in error"] == (
        "0.621 of it is in the next SAE's error (random direction -0.010, slope 0.33, correlation 0.54, 1,234 tokens,"
        " it vanishes; 1: as much as its activation)"
    )
    assert found["copied"] == (
        "0.912 correlation with the stream of the layer before, 0.70 of its mean (1: carried by the stream, 0: computed"
        " by this layer)"
    )
    assert "vanishes" not in facts(**{**known, "low_necessity": False})["in error"]
    assert facts(copied_ratio=0.0)["copied"] == (
        "the stream of the layer before has nothing of it: this layer computes it"
    )
    assert not {"in error", "copied"} & set(facts())
