from pathlib import Path

import numpy as np
import pytest
from planted import planted_pair, store_of

from saedb.ingest import statistics
from saedb.ingest.statistics import feature_statistics


def one_document(dense: np.ndarray) -> np.ndarray:
    return np.zeros(len(dense), np.int32)


def test_statistics_equal_those_of_the_dense_matrix(tmp_path: Path) -> None:
    dense, _, documents = planted_pair()
    counted = np.random.default_rng(1).random(len(dense)) < 0.7
    store = store_of(tmp_path, {"0-a": dense}, counted=counted, shard_contexts=50)
    found = feature_statistics(store, "0-a", 0.2, documents)
    kept = dense[counted].astype(np.float64)
    assert found.tokens == len(kept)
    np.testing.assert_array_equal(found.n_positive, (kept > 0).sum(axis=0))
    np.testing.assert_array_equal(found.max, kept.max(axis=0))
    np.testing.assert_array_equal(found.n_active, (kept > 0.2 * kept.max(axis=0)).sum(axis=0))
    active = [(kept > 0.2 * kept.max(axis=0))[documents[counted] == n].any(axis=0) for n in set(documents)]
    np.testing.assert_array_equal(found.n_documents, np.sum(active, axis=0))
    np.testing.assert_allclose(found.sum, kept.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.squares, (kept**2).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.mean, kept.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.density, (kept > 0.2 * kept.max(axis=0)).mean(axis=0), rtol=1e-12)


def test_an_activation_at_the_threshold_is_not_active(tmp_path: Path) -> None:
    dense = np.array([[4.0], [1.0], [1.5], [0.0]], np.float32)
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}), "0-a", 0.25, one_document(dense))
    assert found.threshold.tolist() == [1.0]
    assert found.n_active.tolist() == [2]


def test_a_feature_is_dead_where_it_fires_on_no_counted_token(tmp_path: Path) -> None:
    dense = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    counted = np.array([False, True, True, True])
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}, counted=counted), "0-a", 0.2, one_document(dense))
    assert found.dead.tolist() == [True, False]


def test_a_document_that_spans_shards_counts_once(tmp_path: Path) -> None:
    dense = np.ones((16, 2), np.float32)
    dense[4:10, 1] = 0.0  # not in the second shard, nor in the first half of the third
    documents = np.repeat(np.array([-1, 0, 3], np.int32), [2, 12, 2])
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}, shard_contexts=1), "0-a", 0.2, documents)
    assert found.n_documents.tolist() == [3, 3]


def test_a_feature_is_rare_on_too_few_tokens_or_in_too_few_documents(tmp_path: Path) -> None:
    dense = np.zeros((8, 3), np.float32)
    dense[[0, 1, 2], 0] = 1.0  # in one document
    dense[[0, 4], 1] = 1.0  # on two tokens
    dense[[0, 1, 4], 2] = 1.0
    documents = np.repeat(np.array([0, 1], np.int32), 4)
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}), "0-a", 0.2, documents)
    assert found.rare(min_support=3, min_documents=2).tolist() == [True, True, False]
    assert not found.rare(min_support=0, min_documents=0).any()


def test_a_feature_with_over_half_of_its_mass_on_one_position_is_positional(tmp_path: Path) -> None:
    dense = np.zeros((16, 3), np.float32)
    dense[[1, 5, 9], 0] = 1.0  # position 1 of contexts of four
    dense[2, 0] = 2.5
    dense[[1, 5], 1] = 1.0
    dense[2, 1] = 2.0  # exactly half
    found = feature_statistics(store_of(tmp_path, {"0-a": dense}), "0-a", 0.2, one_document(dense))
    assert found.positional.tolist() == [True, False, False]


def test_blocks_of_features_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dense, _, documents = planted_pair()
    store = store_of(tmp_path, {"0-a": dense}, shard_contexts=50)
    whole = feature_statistics(store, "0-a", 0.2, documents)
    monkeypatch.setattr(statistics, "_CELLS", 3 * store.context_size)
    parts = feature_statistics(store, "0-a", 0.2, documents)
    for name in ("n_positive", "n_active", "n_documents", "sum", "squares", "max", "threshold", "positional"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
