from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from planted import store_of

from saedb.ingest import labels
from saedb.ingest.labels import LONGEST, TopWords, label, promoted_words, top_words
from saedb.ingest.vocabulary import Vocabulary

WORDS = Vocabulary(
    word_of=np.array([0, 1, 1, 2, 3]), words=("of", "War", "peace", "rare"), seen=np.array([True] * 4 + [False])
)


def top(**shares: float) -> TopWords:
    return TopWords(words=tuple(shares), shares=tuple(shares.values()))


def test_top_words_are_those_with_most_activation_mass_on_counted_tokens(tmp_path: Path) -> None:
    dense = np.array([[9.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.5, 0.0]], np.float32)
    store = store_of(tmp_path, {"0-a": dense}, counted=np.array([False, True, True, True]))
    found = top_words(store, "0-a", np.array([0, 1, 2, 3], np.int32), WORDS)
    assert found[0].words == ("War", "peace"), "tokens 1 and 2 are one word"
    assert found[0].shares == pytest.approx((3 / 5.5, 2.5 / 5.5))
    assert found[1] == TopWords(words=(), shares=())


def test_blocks_of_features_change_no_top_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    dense = (random.random((16, 6)) * (random.random((16, 6)) < 0.5)).astype(np.float32)
    store, tokens = store_of(tmp_path, {"0-a": dense}), random.integers(0, 4, 16).astype(np.int32)
    whole = top_words(store, "0-a", tokens, WORDS)
    monkeypatch.setattr(labels, "_ENTRIES", 10)
    assert top_words(store, "0-a", tokens, WORDS) == whole


def test_a_label_names_the_few_words_that_carry_most() -> None:
    assert label(top(fiscal=0.6, defense=0.25, of=0.05), ["ago"]) == "fiscal, defense"


def test_a_label_of_a_spread_feature_says_so_and_what_it_promotes() -> None:
    spread = top(world=0.1, war=0.09, two=0.08, of=0.01)
    assert label(spread, ["ago", "later", "since"]) == "world, war, … → ago, later"
    assert label(spread, []) == "world, war, …"


def test_a_comma_is_told_from_the_commas_between_words() -> None:
    assert label(TopWords(words=(",", "."), shares=(0.6, 0.3)), []) == "“,”, ."


def test_a_dead_feature_has_no_label() -> None:
    assert label(top(), ["ago"]) is None


@given(
    st.lists(st.text("abc", min_size=1, max_size=80), max_size=10), st.lists(st.text("xyz", min_size=1), max_size=10)
)
def test_labels_are_short(words: list[str], promoted: list[str]) -> None:
    for share in (0.09, 0.5):
        text = label(TopWords(words=tuple(words), shares=(share,) * len(words)), promoted)
        assert text is None if not words else 0 < len(text or "") <= LONGEST


class Unembedding:
    """Stands for the part of a model that labels need: logits of a direction are the direction itself."""

    def promoted(self, directions: torch.Tensor) -> torch.Tensor:
        return directions


def test_promoted_words_are_in_the_order_of_their_logits_each_once() -> None:
    done: list[int] = []
    # the fifth token is not in the text, and the sixth logit is padding
    directions = torch.tensor([[0.1, 0.2, 0.3, -1.0, 9.0, 9.0], [0.0, -1.0, -2.0, 5.0, 9.0, 9.0]])
    found = promoted_words(Unembedding(), directions, WORDS, done.append)  # pyright: ignore[reportArgumentType]
    assert found == [("War", "of", "peace"), ("peace", "of", "War")]
    assert done == [2]
