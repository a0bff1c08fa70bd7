from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tiny
from heldtexts import held
from hypothesis import given
from hypothesis import strategies as st

from saedb.ingest import examples
from saedb.ingest.contexts import Contexts
from saedb.ingest.examples import Hits, example_rows, top_hits
from saedb.ingest.pieces import Pieces

CONTEXT = 4


def hits_of(
    dense: np.ndarray,
    documents: np.ndarray,
    count: int,
    *,
    counted: np.ndarray | None = None,
    cuts: Sequence[int] = (),
) -> Hits:
    """Return the top hits of one layer, [tokens, features], in contexts of four."""
    text = held({"0-a": dense}, documents, counted=counted, cuts=cuts, context_size=CONTEXT)
    return top_hits(text, "0-a", dense.shape[1], documents=documents, count=count)


def by_definition(activations: np.ndarray, documents: np.ndarray, count: int) -> list[int]:
    """Return the tokens of one feature's hits; `activations` are 0 where a token does not count."""
    contexts = range(0, len(activations), CONTEXT)
    best = [start + int(activations[start : start + CONTEXT].argmax()) for start in contexts]  # the first of equals
    pool = sorted((token for token in best if activations[token] > 0), key=lambda token: -activations[token])
    pool, seen = pool[: 3 * count], Counter[int]()
    turns: list[int] = []
    for token in pool:
        turns.append(seen[documents[token]])
        seen[documents[token]] += 1
    chosen = sorted(range(len(pool)), key=lambda place: turns[place])[:count]
    return [pool[place] for place in sorted(chosen)]


def test_the_best_context_comes_first_and_each_context_once() -> None:
    dense = np.zeros((24, 2), np.float32)
    dense[[1, 2, 9, 20], 0] = [3.0, 4.0, 5.0, 1.0]  # contexts 0, 0, 2, 5
    hits = hits_of(dense, np.arange(24, dtype=np.int32), 3)
    assert hits.feature.tolist() == [0, 0, 0]
    assert hits.token.tolist() == [9, 2, 20]
    assert hits.activation.tolist() == [5.0, 4.0, 1.0]


@given(st.data(), st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([1, 3, 100]))
def test_hits_are_those_of_the_definition_however_the_text_is_cut(
    data: st.DataObject, seed: int, count: int, sizes: int
) -> None:
    random = np.random.default_rng(seed)
    tokens = CONTEXT * data.draw(st.integers(1, 40))
    dense = random.integers(0, sizes + 1, (tokens, 3)).astype(np.float32)  # few sizes: many equal ones
    counted = random.random(tokens) < 0.8
    documents = np.sort(random.integers(0, data.draw(st.integers(1, 12)), tokens)).astype(np.int32)
    cuts = data.draw(st.lists(st.integers(1, tokens - 1), max_size=5))
    hits = hits_of(dense, documents, count, counted=counted, cuts=cuts)
    for feature in range(3):
        expected = by_definition(dense[:, feature] * counted, documents, count)
        assert hits.token[hits.feature == feature].tolist() == expected
    np.testing.assert_array_equal(hits.activation, dense[hits.token, hits.feature])


def test_other_documents_come_before_a_second_context_of_one() -> None:
    dense = np.zeros((24, 1), np.float32)
    dense[::4, 0] = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]  # one in each context
    documents = np.repeat([0, 0, 0, 1, 1, 2], 4).astype(np.int32)
    hits = hits_of(dense, documents, 4)
    assert hits.activation.tolist() == [6.0, 5.0, 3.0, 1.0]


def test_only_counted_tokens_are_examples() -> None:
    dense = np.array([[9.0], [1.0], [0.0], [0.0]], np.float32)
    counted = np.array([False, True, True, True])
    assert hits_of(dense, np.zeros(4, np.int32), 10, counted=counted).token.tolist() == [1]


def test_of_equal_activations_the_earlier_in_the_text_comes_first() -> None:
    dense = np.zeros((32, 1), np.float32)
    dense[[2, 3, 8, 12, 16, 20, 24, 28], 0] = [1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 3.0, 3.0]
    assert hits_of(dense, np.arange(32, dtype=np.int32), 2).token.tolist() == [24, 28]
    assert hits_of(dense, np.arange(32, dtype=np.int32), 6).token.tolist() == [24, 28, 8, 16, 2, 12]


def text_of(documents: Sequence[Sequence[int]]) -> Contexts:
    """Return a text of the tiny model's words in order, in contexts of these documents."""
    numbers = np.array(documents, np.int32)
    return Contexts(
        tokens=np.arange(3, 3 + numbers.size, dtype=np.int32).reshape(numbers.shape),
        documents=numbers,
        document_ids=("a", "b"),
        halves=np.zeros(2, np.int8),
        prepend_bos=False,
    )


def rows_of(dense: np.ndarray, contexts: Contexts, count: int = 10, cuts: Sequence[int] = ()) -> list[dict[str, Any]]:
    documents = contexts.documents.ravel()
    text = held({"0-a": dense}, documents, cuts=cuts, context_size=CONTEXT)
    hits = top_hits(text, "0-a", dense.shape[1], documents=documents, count=count)
    ids = np.array([f"m/0-a/{index}" for index in range(dense.shape[1])], dtype=object)
    pieces = Pieces(tiny.tokenizer())
    return example_rows(text, "0-a", hits, contexts=contexts, pieces=pieces, ids=ids).to_pylist()


def test_rows_name_the_place_and_rank_of_each_example_and_the_tokens_around_it() -> None:
    dense = np.zeros((8, 2), np.float32)
    dense[[1, 2, 5], 1] = [0.5, 1.0, 2.0]
    assert rows_of(dense, text_of([[-1, 0, 0, 0], [1, 1, 1, 1]])) == [
        {
            "feature": "m/0-a/1", "rank": 0, "document": 1, "context": 1, "position": 1, "activation": 2.0,
            "tokens": ["sat", " on", " mat", " and"], "activations": [0.0, 2.0, 0.0, 0.0], "at": 1,
        },
        {
            "feature": "m/0-a/1", "rank": 1, "document": 0, "context": 0, "position": 2, "activation": 1.0,
            "tokens": ["a", " cat", " dog"], "activations": [0.5, 1.0, 0.0], "at": 1,
        },
    ]  # fmt: skip


def test_places_that_are_divided_apart_have_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    dense, contexts = np.eye(16, 3, dtype=np.float32) + np.eye(16, 3, -9, np.float32), text_of([[0] * 4] * 4)
    whole = rows_of(dense, contexts)
    monkeypatch.setattr(examples, "_PLACES", 2)
    assert len(whole) == 6
    assert rows_of(dense, contexts) == whole


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 15), max_size=4))
def test_activations_are_those_of_the_dense_matrix_on_the_tokens_of_the_window(seed: int, cuts: list[int]) -> None:
    random = np.random.default_rng(seed)
    dense = (random.integers(0, 3, (16, 3)) * random.random((16, 3))).astype(np.float32)
    contexts = text_of(np.sort(random.integers(-1, 2, (4, 4)), axis=None).reshape(4, 4).tolist())
    for row in rows_of(dense, contexts, cuts=cuts):
        context, position = row["context"], row["position"]
        same = np.flatnonzero(contexts.documents[context] == contexts.documents[context, position])
        expected = dense[context * 4 + same, int(row["feature"].rpartition("/")[2])]
        assert row["activations"] == expected.tolist()
        assert row["activations"][row["at"]] == row["activation"]
        words = [tiny.WORDS[token - 3] for token in contexts.tokens[context, same]]
        assert "".join(row["tokens"]) == " ".join(words)
        assert row["tokens"][row["at"]].strip() == tiny.WORDS[contexts.tokens[context, position] - 3]


@pytest.mark.parametrize("count", [1, 2])
def test_a_feature_that_never_fires_has_no_examples(count: int) -> None:
    assert len(hits_of(np.zeros((8, 3), np.float32), np.zeros(8, np.int32), count).feature) == 0
