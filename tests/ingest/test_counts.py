from pathlib import Path

import numpy as np
import pytest
from planted import dense_statistics, planted_pair, store_of

from saedb.ingest.counts import BlockCounts, block_counts


def count(
    folder: Path,
    upstream: np.ndarray,
    downstream: np.ndarray,
    documents: np.ndarray,
    *,
    block: int = 100,
    counted: np.ndarray | None = None,
    **layout: int,
) -> BlockCounts:
    store = store_of(folder, {"0-a": upstream, "1-a": downstream}, counted=counted, **layout)
    kept = np.ones(len(upstream), np.bool_) if counted is None else counted
    thresholds = {
        "0-a": 0.2 * upstream[kept].max(axis=0).astype(np.float64),
        "1-a": 0.2 * downstream[kept].max(axis=0).astype(np.float64),
    }
    blocks = [
        block_counts(store, "0-a", "1-a", part, thresholds=thresholds, documents=documents, progress=lambda: None)
        for part in store.blocks("0-a", block)
    ]
    return BlockCounts(
        support=np.concatenate([b.support for b in blocks]),
        documents=np.concatenate([b.documents for b in blocks]),
        products=np.concatenate([b.products for b in blocks]),
    )


@pytest.mark.parametrize("shard_contexts", [1, 7, 300])
def test_counts_equal_those_of_dense_matrices(tmp_path: Path, shard_contexts: int) -> None:
    upstream, downstream, documents = planted_pair()
    found = count(tmp_path, upstream, downstream, documents, shard_contexts=shard_contexts)
    expected = dense_statistics(upstream, downstream, documents)
    np.testing.assert_array_equal(found.support.ravel(), expected.n_ud)
    np.testing.assert_array_equal(found.documents.ravel(), expected.documents)
    np.testing.assert_allclose(found.products.ravel(), expected.products, rtol=1e-12)


def test_six_tokens_by_hand(tmp_path: Path) -> None:
    #                       document 0 | 1 | 2
    upstream = np.array([[1, 0], [1, 0], [0, 2], [1, 2], [0, 0], [0.1, 0]], np.float32)
    downstream = np.array([[5], [5], [0], [1], [5], [5]], np.float32)
    documents = np.array([0, 0, 1, 1, 2, 2], np.int32)
    found = count(tmp_path, upstream, downstream, documents, context_size=3, shard_contexts=1)
    # active: upstream 0 on tokens 0 1 3 (0.1 is not above 0.2), upstream 1 on 2 3, downstream on 0 1 4 5 (1 is not
    # above 0.2 * 5)
    assert found.support.tolist() == [[2], [0]]
    assert found.documents.tolist() == [[1], [0]]
    np.testing.assert_allclose(found.products, [[5 + 5 + 1 + 0.5], [2.0]], rtol=1e-6)


def test_a_document_over_several_shards_is_one_document(tmp_path: Path) -> None:
    active = np.ones((24, 1), np.float32)
    documents = np.array([0] * 20 + [1] * 4, np.int32)
    found = count(tmp_path, active, active, documents, shard_contexts=1)
    assert found.documents.tolist() == [[2]]


def test_a_pair_seen_late_in_an_open_document_counts_it_once(tmp_path: Path) -> None:
    active = np.zeros((12, 1), np.float32)
    active[[6, 9]] = 1.0  # in the second and the third of three shards, all of one document
    found = count(tmp_path, active, active, np.zeros(12, np.int32), shard_contexts=1)
    assert found.support.tolist() == [[2]]
    assert found.documents.tolist() == [[1]]


def test_tokens_that_do_not_count_do_not(tmp_path: Path) -> None:
    upstream, downstream, documents = planted_pair()
    counted = np.random.default_rng(1).random(len(upstream)) < 0.7
    counted[:40] = False  # a whole shard without any
    found = count(tmp_path, upstream, downstream, documents, counted=counted, shard_contexts=5)
    expected = dense_statistics(upstream[counted], downstream[counted], documents[counted])
    np.testing.assert_array_equal(found.support.ravel(), expected.n_ud)
    np.testing.assert_array_equal(found.documents.ravel(), expected.documents)
    np.testing.assert_allclose(found.products.ravel(), expected.products, rtol=1e-12)


@pytest.mark.parametrize("block", [1, 3, 8])
def test_blocks_change_nothing_not_even_the_last_bit(tmp_path: Path, block: int) -> None:
    upstream, downstream, documents = planted_pair()
    whole = count(tmp_path / "whole", upstream, downstream, documents, shard_contexts=50)
    parts = count(tmp_path / "parts", upstream, downstream, documents, shard_contexts=50, block=block)
    np.testing.assert_array_equal(parts.support, whole.support)
    np.testing.assert_array_equal(parts.documents, whole.documents)
    np.testing.assert_array_equal(parts.products, whole.products)


def test_an_sae_that_never_fires_has_no_counts(tmp_path: Path) -> None:
    upstream, downstream, documents = planted_pair()
    found = count(tmp_path, np.zeros_like(upstream), downstream, documents)
    assert not found.support.any()
    assert not found.products.any()
