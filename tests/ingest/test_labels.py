from collections.abc import Sequence

import numpy as np
import pytest
import torch
from heldtexts import held
from hypothesis import given
from hypothesis import strategies as st

from saedb.ingest import labels
from saedb.ingest.labels import LONGEST, TopWords, label, promoted_words, top_words
from saedb.ingest.vocabulary import Vocabulary

WORDS = Vocabulary(
    word_of=np.array([0, 1, 1, 2, 3]), words=("of", "War", "peace", "rare"), seen=np.array([True] * 4 + [False])
)


def top(**shares: float) -> TopWords:
    return TopWords(words=tuple(shares), shares=tuple(shares.values()))


def words_of(
    dense: np.ndarray,
    tokens: Sequence[int] | np.ndarray,
    vocabulary: Vocabulary = WORDS,
    *,
    counted: np.ndarray | None = None,
    cuts: Sequence[int] = (),
) -> list[TopWords]:
    text = held({"0-a": dense}, counted=counted, cuts=cuts)
    return top_words(text, "0-a", dense.shape[1], tokens=np.array(tokens, np.int32), vocabulary=vocabulary)


def test_top_words_are_those_with_most_activation_mass_on_counted_tokens() -> None:
    dense = np.array([[9.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.5, 0.0]], np.float32)
    found = words_of(dense, [0, 1, 2, 3], counted=np.array([False, True, True, True]))
    assert found[0].words == ("War", "peace"), "tokens 1 and 2 are one word"
    assert found[0].shares == pytest.approx((3 / 5.5, 2.5 / 5.5))
    assert found[1] == TopWords(words=(), shares=())


def test_of_equal_words_the_first_of_the_vocabulary_comes_first() -> None:
    assert words_of(np.ones((3, 1), np.float32), [3, 0, 1])[0].words == ("of", "War", "peace")


def test_sums_are_exact_where_float32_is_not() -> None:
    dense = np.full((8, 1), 1.0, np.float32)
    dense[0] = dense[4] = 2.0**24  # a float32 of this size does not change by 1
    dense[1:4] = 0.0
    assert words_of(dense, [0, 0, 0, 0, 1, 1, 1, 1])[0].words == ("War", "of")


@given(st.data(), st.integers(0, 2**32 - 1))
def test_top_words_are_those_of_the_dense_sums_however_text_and_features_are_cut(
    data: st.DataObject, seed: int
) -> None:
    random = np.random.default_rng(seed)
    length, kinds = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 40))
    tokens, word_of = random.integers(0, kinds, length), random.integers(0, 25, kinds)
    vocabulary = Vocabulary(
        word_of=word_of, words=tuple(map(str, range(25))), seen=np.bincount(tokens, minlength=kinds) > 0
    )
    dense = (random.integers(-6, 4, (length, 5)).clip(0) / 2).astype(np.float32)  # many equal sums
    counted = random.random(length) < 0.8
    cuts = data.draw(st.lists(st.integers(1, length), max_size=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "_CELLS", data.draw(st.integers(1, 150)))
        found = words_of(dense, tokens, vocabulary, counted=counted, cuts=[cut for cut in cuts if cut < length])
    mass = np.zeros((25, 5))
    np.add.at(mass, word_of[tokens[counted]], dense[counted])
    for feature, top in zip(range(5), found, strict=True):
        order = [word for word in np.argsort(-mass[:, feature], kind="stable")[:10] if mass[word, feature]]
        assert top.words == tuple(str(word) for word in order)
        np.testing.assert_array_equal(top.shares, mass[order, feature] / (mass[:, feature].sum() or 1.0))


def test_the_last_feature_that_16_bits_can_name_has_its_words() -> None:
    random = np.random.default_rng(0)
    dense = np.zeros((2, 1 << 16), np.float32)
    dense[:, [0, -1]] = random.uniform(1, 2, (2, 2))
    found = words_of(dense, [0, 3])
    assert [set(found[feature].words) for feature in (0, 1, -1)] == [{"of", "peace"}, set(), {"of", "peace"}]


def test_a_label_names_the_few_words_that_carry_most() -> None:
    assert label(top(fiscal=0.6, defense=0.25, of=0.05), ["ago"], {}) == "fiscal, defense"


def test_a_label_of_a_spread_feature_says_so_and_what_it_promotes() -> None:
    spread = top(world=0.1, war=0.09, two=0.08, of=0.01)
    assert label(spread, ["ago", "later", "since"], {}) == "world, war, … → ago, later"
    assert label(spread, [], {}) == "world, war, …"


def test_a_comma_is_told_from_the_commas_between_words() -> None:
    assert label(TopWords(words=(",", "."), shares=(0.6, 0.3)), [], {}) == "“,”, ."


def test_a_piece_of_a_word_stands_in_it() -> None:
    pieces = {"am": "[am]endment", "at": "[at]tempt"}
    assert label(top(Am=0.6, rat=0.3), [], pieces) == "[am]endment, rat"
    assert label(top(of=0.2, am=0.2, at=0.05), ["ago"], pieces) == "of, [am]endment, … → ago"


def test_a_dead_feature_has_no_label() -> None:
    assert label(top(), ["ago"], {}) is None


@given(
    st.lists(st.text("abc", min_size=1, max_size=80), max_size=10), st.lists(st.text("xyz", min_size=1), max_size=10)
)
def test_labels_are_short(words: list[str], promoted: list[str]) -> None:
    for share in (0.09, 0.5):
        text = label(TopWords(words=tuple(words), shares=(share,) * len(words)), promoted, {})
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
