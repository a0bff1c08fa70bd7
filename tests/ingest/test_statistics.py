from pathlib import Path

import numpy as np
import pytest
from planted import planted_pair, store_of

from saedb.ingest import statistics
from saedb.ingest.statistics import feature_statistics


def test_statistics_equal_those_of_the_dense_matrix(tmp_path: Path) -> None:
    dense, _, _ = planted_pair()
    counted = np.random.default_rng(1).random(len(dense)) < 0.7
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}, counted=counted, shard_contexts=50), "0-a", 0.2)
    kept = dense[counted].astype(np.float64)
    assert found.tokens == len(kept)
    np.testing.assert_array_equal(found.n_positive, (kept > 0).sum(axis=0))
    np.testing.assert_array_equal(found.max, kept.max(axis=0))
    np.testing.assert_array_equal(found.n_active, (kept > 0.2 * kept.max(axis=0)).sum(axis=0))
    np.testing.assert_allclose(found.sum, kept.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.squares, (kept**2).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.mean, kept.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.density, (kept > 0.2 * kept.max(axis=0)).mean(axis=0), rtol=1e-12)


def test_an_activation_at_the_threshold_is_not_active(tmp_path: Path) -> None:
    dense = np.array([[4.0], [1.0], [1.5], [0.0]], np.float32)
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}), "0-a", 0.25)
    assert found.threshold.tolist() == [1.0]
    assert found.n_active.tolist() == [2]


def test_a_feature_is_dead_where_it_fires_on_no_counted_token(tmp_path: Path) -> None:
    dense = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    counted = np.array([False, True, True, True])
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}, counted=counted), "0-a", 0.2)
    assert found.dead.tolist() == [True, False]


def test_a_feature_with_over_half_of_its_mass_on_one_position_is_positional(tmp_path: Path) -> None:
    dense = np.zeros((16, 3), np.float32)
    dense[[1, 5, 9], 0] = 1.0  # position 1 of contexts of four
    dense[2, 0] = 2.5
    dense[[1, 5], 1] = 1.0
    dense[2, 1] = 2.0  # exactly half
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}), "0-a", 0.2)
    assert found.positional.tolist() == [True, False, False]


def test_blocks_of_features_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dense, _, _ = planted_pair()
    store = store_of(tmp_path, {"0-a": dense}, shard_contexts=50)
    whole = feature_statistics(store, "0-a", 0.2)
    monkeypatch.setattr(statistics, "_CELLS", 3 * store.context_size)
    parts = feature_statistics(store, "0-a", 0.2)
    for name in ("n_positive", "n_active", "sum", "squares", "max", "threshold", "positional"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
