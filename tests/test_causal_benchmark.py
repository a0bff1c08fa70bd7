"""What the benchmark of ablation holds saedb against finds the same, and takes nothing for granted."""

from pathlib import Path

import causalmodel
import numpy as np
import pytest
from benchmarks import causal
from benchmarks.onebyone import OneByOne
from causalmodel import CARRIED, CAUSE, COMPANION, SUM

from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.causal.stage import Ablation
from saedb.ingest.pipeline import ingest
from saedb.ingest.prompts.loading import loaded
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return ingest(causalmodel.config(tmp_path), tmp_path / "run")


def test_one_edge_at_a_time_has_the_same_effects(run: RunDirectory) -> None:
    u, d = run.record.pairs[0]
    ends = ((CAUSE, CARRIED), (COMPANION, CARRIED), (COMPANION, SUM))
    edges = [(f"{run.record.model}/{u}/{up}", f"{run.record.model}/{d}/{down}") for up, down in ends]
    parts = loaded(run)
    others = OneByOne(run, parts, edges)
    others.find()
    assert list(others.effects.values()) == pytest.approx([1.0, 0.0, 0.5], abs=1e-5)
    assert others.copies > 0

    with run.writing():
        saes = {sae.id: sae for sae in parts.saes}
        Ablation(run, Stages(lambda *_: None), parts.model, saes, AblationSettings(contexts=1000)).write(edges)
    found = causal.effects(RunDirectory.open(run.path))
    assert found == pytest.approx(others.effects, abs=1e-5)


def test_one_product_has_the_same_nearest_decoders() -> None:
    upstream, downstream = causal.decoders(300, 32)
    found = causal.by_product(upstream, downstream)
    assert found == causal.by_tiles(upstream, downstream)
    assert len(found) > 300
    cosines = np.array([np.dot(upstream[u], downstream[d]) for u, d in sorted(found)])
    assert (cosines > 0).all()


def test_figures_come_with_what_they_were_made_from() -> None:
    sizes = causal.Sizes(tokens=1, width=128, d_in=16, rounds=1)
    found = {figure.kind.name: figure for figure in causal.nearest(sizes)}
    assert set(found) == {kind.name for kind in (causal.NEAREST, causal.SAME, causal.MEMORY)}
    assert found[causal.SAME.name].met
    assert "saedb" in found[causal.NEAREST.name].measured
