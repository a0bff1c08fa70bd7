from dataclasses import fields
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from heldtexts import held
from hypothesis import example, given
from hypothesis import strategies as st
from planted import planted_pair, store_of

from saedb.ingest import statistics
from saedb.ingest.statistics import FeatureStatistics, Moments, feature_statistics, thresholded
from saedb.ingest.stretches import HeldText, StoredText, Stretches
from saedb.ingest.tables import BINS

SAE = "0-a"


def statistics_of(
    text: Stretches, width: int, relative_threshold: float = 0.2, **given: np.ndarray
) -> FeatureStatistics:
    return feature_statistics(text, SAE, width, context_size=4, relative_threshold=relative_threshold, **given)


def of_one(dense: np.ndarray, documents: np.ndarray | None = None, **settings: float) -> FeatureStatistics:
    """Return the statistics of one layer of which every token counts."""
    return statistics_of(held({SAE: dense}, documents), dense.shape[1], **settings)


def planted_text(cuts: tuple[int, ...] = ()) -> tuple[HeldText, np.ndarray, np.ndarray, np.ndarray]:
    dense, _, documents = planted_pair()
    counted = np.random.default_rng(1).random(len(dense)) < 0.7
    return held({SAE: dense}, documents, counted=counted, cuts=cuts, first_half=500), dense, documents, counted


def check_moments(found: Moments, activations: np.ndarray, threshold: np.ndarray) -> None:
    values = activations.astype(np.float64)
    assert found.tokens == len(values)
    np.testing.assert_array_equal(found.n_active, (values > threshold).sum(axis=0))
    np.testing.assert_allclose(found.sum, values.sum(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.squares, (values**2).sum(axis=0), rtol=1e-13)


def same(one: object, other: object) -> bool:
    """Return whether two records have the same bits."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Moments):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_statistics_equal_those_of_the_dense_matrix() -> None:
    text, dense, documents, counted = planted_text(cuts=(3, 200, 900))
    found, kept = statistics_of(text, 8), dense[counted].astype(np.float64)
    threshold = 0.2 * kept.max(axis=0)
    np.testing.assert_array_equal(found.threshold, threshold)
    np.testing.assert_array_equal(found.max, kept.max(axis=0))
    np.testing.assert_array_equal(found.n_positive, (kept > 0).sum(axis=0))
    active = [(kept > threshold)[documents[counted] == n].any(axis=0) for n in set(documents)]
    np.testing.assert_array_equal(found.n_documents, np.sum(active, axis=0))
    np.testing.assert_allclose(found.mean, kept.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.density, (kept > threshold).mean(axis=0), rtol=1e-13)
    check_moments(found, kept, threshold)


def test_halves_equal_those_of_the_dense_matrix_with_the_thresholds_of_the_whole() -> None:
    text, dense, _, counted = planted_text(cuts=(3, 200, 900))
    found = statistics_of(text, 8)
    check_moments(found.halves[0], dense[:500][counted[:500]], found.threshold)
    check_moments(found.halves[1], dense[500:][counted[500:]], found.threshold)


@pytest.mark.parametrize("cuts", [(1,), (100, 101, 102), tuple(range(0, 1200, 40))])
def test_shards_change_nothing_not_even_the_last_bit(cuts: tuple[int, ...]) -> None:
    assert same(statistics_of(planted_text(cuts)[0], 8), statistics_of(planted_text()[0], 8))


def test_blocks_of_features_change_nothing_not_even_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = statistics_of(planted_text((77,))[0], 8)
    for features in (1, 3, 8):
        monkeypatch.setattr(statistics, "_CELLS", features * 4)
        assert same(statistics_of(planted_text((77,))[0], 8), whole)


def test_a_stored_text_has_the_statistics_of_a_held_one(tmp_path: Path) -> None:
    text, dense, documents, counted = planted_text()
    store = store_of(tmp_path, {SAE: dense}, counted=counted, shard_contexts=60)
    assert same(statistics_of(StoredText(store, documents, 125), 8), statistics_of(text, 8))


def test_sums_are_exact_where_float32_is_not() -> None:
    dense = np.full((3000, 1), 0.1, np.float32)
    value, found = float(dense[0, 0]), of_one(dense)
    assert found.sum[0] == 3000 * value
    np.testing.assert_allclose(found.squares, 3000 * value * value, rtol=1e-13)


def test_an_activation_at_the_threshold_is_not_active() -> None:
    found = of_one(np.array([[4.0], [1.0], [1.5], [0.0]], np.float32), relative_threshold=0.25)
    assert found.threshold.tolist() == [1.0]
    assert found.n_active.tolist() == [2]


def test_of_a_bins_ends_the_upper_one_is_in_it_and_only_counted_tokens_are() -> None:
    above = np.nextafter(np.float32(0.25), np.float32(1))
    values = [0.0, 1e-45, 0.25, above, 0.5, 4.75, 5.0, 5.0, 3.0, 0.0, 0.0, 0.0]
    counted = np.array([*[True] * 8, False, *[True] * 3])
    found = statistics_of(held({SAE: np.array([values, [0.0] * 12], np.float32).T}, counted=counted, cuts=[4]), 2)
    assert found.histogram[0].tolist() == [2, 2, *[0] * 16, 1, 2]  # bins of 0.25, up to 5
    assert found.histogram[1].tolist() == [0] * BINS


ACTIVATIONS = st.lists(st.floats(0, width=32, allow_infinity=False, allow_nan=False), min_size=1, max_size=40)


@given(ACTIVATIONS, st.integers(0, 100))
@example([2.0**-149], 0)
@example([float(np.finfo(np.float32).max), 2.0**-149], 0)
@example([1.0], 7)
def test_histograms_are_those_of_exact_fractions_and_active_tokens_are_above_the_threshold(
    values: list[float], zeros: int
) -> None:
    largest = max(values)
    edges = np.array([largest * i / BINS for i in range(BINS)], np.float32)
    every = np.array([*values, *edges, *np.nextafter(edges, np.float32(0)), *[0.0] * zeros], np.float32)
    found, expected = of_one(every[:, None]), [0] * BINS
    for value in every[every > 0].tolist():
        expected[ceil(Fraction(value) * BINS / Fraction(largest)) - 1] += 1
    assert found.histogram[0].tolist() == expected
    assert found.histogram.sum() == found.n_positive[0]
    assert found.histogram[0, BINS // 5 :].sum() == found.n_active[0]  # above 0.2 of the maximum


def test_given_maxima_make_the_thresholds_and_change_nothing_else() -> None:
    text, dense, _, counted = planted_text()
    own, maxima = statistics_of(text, 8), np.arange(8.0)
    found = statistics_of(text, 8, maxima=maxima)
    np.testing.assert_array_equal(found.threshold, 0.2 * maxima)
    np.testing.assert_array_equal(found.max, own.max)
    check_moments(found, dense[counted], 0.2 * maxima)


def test_given_thresholds_give_the_statistics_of_those_that_a_text_gives_itself() -> None:
    text = planted_text((77,))[0]
    own = statistics_of(text, 8)
    found = thresholded(text, SAE, own.threshold)
    assert not found.positional.any()
    for field in fields(own):
        if field.name != "positional":
            assert same(getattr(found, field.name), getattr(own, field.name)), field.name


def test_a_feature_is_dead_where_it_fires_on_no_counted_token() -> None:
    dense = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    found = statistics_of(held({SAE: dense}, counted=np.array([False, True, True, True])), 2)
    assert found.dead.tolist() == [True, False]


def test_without_a_counted_token_there_is_no_density_and_no_mean() -> None:
    found = statistics_of(held({SAE: np.ones((4, 2), np.float32)}, counted=np.zeros(4, np.bool_)), 2)
    assert found.dead.all()
    assert np.isnan(found.density).all()
    assert np.isnan(found.mean).all()


def test_a_document_that_spans_stretches_and_halves_counts_once() -> None:
    dense = np.ones((16, 2), np.float32)
    dense[4:10, 1] = 0.0  # not in the second stretch, nor in the first part of the third
    documents = np.repeat(np.array([-1, 0, 3], np.int32), [2, 12, 2])
    found = statistics_of(held({SAE: dense}, documents, cuts=[4, 8, 12], first_half=8), 2)
    assert found.n_documents.tolist() == [3, 3]


def test_a_feature_is_rare_on_too_few_tokens_or_in_too_few_documents() -> None:
    dense = np.zeros((8, 3), np.float32)
    dense[[0, 1, 2], 0] = 1.0  # in one document
    dense[[0, 4], 1] = 1.0  # on two tokens
    dense[[0, 1, 4], 2] = 1.0
    found = of_one(dense, np.repeat(np.array([0, 1], np.int32), 4))
    assert found.rare(min_support=3, min_documents=2).tolist() == [True, True, False]
    assert not found.rare(min_support=0, min_documents=0).any()


def test_a_feature_with_over_half_of_its_mass_on_one_position_is_positional() -> None:
    dense = np.zeros((16, 4), np.float32)
    dense[[1, 5, 9], 0] = 1.0  # position 1 of contexts of four
    dense[2, 0] = 2.5
    dense[[1, 5], 1] = 1.0
    dense[2, 1] = 2.0  # exactly half
    dense[[1, 2, 7], 2] = 1.0
    assert of_one(dense).positional.tolist() == [True, False, False, False]
