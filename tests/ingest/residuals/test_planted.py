"""A model of which it is known what its SAEs lack, copy and compute anew."""

import pandas as pd
import pytest
import residualmodel
from residualmodel import CAT, DOG, LAYERS, MAT, WRITTEN
from residualrun import frame, measured

from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import RunDirectory


@pytest.fixture(scope="module", params=[1.0, 3.0], ids=["unit rows", "rows of length 3"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("planted")
    run = ingest(residualmodel.config(folder, row_length=request.param), folder / "run")
    measured(run)
    return run


def row(run: RunDirectory, name: str, layer: int, direction: int) -> pd.Series:
    rows = frame(run, name).set_index("feature")
    return rows.loc[f"tiny/{layer}-saes/{LAYERS[layer].index(direction)}"]


def test_a_direction_that_the_next_sae_lacks_is_all_in_its_error(run: RunDirectory) -> None:
    found = row(run, "recovery", 0, CAT)
    assert found["feature_group"] == "low_necessity"
    assert pd.isna(found["necessity"])
    assert found[["recovered", "slope", "correlation"]].tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)
    assert abs(found["control"]) < 0.5


@pytest.mark.parametrize("direction", [DOG, MAT])
def test_of_a_feature_that_is_passed_through_nothing_is_in_the_error(run: RunDirectory, direction: int) -> None:
    found = row(run, "recovery", 0, direction)
    assert found["feature_group"] == "passed_through"
    assert found["recovered"] == pytest.approx(0.0, abs=1e-6)


def test_a_feature_that_the_residual_stream_carries_is_copied(run: RunDirectory) -> None:
    for layer in (1, 2):
        assert row(run, "copies", layer, MAT)[["copied", "ratio"]].tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


def test_a_feature_that_a_block_computes_is_not_though_edges_say_that_it_is_passed_through(run: RunDirectory) -> None:
    assert row(run, "recovery", 1, DOG)["feature_group"] == "passed_through"
    found = row(run, "copies", 2, WRITTEN)
    assert found["copied"] < 0.1
    assert found["ratio"] < 0.2


def test_a_heat_map_has_what_vanishes_on_its_diagonal_and_what_is_passed_through_at_nothing(run: RunDirectory) -> None:
    maps = frame(run, "heatmaps")
    maps = maps[maps["sae"] == "0-saes"]
    low = maps[maps["directions"] == "low_necessity"]
    for value in (2.0, 4.0):
        cell = low[(low["x_low"] <= value + 1e-6) & (low["x_high"] >= value - 1e-6)]
        assert ((cell["y_low"] <= value + 1e-6) & (cell["y_high"] >= value - 1e-6)).all()
    passed = maps[maps["directions"] == "passed_through"]
    assert ((passed["y_low"] <= 1e-6) & (passed["y_high"] >= -1e-6)).all()
    tokens = frame(run, "recovery").set_index("feature")["tokens"]
    assert low["count"].sum() + low["outside"].iloc[0] == tokens[f"tiny/0-saes/{LAYERS[0].index(CAT)}"]
