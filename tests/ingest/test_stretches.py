from pathlib import Path

import numpy as np
import pytest
from planted import dense_of, planted_pair, store_of

from saedb.ingest.stretches import HeldText, StoredText, Stretch

CONTEXT = 4


def text_of(folder: Path, first_half: int, shard_contexts: int = 70) -> tuple[StoredText, np.ndarray]:
    upstream, downstream, documents = planted_pair()
    counted = np.random.default_rng(1).random(len(upstream)) < 0.7
    layers = {"0-a": upstream, "1-a": downstream}
    store = store_of(folder, layers, counted=counted, context_size=CONTEXT, shard_contexts=shard_contexts)
    return StoredText(store, documents, first_half), counted


def together(parts: list[Stretch], name: str) -> np.ndarray:
    return np.concatenate([getattr(part, name) for part in parts])


def check_is_the_text(parts: list[Stretch], counted: np.ndarray) -> None:
    upstream, downstream, documents = planted_pair()
    for sae, dense in (("0-a", upstream), ("1-a", downstream)):
        np.testing.assert_array_equal(np.concatenate([dense_of(part.rows[sae]) for part in parts]), dense)
    np.testing.assert_array_equal(together(parts, "counted"), counted)
    np.testing.assert_array_equal(together(parts, "documents"), documents)
    np.testing.assert_array_equal(together(parts, "positions"), np.arange(1200) % CONTEXT)


@pytest.mark.parametrize("first_half", [0, 1, 70, 123, 299, 300])
def test_the_stretches_are_the_text_and_each_is_of_one_half(tmp_path: Path, first_half: int) -> None:
    text, counted = text_of(tmp_path, first_half)
    parts = list(text.read("0-a", "1-a"))
    check_is_the_text(parts, counted)
    halves = np.concatenate([np.full(len(part.counted), part.half) for part in parts])
    np.testing.assert_array_equal(halves, np.arange(1200) >= first_half * CONTEXT)
    assert all(len(part.counted) for part in parts)


def test_a_shard_is_cut_only_where_both_halves_meet_in_it(tmp_path: Path) -> None:
    lengths = [
        [len(part.counted) // CONTEXT for part in text_of(tmp_path / str(half), half)[0].read("0-a")]
        for half in (100, 140)
    ]
    assert lengths == [[70, 30, 40, 70, 70, 20], [70, 70, 70, 70, 20]]


def test_a_text_is_read_again_and_again_with_the_saes_that_are_asked_for(tmp_path: Path) -> None:
    text, counted = text_of(tmp_path, 150)
    assert [set(part.rows) for part in text.read("1-a")] == [{"1-a"}] * 6
    for _ in range(2):
        check_is_the_text(list(text.read("0-a", "1-a")), counted)


def test_a_held_text_is_read_again_and_again(tmp_path: Path) -> None:
    text, counted = text_of(tmp_path, 150)
    held = HeldText(list(text.read("0-a", "1-a")))
    for _ in range(2):
        check_is_the_text(list(held.read("0-a", "1-a")), counted)
