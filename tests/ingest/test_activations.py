from pathlib import Path

import numpy as np
import pytest
from planted import dense_of, planted_pair, store_of

from saedb.ingest.activations import ActivationStore
from saedb.ingest.errors import RunError


def test_a_store_gives_back_what_was_written(tmp_path: Path) -> None:
    dense, _, _ = planted_pair()
    store = store_of(tmp_path, {"0-a": dense}, shard_contexts=70)
    read = np.concatenate([dense_of(store.rows("0-a", shard)) for shard in store.shards])
    np.testing.assert_array_equal(read, dense)


def test_counted_rows_are_those_of_counted_tokens(tmp_path: Path) -> None:
    dense, _, _ = planted_pair()
    counted = np.random.default_rng(3).random(len(dense)) < 0.5
    store = store_of(tmp_path, {"0-a": dense}, counted=counted, shard_contexts=70)
    read = np.concatenate([dense_of(store.counted_rows("0-a", shard, slice(2, 5))) for shard in store.shards])
    np.testing.assert_array_equal(read, dense[counted, 2:5])
    numbers = np.concatenate([store.counted(shard) for shard in store.shards])
    np.testing.assert_array_equal(numbers, np.flatnonzero(counted))


def test_indices_are_stored_in_two_bytes_where_they_fit(tmp_path: Path) -> None:
    store_of(tmp_path, {"0-a": np.ones((4, 3), np.float32)})
    assert np.load(tmp_path / "0-a" / "000000.indices.npy").dtype == np.uint16


def test_a_shard_is_there_only_when_all_of_it_is(tmp_path: Path) -> None:
    store = store_of(tmp_path, {"0-a": np.ones((16, 3), np.float32)}, shard_contexts=2)
    assert [store.has(shard) for shard in store.shards] == [True, True]
    (tmp_path / "000001.npz").unlink()
    assert [store.has(shard) for shard in store.shards] == [True, False]


def test_a_store_of_another_text_is_refused(tmp_path: Path) -> None:
    store_of(tmp_path, {"0-a": np.ones((8, 3), np.float32)})
    other = ActivationStore(tmp_path, np.zeros((2, 4), np.int32), {"0-a": 3}, 2)
    with pytest.raises(RunError, match="another text or tokenizer"):
        other.has(0)


def test_a_damaged_shard_is_named_with_what_to_do(tmp_path: Path) -> None:
    store = store_of(tmp_path, {"0-a": np.ones((8, 3), np.float32)})
    file = tmp_path / "0-a" / "000000.values.npy"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(RunError, match=r"000000\.values\.npy is missing or damaged; delete .* again"):
        store.rows("0-a", 0)


def test_blocks_cover_all_features_once(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path, np.zeros((2, 4), np.int32), {"0-a": 7}, 2)
    assert store.blocks("0-a", 3) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert store.blocks("0-a", 0) == [slice(i, i + 1) for i in range(7)]
