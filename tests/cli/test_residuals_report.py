"""The chapter on residual streams, of the known graph's run directory."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from known_graph import known_run

from saedb.cli.report import paper, residuals
from saedb.cli.report.page import Section
from saedb.ingest import rundir, tables
from saedb.ingest.rundir import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return known_run(tmp_path)


def section(run: RunDirectory, anchor: str) -> Section:
    return next(section for section in residuals.sections(run) if section.anchor == anchor)


def papers(run: RunDirectory, model: str, sets: str) -> list[float]:
    """Return the paper's column of a run of some model, with SAEs of some sets."""
    ids = [f"{sae.layer}-{set_}" for sae, set_ in zip(run.record.saes, sets.split(), strict=True)]
    saes = tuple(
        replace(sae, id=id_, set=set_) for sae, id_, set_ in zip(run.record.saes, ids, sets.split(), strict=True)
    )
    run.record = replace(run.record, model=model, saes=saes, pairs=tuple(pairwise(ids)))
    data = section(run, "recovery").data
    assert data is not None
    return data["paper"].tolist()


def test_the_papers_numbers_stand_beside_its_own_saes_alone(run: RunDirectory) -> None:
    assert papers(run, "gpt2-small", "res-jb res-jb res-jb res-jb") == list(paper.RECOVERED[:3])
    expected = [paper.RECOVERED[0], np.nan, np.nan]
    np.testing.assert_equal(papers(run, "gpt2-small", "res-jb res-jb res-topk res-topk"), expected)
    assert np.isnan(papers(run, "gpt2-small", "mlp mlp mlp mlp")).all()
    assert np.isnan(papers(run, "gpt2-medium", "res-jb res-jb res-jb res-jb")).all()


def cells(pair: tuple[str, str], directions: str, count: int, outside: int) -> pd.DataFrame:
    """Return two cells of a heat map, which have so many points together."""
    rows = {
        "sae": pair[0], "next_sae": pair[1], "directions": directions, "x_low": [0.0, 0.5], "x_high": [0.5, 1.0],
        "y_low": [-0.5, 0.0], "y_high": [0.0, 0.5], "count": [1, count - 1], "outside": outside,
    }  # fmt: skip
    return pd.DataFrame(rows)


def write(run: RunDirectory, *maps: pd.DataFrame) -> None:
    rows = pd.concat(maps).to_dict("list")
    run.write(tables.HEATMAPS, rundir.HEATMAPS_FILE, [tables.rows(tables.HEATMAPS, rows)])


def test_heat_maps_say_what_they_leave_out(run: RunDirectory) -> None:
    pair = ("0-s", "1-s")
    write(
        run, cells(pair, "low_necessity", 95, 5), cells(pair, "random", 100, 0), cells(pair, "passed_through", 300, 0)
    )
    (text,) = section(run, "error-maps").text
    assert "they leave out the ends, 1.0% of all points and at most 5.0% of those of a map." in text


def test_of_two_pairs_of_an_sae_one_may_have_no_map(run: RunDirectory) -> None:
    run.record = replace(run.record, pairs=(("0-s", "1-s"), ("0-s", "2-s")))
    write(run, cells(("0-s", "2-s"), "low_necessity", 10, 0))
    found = section(run, "error-maps")
    assert found.figure is not None
    assert len(found.figure.data) == 3
