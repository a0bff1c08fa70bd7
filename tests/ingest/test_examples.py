from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import tiny
from heldtexts import held
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from saedb.ingest import examples
from saedb.ingest.contexts import Contexts
from saedb.ingest.examples import Hits, example_rows, texts, top_hits

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


def test_the_text_around_a_token_stays_in_its_document_and_context() -> None:
    tokenizer = tiny.tokenizer()
    words = ["<s>", "the", "cat", "sat", ".", "on", "mat", "was", "dog"]
    contexts = Contexts(
        tokens=np.array([tokenizer.convert_tokens_to_ids(words)], np.int32),
        documents=np.array([[-1, 0, 0, 0, 0, 1, 1, 1, 1]], np.int32),
        document_ids=("a", "b"),
        halves=np.zeros(2, np.int8),
        prepend_bos=True,
    )
    before, token, after = texts(contexts, np.array([2, 5]), tokenizer)
    assert [b + t + a for b, t, a in zip(before, token, after, strict=True)] == ["the cat sat .", "on mat was dog"]
    assert [t.strip() for t in token] == ["cat", "on"]


def test_places_that_are_decoded_apart_have_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = np.array([tiny.tokenizer().convert_tokens_to_ids(tiny.WORDS[:8])], np.int32).reshape(2, 4)
    contexts = Contexts(
        tokens=tokens,
        documents=np.zeros_like(tokens),
        document_ids=("a",),
        halves=np.zeros(1, np.int8),
        prepend_bos=False,
    )
    whole = texts(contexts, np.arange(8), tiny.tokenizer())
    monkeypatch.setattr(examples, "_PLACES", 3)
    assert texts(contexts, np.arange(8), tiny.tokenizer()) == whole


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens are single bytes, so that most characters are several tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({piece: number for number, piece in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


BYTES = byte_tokenizer()


@given(st.text("aé€😀 \n", min_size=1, max_size=6), st.data())
def test_the_three_parts_make_the_text_again_whatever_bytes_the_token_has(text: str, data: st.DataObject) -> None:
    tokens = np.array([BYTES(text)["input_ids"]], np.int32)[:, :7]
    contexts = Contexts(
        tokens=tokens,
        documents=np.zeros_like(tokens),
        document_ids=("a",),
        halves=np.zeros(1, np.int8),
        prepend_bos=True,
    )
    place = data.draw(st.integers(0, tokens.shape[1] - 1))
    (before,), (token,), (after,) = texts(contexts, np.array([place]), BYTES)
    assert before + token + after == BYTES.decode(tokens[0])
    assert token


def test_rows_name_the_place_and_rank_of_each_example() -> None:
    tokenizer = tiny.tokenizer()
    dense = np.zeros((8, 2), np.float32)
    dense[[2, 5], 1] = [1.0, 2.0]
    contexts = Contexts(
        tokens=np.array([[0, 3, 5, 7], [0, 4, 6, 8]], np.int32),
        documents=np.array([[-1, 0, 0, 0], [-1, 1, 1, 1]], np.int32),
        document_ids=("a", "b"),
        halves=np.zeros(2, np.int8),
        prepend_bos=True,
    )
    hits = hits_of(dense, contexts.documents.ravel(), 10)
    rows = example_rows(hits, contexts, tokenizer, np.array(["m/0-a/0", "m/0-a/1"], dtype=object)).to_pylist()
    assert [(r["feature"], r["rank"], r["document"], r["context"], r["position"], r["activation"]) for r in rows] == [
        ("m/0-a/1", 0, 1, 1, 1, 2.0),
        ("m/0-a/1", 1, 0, 0, 2, 1.0),
    ]
    assert [r["token"].strip() for r in rows] == [tiny.WORDS[1], tiny.WORDS[2]]


@pytest.mark.parametrize("count", [1, 2])
def test_a_feature_that_never_fires_has_no_examples(count: int) -> None:
    assert len(hits_of(np.zeros((8, 3), np.float32), np.zeros(8, np.int32), count).feature) == 0
