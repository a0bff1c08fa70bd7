import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from planted import dense_of, planted_pair, store_of

from saedb.ingest.activations import ActivationStore
from saedb.ingest.errors import RunError
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import RunDirectory


def test_a_store_gives_back_what_was_written(tmp_path: Path) -> None:
    dense, _, _ = planted_pair()
    store = store_of(tmp_path, {"0-a": dense}, shard_contexts=70)
    read = np.concatenate([dense_of(store.rows("0-a", shard)) for shard in store.shards])
    np.testing.assert_array_equal(read, dense)


def test_indices_are_stored_in_two_bytes_where_they_fit(tmp_path: Path) -> None:
    store_of(tmp_path, {"0-a": np.ones((4, 3), np.float32)})
    assert np.load(tmp_path / "0-a" / "000000.indices.npy").dtype == np.uint16


def test_a_shard_is_there_only_when_all_of_it_is(tmp_path: Path) -> None:
    store = store_of(tmp_path, {"0-a": np.ones((16, 3), np.float32)}, shard_contexts=2)
    assert [store.has(shard) for shard in store.shards] == [True, True]
    (tmp_path / "000001.summary").unlink()
    assert [store.has(shard) for shard in store.shards] == [True, False]


def test_a_store_of_another_text_is_refused(tmp_path: Path) -> None:
    store_of(tmp_path, {"0-a": np.ones((8, 3), np.float32)})
    other = ActivationStore(tmp_path, np.zeros((2, 4), np.int32), {"0-a": 3}, 2)
    with pytest.raises(RunError, match="another text or tokenizer"):
        other.has(0)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[:60],
    "altered": lambda content: content[:-1] + bytes([content[-1] ^ 4]),
    "longer": lambda content: content + b"x",
    "empty": lambda content: b"",
}
FILES = ["0-a/000001.indptr.npy", "0-a/000001.indices.npy", "0-a/000001.values.npy", "000001.summary"]


def reopened(folder: Path) -> ActivationStore:
    """Return the store of `damaged` as another process sees it."""
    return ActivationStore(folder, np.arange(16, dtype=np.int32).reshape(-1, 4), {"0-a": 3}, 2)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, name: str, damage: str) -> None:
    store_of(tmp_path, {"0-a": np.ones((16, 3), np.float32)})
    file = tmp_path / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    expected = f"{file} is missing or damaged; delete {tmp_path / '000001.summary'} and run the same command again"
    store = reopened(tmp_path)
    assert len(store.rows("0-a", 0)) == 8, "another shard"
    with pytest.raises(RunError, match=re.escape(expected)):
        store.rows("0-a", 1)
    if (damage, name) != ("missing", "000001.summary"):  # then the shard is not written yet
        with pytest.raises(RunError, match=re.escape(expected)):
            store.verify(lambda: None)


def test_no_altered_bit_is_read_as_other_activations(tmp_path: Path) -> None:
    store_of(tmp_path, {"0-a": planted_pair()[0][:16, :3]})
    for file in [*(tmp_path / "0-a").iterdir(), *tmp_path.glob("*.summary")]:
        content = file.read_bytes()
        for place in range(0, len(content), 11):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
            with pytest.raises(RunError, match="is missing or damaged"):
                reopened(tmp_path).verify(lambda: None)
        file.write_bytes(content)
    reopened(tmp_path).verify(lambda: None)


def test_a_store_is_verified_shard_by_shard_and_those_not_written_are_left_out(tmp_path: Path) -> None:
    store_of(tmp_path, {"0-a": np.ones((16, 3), np.float32)})
    (tmp_path / "000001.summary").unlink()
    (tmp_path / "0-a" / "000001.values.npy").write_bytes(b"half")
    steps: list[int] = []
    reopened(tmp_path).verify(lambda: steps.append(1))
    assert len(steps) == 2


def test_a_file_truncated_after_it_was_checked_is_no_traceback(tmp_path: Path) -> None:
    store = store_of(tmp_path, {"0-a": np.ones((16, 3), np.float32)})
    store.rows("0-a", 0)
    file = tmp_path / "0-a" / "000000.values.npy"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RunError, match="is missing or damaged"):
        store.rows("0-a", 0)


def test_a_run_without_activations_says_so(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RunRecord(id="a", kind="import", model="m", created="", config={}))
    with pytest.raises(RunError, match="has no activations"):
        ActivationStore.of_run(run)
