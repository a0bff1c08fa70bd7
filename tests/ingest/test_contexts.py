import logging
from collections.abc import Sequence

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from sae_lens.tokenization_and_batching import concat_and_batch_sequences

from saedb.ingest import contexts, tables
from saedb.ingest.contexts import Contexts
from saedb.ingest.document import Document
from saedb.ingest.errors import InputError

TOKENIZER = tiny.tokenizer()
BOS, EOS = 0, 1


def documents(texts: Sequence[str]) -> list[Document]:
    return [Document(id=f"d{number}", text=text) for number, text in enumerate(texts)]


def pack(texts: Sequence[str], *, context_size: int, prepend_bos: bool = True, max_tokens: int = 10**6) -> Contexts:
    return contexts.pack(
        documents(texts), TOKENIZER, context_size=context_size, prepend_bos=prepend_bos, max_tokens=max_tokens
    )


def ids(text: str) -> list[int]:
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def test_bos_starts_each_context_and_stands_between_documents() -> None:
    packed = pack(["the cat sat", "the dog ran . it was", "he"], context_size=6)
    words = [TOKENIZER.convert_ids_to_tokens(row.tolist()) for row in packed.tokens]
    assert words == [["<s>", "the", "cat", "sat", "<s>", "the"], ["<s>", "dog", "ran", ".", "it", "was"]]
    assert packed.documents.tolist() == [[-1, 0, 0, 0, -1, 1], [-1, 1, 1, 1, 1, 1]]
    assert packed.document_ids == ("d0", "d1")
    assert packed.prepend_bos
    assert packed.tokens.dtype == packed.documents.dtype == np.int32


words = st.lists(st.sampled_from([*tiny.WORDS, "<s>", "</s>"]), max_size=15).map(" ".join)


@given(texts=st.lists(words, min_size=1, max_size=8), context_size=st.integers(2, 9), prepend_bos=st.booleans())
def test_packing_equals_sae_lens_and_remembers_each_tokens_document(
    texts: list[str], context_size: int, prepend_bos: bool
) -> None:
    expected = list(
        concat_and_batch_sequences(
            iter([torch.tensor(ids(text)) for text in texts]),
            context_size,
            begin_batch_token_id=BOS if prepend_bos else None,
            sequence_separator_token_id=BOS,
        )
    )
    if not expected:
        with pytest.raises(InputError, match="does not fill one context"):
            pack(texts, context_size=context_size, prepend_bos=prepend_bos)
        return
    packed = pack(texts, context_size=context_size, prepend_bos=prepend_bos)
    assert packed.tokens.tolist() == torch.stack(expected).tolist()
    read = [
        (packed.document_ids[d], t) for d, t in zip(packed.documents.flat, packed.tokens.flat, strict=True) if d >= 0
    ]
    written = [(d.id, t) for d in documents(texts) for t in ids(d.text) if t != BOS]
    assert read == written[: len(read)]
    assert all(t == BOS for d, t in zip(packed.documents.flat, packed.tokens.flat, strict=True) if d < 0)


def test_a_context_of_one_token_is_an_input_error() -> None:
    with pytest.raises(InputError, match="context size of 1"):
        pack(["the cat"], context_size=1)


def test_no_more_text_is_read_than_fills_the_contexts() -> None:
    def endless():
        while True:
            yield Document(id="d", text="the cat sat on the mat")

    packed = contexts.pack(endless(), TOKENIZER, context_size=10, prepend_bos=True, max_tokens=25)
    assert packed.tokens.shape == (3, 10)


def test_progress_ends_at_the_tokens_asked_for() -> None:
    seen: list[tuple[str, int, int | None]] = []
    contexts.pack(
        documents(["the cat sat on the mat"] * 9),
        TOKENIZER,
        context_size=10,
        prepend_bos=True,
        max_tokens=25,
        report=lambda *values: seen.append(values),
    )
    assert seen == [("tokenise", 10, 30), ("tokenise", 20, 30), ("tokenise", 30, 30)]


def test_a_tokenizer_without_bos_separates_nothing() -> None:
    without = tiny.tokenizer()
    without.bos_token = None
    texts = documents(["the cat", "sat on"])
    packed = contexts.pack(texts, without, context_size=4, prepend_bos=True, max_tokens=4)
    assert packed.tokens.tolist() == [ids("the cat sat on")]
    assert packed.documents.tolist() == [[0, 0, 1, 1]]
    assert not packed.prepend_bos


def test_a_document_longer_than_the_models_context_is_no_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    caplog.set_level(logging.WARNING, logger="transformers")
    short = tiny.tokenizer()
    short.model_max_length = 4
    contexts.pack(documents(["the cat sat on the mat"]), short, context_size=4, prepend_bos=True, max_tokens=4)
    assert not caplog.records


def test_special_tokens_are_bos_eos_and_padding() -> None:
    assert contexts.special_tokens(TOKENIZER) == {BOS, EOS}


def test_tokens_are_left_out_by_the_first_reason_that_applies() -> None:
    tokens = np.array([[BOS, 5, 6, 7], [8, 9, BOS, 5]], dtype=np.int32)
    norms = {
        "blocks.0.hook_resid_pre": np.array([[900, 10.5, 1, 1], [900, 1, 1, 10]], dtype=np.float32),
        "blocks.1.hook_resid_pre": np.array([[900, 1, 1, 31], [900, 1, 1, 30]], dtype=np.float32),
    }
    medians = {"blocks.0.hook_resid_pre": 1.0, "blocks.1.hook_resid_pre": 3.0}
    counted = contexts.countable(tokens, {BOS, EOS}, norms, medians)
    assert counted.mask.tolist() == [[False, False, True, False], [False, True, False, True]]
    assert counted.left_out == {"special token": 2, "position 0": 1, "outlier norm": 2}
    assert counted.mask.sum() + sum(counted.left_out.values()) == tokens.size


def test_a_norm_that_is_not_a_number_does_not_count() -> None:
    tokens = np.array([[BOS, 5, 6]], dtype=np.int32)
    norms = {"h": np.array([[1, np.nan, 1]], dtype=np.float32)}
    assert contexts.countable(tokens, {BOS}, norms, {"h": 1.0}).left_out["outlier norm"] == 1


def test_medians_are_over_ordinary_tokens_only() -> None:
    tokens = np.array([[BOS, 5, 6, BOS], [7, 8, 9, 5]], dtype=np.int32)
    norms = {"h": np.array([[1e6, 1, 2, 1e6], [1e6, 3, 4, 5]], dtype=np.float32)}
    assert contexts.median_norms(tokens, {BOS}, norms) == {"h": 3.0}


def test_medians_of_special_tokens_only_are_an_input_error() -> None:
    with pytest.raises(InputError, match="only special tokens"):
        contexts.median_norms(np.array([[5, BOS]], dtype=np.int32), {BOS}, {"h": np.ones((1, 2), dtype=np.float32)})


def test_document_rows_trace_a_number_to_its_source() -> None:
    table = contexts.document_rows(pack(["the cat sat", "the dog ran"], context_size=4))
    assert table.schema.equals(tables.DOCUMENTS.schema)
    assert table.to_pylist() == [{"document": 0, "id": "d0"}, {"document": 1, "id": "d1"}]


def test_rows_say_where_each_token_stands() -> None:
    packed = pack(["the cat sat", "the dog ran"], context_size=4)
    mask = packed.documents >= 0
    table = contexts.rows(packed, mask)
    assert table.schema.equals(tables.TOKENS.schema)
    first, *_, last = table.to_pylist()
    assert first == {"context": 0, "position": 0, "token": BOS, "document": -1, "counted": False}
    assert last == {"context": 1, "position": 3, "token": ids("ran")[0], "document": 1, "counted": True}
