"""Medians of the known graph: the same wherever they are shown."""

from pathlib import Path

import pytest
from known_graph import known_run

from saedb.cypher.explore.profile import profile
from saedb.cypher.library import shipped
from saedb.ingest.residuals import summary
from saedb.ingest.rundir import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return known_run(tmp_path)


def test_the_layer_profile_has_the_medians_of_the_summary(run: RunDirectory) -> None:
    layers = {row["sae"]: row for row in profile(run, passed=0.95, vanishing=0.3, dead_and_rare=False)}
    known = [row for row in summary.recovery(run) if row["recovered"] is not None]
    assert [row["recovered"] for row in known] == pytest.approx([0.55, 0.65])  # not that of 5 tokens
    for row in known:
        names = {"recovered": "recovered", "random_recovered": "recovered_control", "slope": "recovered_slope"}
        for name, column in names.items():
            assert layers[row["sae"]][column] == pytest.approx(row[name]), (row["sae"], name)


@pytest.mark.parametrize(
    ("query", "parameter", "value"),
    [
        ("layer-profile", "min_tokens", summary.MIN_TOKENS),
        ("recovered", "min_tokens", summary.MIN_TOKENS),
        ("layer-profile", "rebuilt", summary.REBUILT),
        ("rebuilt", "max_copied", summary.REBUILT),
    ],
)
def test_queries_have_the_defaults_of_the_summary(query: str, parameter: str, value: float) -> None:
    assert {p.name: p.default for p in shipped()[query].parameters}[parameter] == value
