import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from planted import dense_statistics, planted_pair

from saedb.ingest.measures import BY_NAME, MEASURES, SELECTING, PairStatistics

ACTIVATIONS = arrays.arrays(np.float32, (12, 2), elements=st.sampled_from([0.0, 0.0, 0.25, 1.0, 3.0]))


def pair(upstream: list[float], downstream: list[float]) -> PairStatistics:
    """Return the statistics of one pair, every token a document."""
    documents = np.arange(len(upstream), dtype=np.int32)
    return dense_statistics(np.array([upstream], np.float32).T, np.array([downstream], np.float32).T, documents)


def values(statistics: PairStatistics) -> dict[str, float]:
    return {m.name: float(m.formula(statistics)[0]) for m in MEASURES}


def test_six_tokens_by_hand() -> None:
    found = values(pair([1, 1, 1, 0, 0, 0], [2, 2, 0, 2, 0, 0]))
    assert found["jaccard"] == pytest.approx(2 / 4)
    assert found["necessity"] == pytest.approx(2 / 3)
    assert found["sufficiency"] == pytest.approx(2 / 3)
    assert found["pearson"] == pytest.approx(1 / 3)
    assert found["activation_cosine"] == pytest.approx(2 / 3)
    assert found["lift"] == pytest.approx(2 * 6 / 9)
    expected = 2 * (2 / 6) * np.log((2 / 6) / (1 / 4)) + 2 * (1 / 6) * np.log((1 / 6) / (1 / 4))
    assert found["mutual_information"] == pytest.approx(expected)
    assert (found["support"], found["support_docs"]) == (2, 2)


def test_nothing_over_nothing_is_null() -> None:
    found = values(pair([0, 0, 0], [0, 1, 0]))
    assert all(np.isnan(found[name]) for name in ("pearson", "sufficiency", "mutual_information", "activation_cosine"))
    assert np.isnan(found["lift"])
    assert found["necessity"] == 0.0


def test_a_feature_that_never_varies_has_no_correlation() -> None:
    assert np.isnan(values(pair([1, 1, 1], [0, 1, 1]))["pearson"])


def test_pearson_equals_numpys() -> None:
    upstream, downstream, documents = planted_pair()
    alive_u, alive_d = [0, 1, 2, 3, 4, 5, 7], [0, 1, 2, 3, 4, 5, 7]
    found = BY_NAME["pearson"].formula(dense_statistics(upstream[:, alive_u], downstream[:, alive_d], documents))
    whole = np.corrcoef(upstream[:, alive_u].T.astype(float), downstream[:, alive_d].T.astype(float))
    np.testing.assert_allclose(found.reshape(7, 7), whole[:7, 7:], atol=1e-12)


@given(ACTIVATIONS, ACTIVATIONS)
def test_laws_of_the_measures(upstream: np.ndarray, downstream: np.ndarray) -> None:
    s = dense_statistics(upstream, downstream, np.arange(12, dtype=np.int32))
    found = {m.name: m.formula(s) for m in MEASURES}
    jaccard, necessity, sufficiency = found["jaccard"], found["necessity"], found["sufficiency"]
    joint = s.n_ud > 0
    np.testing.assert_allclose(1 / jaccard[joint], 1 / necessity[joint] + 1 / sufficiency[joint] - 1)
    known = (s.n_u > 0) & (s.n_d > 0)
    assert (jaccard[known] >= 0).all()
    assert (jaccard[known] <= np.minimum(necessity, sufficiency)[known]).all()
    for measure in MEASURES:
        v = found[measure.name][~np.isnan(found[measure.name])]
        assert (v >= measure.low).all()
        assert measure.high is None or (v <= measure.high + 1e-12).all()


@given(ACTIVATIONS, ACTIVATIONS)
def test_swapping_the_sides_swaps_necessity_and_sufficiency_only(a: np.ndarray, b: np.ndarray) -> None:
    documents = np.arange(12, dtype=np.int32)
    forward, back = dense_statistics(a[:, :1], b[:, :1], documents), dense_statistics(b[:, :1], a[:, :1], documents)
    swapped = {"necessity": "sufficiency", "sufficiency": "necessity"}
    for measure in MEASURES:
        other = BY_NAME[swapped.get(measure.name, measure.name)]
        np.testing.assert_allclose(measure.formula(forward), other.formula(back))


def test_the_paper_selects_by_four_measures() -> None:
    assert [m.name for m in SELECTING] == ["pearson", "jaccard", "necessity", "sufficiency"]
