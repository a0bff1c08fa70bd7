from pathlib import Path

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from planted import planted_pair, store_of
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from saedb.ingest.contexts import Contexts
from saedb.ingest.examples import example_rows, texts, top_hits


def test_the_best_context_comes_first_and_each_context_once(tmp_path: Path) -> None:
    dense = np.zeros((24, 2), np.float32)
    dense[[1, 2, 9, 20], 0] = [3.0, 4.0, 5.0, 1.0]  # contexts 0, 0, 2, 5
    hits = top_hits(store_of(tmp_path, {"0-a": dense}), "0-a", np.arange(24, dtype=np.int32), 3)
    assert hits.feature.tolist() == [0, 0, 0]
    assert hits.token.tolist() == [9, 2, 20]
    assert hits.activation.tolist() == [5.0, 4.0, 1.0]


def test_hits_are_the_largest_of_the_dense_matrix(tmp_path: Path) -> None:
    dense, _, _ = planted_pair()
    store = store_of(tmp_path, {"0-a": dense}, shard_contexts=9)
    documents = np.arange(len(dense), dtype=np.int32) // 4  # every context a document: nothing to vary
    hits = top_hits(store, "0-a", documents, 10)
    for feature in range(dense.shape[1]):
        largest = np.sort(dense[:, feature].reshape(-1, 4).max(axis=1))[::-1][:10]
        np.testing.assert_array_equal(hits.activation[hits.feature == feature], largest[largest > 0])


def test_other_documents_come_before_a_second_context_of_one(tmp_path: Path) -> None:
    dense = np.zeros((24, 1), np.float32)
    dense[::4, 0] = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]  # one in each context
    documents = np.repeat([0, 0, 0, 1, 1, 2], 4).astype(np.int32)
    hits = top_hits(store_of(tmp_path, {"0-a": dense}), "0-a", documents, 4)
    assert hits.activation.tolist() == [6.0, 5.0, 3.0, 1.0]


def test_only_counted_tokens_are_examples(tmp_path: Path) -> None:
    dense = np.array([[9.0], [1.0], [0.0], [0.0]], np.float32)
    store = store_of(tmp_path, {"0-a": dense}, counted=np.array([False, True, True, True]))
    assert top_hits(store, "0-a", np.zeros(4, np.int32), 10).token.tolist() == [1]


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


def test_rows_name_the_place_and_rank_of_each_example(tmp_path: Path) -> None:
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
    hits = top_hits(store_of(tmp_path, {"0-a": dense}), "0-a", contexts.documents.ravel(), 10)
    rows = example_rows(hits, contexts, tokenizer, np.array(["m/0-a/0", "m/0-a/1"], dtype=object)).to_pylist()
    assert [(r["feature"], r["rank"], r["document"], r["context"], r["position"], r["activation"]) for r in rows] == [
        ("m/0-a/1", 0, 1, 1, 1, 2.0),
        ("m/0-a/1", 1, 0, 0, 2, 1.0),
    ]
    assert [r["token"].strip() for r in rows] == [tiny.WORDS[1], tiny.WORDS[2]]


@pytest.mark.parametrize("count", [1, 2])
def test_a_feature_that_never_fires_has_no_examples(tmp_path: Path, count: int) -> None:
    store = store_of(tmp_path, {"0-a": np.zeros((8, 3), np.float32)})
    assert len(top_hits(store, "0-a", np.zeros(8, np.int32), count).feature) == 0
