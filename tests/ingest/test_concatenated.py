from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from saedb.ingest import concatenated
from saedb.ingest.concatenated import concatenate
from saedb.ingest.contexts import Contexts
from saedb.ingest.document import Document
from saedb.ingest.errors import InputError


def tokenizer(pad: str | None = "</s>") -> PreTrainedTokenizerFast:
    """Return the tiny tokenizer; TransformerLens lets a tokenizer without padding pad with EOS, as here."""
    found = tiny.tokenizer()
    found.pad_token = pad
    return found


def packed(
    texts: Sequence[str], words: Any = None, *, size: int = 6, tokens: int = 10**6, bos: bool = True
) -> Contexts:
    documents = [Document(id=f"d{number}", text=text) for number, text in enumerate(texts)]
    return concatenate(documents, words or tokenizer(), context_size=size, prepend_bos=bos, max_tokens=tokens)


def by_the_definition(texts: Sequence[str], words: Any, *, size: int, bos: bool, at_once: int) -> list[list[int]]:
    """Return the rows of TransformerLens 2.7, from its description: join, cut in 20, tokenise, unpad, cut in rows."""
    length, rows = size - bos, list[list[int]]()
    for start in range(0, len(texts), at_once):
        text = words.eos_token.join(texts[start : start + at_once])
        each = (len(text) - 1) // 20 + 1
        padded = words([text[n * each : (n + 1) * each] for n in range(20)], padding=True)["input_ids"]
        flat = [token for piece in padded for token in piece if token != words.pad_token_id]
        found = [flat[n * length : (n + 1) * length] for n in range(len(flat) // length)]
        rows += [[words.bos_token_id] * bos + row for row in found]
    return rows


# "</s>" in a text is EOS, and pieces cut words and separators anywhere
texts = st.lists(st.lists(st.sampled_from([*tiny.WORDS, "</s>", "<s>", " "]), max_size=30).map(" ".join), max_size=9)


@settings(deadline=None)
@given(texts=texts, size=st.integers(2, 9), bos=st.booleans(), pad=st.sampled_from(["</s>", "<unk>", None]))
def test_rows_are_those_of_transformer_lens_2(texts: list[str], size: int, bos: bool, pad: str | None) -> None:
    words = tokenizer(pad)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concatenated, "DOCUMENTS", 4)
        if pad is None:
            words.add_special_tokens({"pad_token": "<PAD>"})  # as it does
        expected = by_the_definition(texts, words, size=size, bos=bos, at_once=4)
        words = tokenizer(pad)
        if not expected:
            with pytest.raises(InputError, match="does not fill one context"):
                packed(texts, words, size=size, bos=bos)
            return
        assert packed(texts, words, size=size, bos=bos).tokens.tolist() == expected


def test_documents_are_numbered_by_where_their_tokens_stand() -> None:
    found = packed(["the cat sat on", " ", "a dog ran and ran", "he"], tokenizer(None), size=5)
    assert found.tokens.dtype == found.documents.dtype == np.int32
    known = found.documents[found.documents >= 0]
    assert (np.diff(known) >= 0).all()
    assert found.document_ids[0] == "d0"
    assert set(found.document_ids) <= {"d0", "d1", "d2", "d3"}
    assert sorted(set(known.tolist())) == list(range(len(found.document_ids)))
    special = np.isin(found.tokens, [0, 1])
    assert (found.documents[special] == -1).all()
    assert (found.halves == 0).all()
    assert found.first_half_contexts == len(found.tokens)


def test_a_documents_number_is_that_of_its_text() -> None:
    """Each document has a word of its own; a piece may cut one, which is then unknown."""
    names = ["cat", "dog", "mat", "she"]
    found = packed([" ".join([name] * 40) for name in names], size=8)
    words = tokenizer().convert_ids_to_tokens(found.tokens.ravel().tolist())
    for word, number in zip(words, found.documents.ravel().tolist(), strict=True):
        if word in names:
            assert found.document_ids[number] == f"d{names.index(word)}"


def test_what_does_not_fill_a_row_is_left_out_after_every_thousand_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concatenated, "DOCUMENTS", 2)
    found = packed(["the the the the the the", "a", "cat cat cat cat cat cat cat", "dog"], size=4)
    assert found.document_ids == ("d0", "d2")
    assert (found.tokens[:, 0] == 0).all()


def test_no_more_rows_than_asked_for_and_no_more_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concatenated, "DOCUMENTS", 3)

    def documents() -> Any:
        for _ in range(3):
            yield Document(id="d", text="the cat sat on the mat and ran " * 3)
        raise AssertionError("no more should be read")

    found = concatenate(documents(), tokenizer(), context_size=4, prepend_bos=True, max_tokens=10)
    assert found.tokens.shape == (3, 4)


def test_a_tokenizer_without_eos_or_a_short_context_is_an_input_error() -> None:
    without = tokenizer()
    without.eos_token = None
    with pytest.raises(InputError, match="no EOS"):
        packed(["the cat"], without)
    with pytest.raises(InputError, match="context size of 1"):
        packed(["the cat"], size=1)


def test_a_blank_document_counts_as_text_and_is_dropped_otherwise(tmp_path: Any) -> None:
    from saedb.ingest.text import documents

    (tmp_path / "t.jsonl").write_text('{"text": "the cat"}\n{"text": " "}\n{"text": "a dog"}\n')
    assert [d.text for d in documents(str(tmp_path / "t.jsonl"), blank=True)] == ["the cat", " ", "a dog"]
    assert [d.text for d in documents(str(tmp_path / "t.jsonl"))] == ["the cat", "a dog"]
