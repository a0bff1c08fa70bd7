import numpy as np
import pandas as pd

from saedb.cypher.communities.naming import Words
from saedb.cypher.communities.numbering import ALONE

LABELS = [
    "phrases related to maps",
    "words related to old maps",
    "phrases related to cakes",
    "words related to cakes and bread",
    "phrases related to rain",
]


def features(labels: list[str | None], tokens: list[list[str] | None] | None = None) -> pd.DataFrame:
    return pd.DataFrame({"label": labels, "top_tokens": tokens or [None] * len(labels)})


def labels_of(table: pd.DataFrame, number: list[int], strength: list[float] | None = None) -> list[str | None]:
    weights = np.array(strength or [1.0] * len(table))
    return Words(table).labels(np.array(number), weights)


def test_the_label_is_made_of_words_that_other_communities_lack() -> None:
    first, second = labels_of(features(LABELS), [0, 0, 1, 1, ALONE])
    assert first is not None
    assert first.startswith("maps")
    assert second is not None
    assert second.startswith("cakes")


def test_top_tokens_count_beside_the_label_but_each_word_once() -> None:
    table = features(["war", "wars, peace", None, None], [["war", "fight"], ["fight"], ["tax", "war"], ["tax"]])
    assert labels_of(table, [0, 0, 1, 1]) == ["fight", "tax"]


def test_what_a_feature_promotes_is_no_word_of_it() -> None:
    table = features(["law → court", "act → court", "sea", "sea"], [["rule"], ["rule"], None, None])
    assert labels_of(table, [0, 0, 1, 1]) == ["rule", "sea"]


def test_forms_of_one_word_stand_once() -> None:
    words = ["great", "greatest", "greater", "best"]
    table = features([", ".join(words)] * 3 + ["other"] * 2)
    assert labels_of(table, [0, 0, 0, 1, 1])[0] == "best, great"


def test_features_that_share_no_word_are_named_after_the_one_that_is_tied_most() -> None:
    assert labels_of(features(["rain", "snow", "sea", "sea"]), [0, 0, 1, 1], [1.0, 2.0, 1.0, 1.0]) == ["snow", "sea"]
    assert labels_of(features(["rain", None, "sea", "sea"]), [0, 0, 1, 1], [1.0, 2.0, 1.0, 1.0])[0] == "rain"


def test_communities_without_any_word_have_no_label() -> None:
    assert labels_of(features([None, None]), [0, 0]) == [None]
    assert labels_of(features(["", "?"], [["!"], [",", "."]]), [0, 0]) == ["?"]
    assert labels_of(features(["a", "b", "word"]), [0, 0, ALONE])[0] == "a"


def test_the_words_of_a_label_are_weighed_by_how_few_have_them() -> None:
    weighted = Words(features(["common rare", "common", "common other"])).weighted()
    assert weighted.shape == (3, 3)
    assert weighted[0].max() > weighted[1].max()
    assert Words(features([None, None])).weighted().shape == (2, 0)


def test_any_text_may_be_a_label() -> None:
    hostile = ["'}) DETACH DELETE n //", "\0\x1b[31m", "é ü", "x" * 10_000, "\uff11\uff12", "don\u2019t don't"]
    shared = labels_of(features(hostile * 2), [0, 1, 2, 3, 4, 5] * 2)
    assert len(shared) == 6
    assert all(len(label or "") <= 60 for label in shared)


def test_a_label_is_never_long_nor_cut_within_a_word() -> None:
    words = [f"{letter * 25}" for letter in "abc"]
    (both, one) = labels_of(features([" ".join(words)] * 2 + ["a long text " * 20, "other words"]), [0, 0, 1, 1])
    assert both == f"{words[0]}, {words[1]}"
    assert one is not None
    assert (len(one), one[-1]) == (60, "…")
