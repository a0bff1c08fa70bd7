"""The benchmark of gates counts the same sets on both sides, on layers that are what they say."""

import numpy as np
import pytest
from benchmarks.engine import statistics_of
from benchmarks.gatetexts import FOLLOWED, GateLayers
from benchmarks.generator import CONTEXT_SIZE, DOWNSTREAM, UPSTREAM
from benchmarks.intersections import Intersections

from saedb.ingest.motifs import gates
from saedb.ingest.motifs.activity import activity, halves
from saedb.ingest.motifs.settings import GateSettings
from saedb.ingest.sparse import SparseRows, stacked
from saedb.ingest.stretches import HeldText

WIDTH = 256


@pytest.fixture(scope="module")
def text() -> HeldText:
    return GateLayers(6, width=WIDTH).text(40_000)


def joint(one: SparseRows, other: SparseRows) -> tuple[np.ndarray, np.ndarray]:
    """Return tokens with both features above 0, [one, other], and with the one alone, [one]."""
    dense = []
    for rows in (one, other):
        full = np.zeros((len(rows), rows.width), np.float32)
        full[rows.row_of, rows.indices] = 1.0
        dense.append(full)
    return dense[0].T @ dense[1], dense[0].sum(axis=0)


def layer(text: HeldText, sae: str) -> SparseRows:
    return stacked([part.rows[sae] for part in text.read(sae)])


def test_a_quarter_of_the_upstream_features_stand_in_families_of_eight(text: HeldText) -> None:
    both, count = joint(layer(text, UPSTREAM), layer(text, UPSTREAM))
    np.fill_diagonal(both, 0)
    within = both == count[:, None]
    firsts = np.flatnonzero((within.sum(axis=0) == 7) & (count > 200))
    assert len(firsts) > 2
    for first in firsts:
        shares = count[within[:, first]] / count[first]
        np.testing.assert_allclose(shares, FOLLOWED, atol=0.12)


def test_both_sides_count_the_same_sets_of_inputs(text: HeldText) -> None:
    settings = GateSettings()
    of_text = halves(text, UPSTREAM, CONTEXT_SIZE)
    thresholds = [statistics.threshold for statistics in statistics_of(text, WIDTH)]
    up, down = (
        activity(text, sae, threshold, of_text.middle)
        for sae, threshold in zip((UPSTREAM, DOWNSTREAM), thresholds, strict=True)
    )
    found = gates.find(up, down, of_text, np.full((WIDTH, 2, 2), -1, np.int64), settings, threads=2)
    counted, cells = Intersections(up, down, of_text, settings).tables()
    assert counted.tolist() == found.tested[:2].tolist()
    assert (counted > 300).all()
    assert cells > 0
    assert found.kept[1] > 0
