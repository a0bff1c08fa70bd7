import logging
import tracemalloc
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from sae_lens.tokenization_and_batching import concat_and_batch_sequences

from saedb.ingest import document, packing
from saedb.ingest.contexts import NO_DOCUMENT, Contexts
from saedb.ingest.document import Document
from saedb.ingest.errors import InputError

TOKENIZER = tiny.tokenizer()
BOS = 0


def documents(texts: Sequence[str]) -> list[Document]:
    return [Document(id=f"d{number}", text=text) for number, text in enumerate(texts)]


def pack(
    texts: Sequence[str],
    *,
    context_size: int,
    prepend_bos: bool = True,
    max_tokens: int = 10**6,
    halves: bool = True,
) -> Contexts:
    return packing.pack(
        documents(texts),
        TOKENIZER,
        context_size=context_size,
        prepend_bos=prepend_bos,
        max_tokens=max_tokens,
        halves=halves,
    )


def ids(text: str) -> list[int]:
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def by_sae_lens(texts: Sequence[str], *, context_size: int, prepend_bos: bool) -> list[list[int]]:
    batches = concat_and_batch_sequences(
        iter([torch.tensor(ids(text), dtype=torch.int64) for text in texts]),
        context_size,
        begin_batch_token_id=BOS if prepend_bos else None,
        sequence_separator_token_id=BOS,
    )
    return [batch.tolist() for batch in batches]


def dealt(texts: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the texts of each half."""
    halves: list[list[int]] = [[], []]
    tokens = [0, 0]
    for number, text in enumerate(texts):
        half = int(tokens[1] < tokens[0])
        halves[half].append(number)
        tokens[half] += len(ids(text))
    return halves


def test_bos_starts_each_context_and_stands_between_documents() -> None:
    packed = pack(["the cat sat", "the dog ran . it was", "he"], context_size=6, halves=False)
    words = [TOKENIZER.convert_ids_to_tokens(row.tolist()) for row in packed.tokens]
    assert words == [["<s>", "the", "cat", "sat", "<s>", "the"], ["<s>", "dog", "ran", ".", "it", "was"]]
    assert packed.documents.tolist() == [[-1, 0, 0, 0, -1, 1], [-1, 1, 1, 1, 1, 1]]
    assert packed.document_ids == ("d0", "d1")
    assert packed.halves.tolist() == [0, 0]
    assert packed.first_half_contexts == 2
    assert packed.prepend_bos
    assert packed.tokens.dtype == packed.documents.dtype == np.int32


def test_documents_are_dealt_to_the_half_with_fewer_tokens_and_numbered_by_half() -> None:
    packed = pack(["the cat sat", "a dog", "he", "she was", "it ran", "mat"], context_size=4)
    words = [TOKENIZER.decode(row.tolist()) for row in packed.tokens]
    assert words == ["<s> the cat sat", "<s> she was <s>", "<s> a dog <s>", "<s> he <s> it"]
    assert packed.document_ids == ("d0", "d3", "d1", "d2", "d4")
    assert packed.documents.tolist() == [[-1, 0, 0, 0], [-1, 1, 1, -1], [-1, 2, 2, -1], [-1, 3, -1, 4]]
    assert packed.halves.tolist() == [0, 0, 1, 1, 1]
    assert packed.halves.dtype == np.int8
    assert packed.first_half_contexts == 2


words = st.lists(st.sampled_from([*tiny.WORDS, "<s>", "</s>"]), max_size=15).map(" ".join)
texts_of_words = st.lists(words, min_size=1, max_size=8)


def check_documents(packed: Contexts, texts: Sequence[str], order: Sequence[int]) -> None:
    """Check that the tokens that belong to documents are those of these texts, from the first on."""
    read = [
        (packed.document_ids[d], t) for d, t in zip(packed.documents.flat, packed.tokens.flat, strict=True) if d >= 0
    ]
    written = [(f"d{number}", t) for number in order for t in ids(texts[number]) if t != BOS]
    assert read == written[: len(read)]
    assert all(t == BOS for d, t in zip(packed.documents.flat, packed.tokens.flat, strict=True) if d < 0)


@given(texts=texts_of_words, context_size=st.integers(2, 9), prepend_bos=st.booleans())
def test_one_stream_equals_sae_lens_and_remembers_each_tokens_document(
    texts: list[str], context_size: int, prepend_bos: bool
) -> None:
    expected = by_sae_lens(texts, context_size=context_size, prepend_bos=prepend_bos)
    if not expected:
        with pytest.raises(InputError, match="does not fill one context"):
            pack(texts, context_size=context_size, prepend_bos=prepend_bos, halves=False)
        return
    packed = pack(texts, context_size=context_size, prepend_bos=prepend_bos, halves=False)
    assert packed.tokens.tolist() == expected
    check_documents(packed, texts, range(len(texts)))


@given(texts=texts_of_words, context_size=st.integers(2, 9), prepend_bos=st.booleans())
def test_each_half_equals_sae_lens_on_its_documents(texts: list[str], context_size: int, prepend_bos: bool) -> None:
    halves = dealt(texts)
    expected = [
        by_sae_lens([texts[n] for n in half], context_size=context_size, prepend_bos=prepend_bos) for half in halves
    ]
    if not any(expected):
        return
    if not expected[0]:
        expected, halves = expected[::-1], halves[::-1]
    packed = pack(texts, context_size=context_size, prepend_bos=prepend_bos)
    assert packed.tokens.tolist() == [*expected[0], *expected[1]]
    border = len(expected[0])
    for part, order in ((slice(None, border), halves[0]), (slice(border, None), halves[1])):
        known = packed.documents[part]
        check_documents(
            Contexts(
                tokens=packed.tokens[part],
                documents=known,
                document_ids=packed.document_ids,
                halves=packed.halves,
                prepend_bos=prepend_bos,
            ),
            texts,
            order,
        )
        of_documents = known[known >= 0]
        assert (packed.halves[of_documents] == (part.start is not None)).all()
    assert (np.diff(packed.documents[packed.documents >= 0]) >= 0).all(), "documents ascend over the whole text"


@given(texts=texts_of_words, context_size=st.integers(2, 9), prepend_bos=st.booleans())
def test_a_text_with_a_context_is_never_refused(texts: list[str], context_size: int, prepend_bos: bool) -> None:
    if any(text.startswith("<s>") for text in texts) or not by_sae_lens(
        texts, context_size=context_size, prepend_bos=prepend_bos
    ):
        return  # a document that brings its own BOS needs no other before it, in whichever place it stands
    packed = pack(texts, context_size=context_size, prepend_bos=prepend_bos)
    assert len(packed.tokens) >= 1


def test_a_text_that_fills_a_context_only_as_a_whole_is_in_the_first_half() -> None:
    packed = pack(["the cat", "sat on"], context_size=6)
    assert TOKENIZER.decode(packed.tokens[0].tolist()) == "<s> the cat <s> sat on"
    assert packed.documents.tolist() == [[-1, 0, 0, -1, 1, 1]]
    assert packed.halves.tolist() == [0, 0]
    assert packed.first_half_contexts == 1


def test_one_document_gives_all_its_contexts_in_the_first_half() -> None:
    packed = pack(["the cat sat on the mat"], context_size=3)
    assert len(packed.tokens) == 3
    assert packed.halves.tolist() == [0]
    assert packed.first_half_contexts == 3


@given(texts=st.lists(words, min_size=1, max_size=20), context_size=st.integers(2, 6), wanted=st.integers(min_value=1))
def test_each_half_gives_half_of_the_contexts_as_far_as_it_has_them(
    texts: list[str], context_size: int, wanted: int
) -> None:
    wanted = wanted % 12 + 1
    have = [
        len(by_sae_lens([texts[n] for n in half], context_size=context_size, prepend_bos=True)) for half in dealt(texts)
    ]
    if not any(have):
        return
    packed = pack(texts, context_size=context_size, max_tokens=wanted * context_size)
    second = len(packed.tokens) - packed.first_half_contexts
    assert len(packed.tokens) == min(wanted, sum(have))
    if have[0] >= wanted - wanted // 2 and have[1] >= wanted // 2:
        assert second == wanted // 2


def test_a_context_of_one_token_is_an_input_error() -> None:
    with pytest.raises(InputError, match="context size of 1"):
        pack(["the cat"], context_size=1)


def more_than_enough() -> Iterator[Document]:
    for _ in range(20):
        yield Document(id="d", text="the cat sat on the mat")
    raise AssertionError("no more should be read")


@pytest.mark.parametrize("halves", [True, False])
def test_no_more_text_is_read_than_fills_the_contexts(halves: bool) -> None:
    packed = packing.pack(
        more_than_enough(), TOKENIZER, context_size=10, prepend_bos=True, max_tokens=25, halves=halves
    )
    assert packed.tokens.shape == (3, 10)
    assert packed.first_half_contexts == (2 if halves else 3)


def test_no_more_of_a_document_is_read_than_fills_the_contexts() -> None:
    def parts() -> Iterator[str]:
        for _ in range(3):
            yield "the cat sat on the mat " * 100_000
        raise AssertionError("no more should be read")

    found = [Document(id="long", text="the", more=parts()), *documents(["he ran . " * 20])]
    packed = packing.pack(found, TOKENIZER, context_size=10, prepend_bos=True, max_tokens=100)
    assert packed.tokens.shape == (10, 10)
    assert packed.first_half_contexts == 5
    assert packed.document_ids == ("long", "d0")


def test_a_document_in_pieces_is_packed_as_it_is_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the cat sat\non the mat", "he ran . she sat on it and the dog", "was"] * 5
    whole = pack(texts, context_size=7)
    monkeypatch.setattr(document, "PIECE", 8)
    pieces = pack(texts, context_size=7)
    np.testing.assert_array_equal(pieces.tokens, whole.tokens)
    np.testing.assert_array_equal(pieces.documents, whole.documents)
    assert pieces.document_ids == whole.document_ids


def test_a_long_document_takes_memory_by_the_piece() -> None:
    text = "the cat sat on the mat\n" * 150_000  # 900,000 tokens
    tracemalloc.start()
    packed = pack([text], context_size=128, max_tokens=10**7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * packed.tokens.size + 100_000_000, "as a list they take 250 MB more"


def test_progress_ends_at_the_tokens_asked_for() -> None:
    seen: list[tuple[str, int, int | None]] = []
    packing.pack(
        more_than_enough(),
        TOKENIZER,
        context_size=10,
        prepend_bos=True,
        max_tokens=25,
        report=lambda *values: seen.append(values),
    )
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1] == ("tokenise", 30, 30)


def test_a_tokenizer_without_bos_separates_nothing() -> None:
    without = tiny.tokenizer()
    without.bos_token = None
    texts = documents(["the cat", "sat on"])
    packed = packing.pack(texts, without, context_size=4, prepend_bos=True, max_tokens=4)
    assert packed.tokens.tolist() == [ids("the cat sat on")]
    assert packed.documents.tolist() == [[0, 0, 1, 1]]
    assert not packed.prepend_bos
    assert NO_DOCUMENT not in packed.documents


def test_a_document_longer_than_the_models_context_is_no_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    caplog.set_level(logging.WARNING, logger="transformers")
    short = tiny.tokenizer()
    short.model_max_length = 4
    packing.pack(documents(["the cat sat on the mat"]), short, context_size=4, prepend_bos=True, max_tokens=4)
    assert not caplog.records
