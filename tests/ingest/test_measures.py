from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numba import njit
from planted import dense_statistics, planted_pair

from saedb.ingest import kernel  # noqa: F401 - it lets numba compile the formulas
from saedb.ingest.measures import (
    BY_NAME,
    EVIDENCE,
    MEASURES,
    MOVES,
    SELECTING,
    PairStatistics,
    activation_cosine,
    jaccard,
    lift,
    necessity,
    pearson,
    sufficiency,
)

ACTIVATIONS = arrays.arrays(np.float32, (12, 2), elements=st.sampled_from([0.0, 0.0, 0.25, 1.0, 3.0]))


def pair(upstream: list[float], downstream: list[float]) -> PairStatistics:
    """Return the statistics of one pair, every token a document."""
    documents = np.arange(len(upstream), dtype=np.int32)
    return dense_statistics(np.array([upstream], np.float32).T, np.array([downstream], np.float32).T, documents)


def values(statistics: PairStatistics) -> dict[str, float]:
    return {m.name: float(m.values(statistics)[0]) for m in MEASURES}


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


@pytest.mark.parametrize("constant", [1.0, 0.1, 0.7, 1e-30, 3e30])
@pytest.mark.parametrize("tokens", [3, 1000])
def test_a_feature_that_never_varies_has_no_correlation(constant: float, tokens: int) -> None:
    varies = [0.0, 1.0, *[1.0] * (tokens - 2)]
    for one, other in ((varies, [constant] * tokens), ([constant] * tokens, varies), ([constant] * tokens,) * 2):
        assert np.isnan(values(pair(one, other))["pearson"])


@pytest.mark.parametrize("constant", [0.1, 0.7, 1 / 3])
@pytest.mark.parametrize("tokens", [100_000, 1_000_000])
def test_rounding_of_long_sums_does_not_make_a_constant_vary(tokens: int, constant: float) -> None:
    value = float(np.float32(constant))
    sums = np.full(tokens, value).cumsum()[-1:], np.full(tokens, value * value).cumsum()[-1:]
    assert sums[1] / tokens != (sums[0] / tokens) ** 2
    n = np.array([tokens])
    s = PairStatistics(tokens, n, n, n, n, sums[0], sums[0], sums[1], sums[1], sums[1], np.array([np.nan]))
    assert np.isnan(BY_NAME["pearson"].values(s)).all()


def test_a_feature_that_varies_by_a_thousandth_has_a_correlation() -> None:
    assert values(pair([1.0, 1.001, 1.0, 1.001], [0, 1, 0, 1]))["pearson"] == pytest.approx(1.0)


def test_a_half_without_tokens_has_no_measures() -> None:
    none = np.zeros(1, np.int64)
    s = PairStatistics(0, none, none, none, none, *[np.zeros(1)] * 5, np.array([0.5]))
    assert all(np.isnan(m.values(s)).all() for m in MOVES)


def test_pearson_equals_numpys() -> None:
    upstream, downstream, documents = planted_pair()
    alive_u, alive_d = [0, 1, 2, 3, 4, 5, 7], [0, 1, 2, 3, 4, 5, 7]
    found = BY_NAME["pearson"].values(dense_statistics(upstream[:, alive_u], downstream[:, alive_d], documents))
    whole = np.corrcoef(upstream[:, alive_u].T.astype(float), downstream[:, alive_d].T.astype(float))
    np.testing.assert_allclose(found.reshape(7, 7), whole[:7, 7:], atol=1e-12)


@given(ACTIVATIONS, ACTIVATIONS)
def test_laws_of_the_measures(upstream: np.ndarray, downstream: np.ndarray) -> None:
    s = dense_statistics(upstream, downstream, np.arange(12, dtype=np.int32))
    found = {m.name: m.values(s) for m in MEASURES}
    jaccard, necessity, sufficiency = found["jaccard"], found["necessity"], found["sufficiency"]
    joint = s.n_ud > 0
    np.testing.assert_allclose(1 / jaccard[joint], 1 / necessity[joint] + 1 / sufficiency[joint] - 1)
    known = (s.n_u > 0) & (s.n_d > 0)
    assert (jaccard[known] >= 0).all()
    assert (jaccard[known] <= np.minimum(necessity, sufficiency)[known]).all()
    varies = np.array([[np.ptp(u) > 0 and np.ptp(d) > 0 for d in downstream.T] for u in upstream.T]).ravel()
    np.testing.assert_array_equal(np.isnan(found["pearson"]), ~varies)
    with np.errstate(divide="ignore", invalid="ignore"):
        for measure in MEASURES:
            raw = measure.formula(s)[np.isfinite(measure.formula(s))]  # within its range before it is clipped, too
            assert (raw >= measure.low - 1e-12).all()
            assert measure.high is None or (raw <= measure.high + 1e-12).all()


@njit(error_model="numpy")
def compiled_formulas(s: Any) -> Any:
    return pearson(s), jaccard(s), necessity(s), sufficiency(s), lift(s)


COMPILED: tuple[Callable[[PairStatistics], Any], ...] = (pearson, jaccard, necessity, sufficiency, lift)


@given(ACTIVATIONS, ACTIVATIONS)
@settings(deadline=None)
def test_formulas_are_the_same_for_arrays_numbers_tensors_and_compiled(a: np.ndarray, b: np.ndarray) -> None:
    s = dense_statistics(a, b, np.arange(12, dtype=np.int32))
    tensors = PairStatistics(s.tokens, *(torch.tensor(column, dtype=torch.float64) for column in s[1:]))
    pairs = [PairStatistics(s.tokens, *numbers) for numbers in zip(*s[1:], strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        for formula in (*COMPILED, activation_cosine):
            by_arrays = formula(s)
            np.testing.assert_allclose(formula(tensors).numpy(), by_arrays, rtol=1e-14)
            np.testing.assert_allclose([formula(numbers) for numbers in pairs], by_arrays, rtol=1e-14)
        by_numba = [compiled_formulas(numbers) for numbers in pairs]
        np.testing.assert_allclose(np.transpose(by_numba), [formula(s) for formula in COMPILED], rtol=1e-14)


def test_python_numbers_give_what_is_found_by_hand() -> None:
    s = PairStatistics(6, 3, 3, 2, 2, 3.0, 6.0, 3.0, 12.0, 4.0, 0.5)
    assert [formula(s) for formula in COMPILED] == pytest.approx([1 / 3, 2 / 4, 2 / 3, 2 / 3, 2 * 6 / 9])


@given(ACTIVATIONS, ACTIVATIONS)
def test_swapping_the_sides_swaps_necessity_and_sufficiency_only(a: np.ndarray, b: np.ndarray) -> None:
    documents = np.arange(12, dtype=np.int32)
    forward, back = dense_statistics(a[:, :1], b[:, :1], documents), dense_statistics(b[:, :1], a[:, :1], documents)
    swapped = {"necessity": "sufficiency", "sufficiency": "necessity"}
    for measure in MEASURES:
        other = BY_NAME[swapped.get(measure.name, measure.name)]
        np.testing.assert_allclose(measure.values(forward), other.values(back), rtol=1e-12)


def test_the_paper_selects_by_four_measures() -> None:
    assert [m.name for m in SELECTING] == ["pearson", "jaccard", "necessity", "sufficiency"]


def test_evidence_is_named_after_the_measures_that_it_is_about() -> None:
    assert [m.name for m in MEASURES if m not in MOVES] == ["decoder_cosine", "support", "support_docs"]
    intervals = [f"{name}_{end}" for name in ("necessity", "sufficiency") for end in ("low", "high")]
    assert [e.name for e in EVIDENCE] == [*(f"{m.name}_moved" for m in MOVES), *intervals]
