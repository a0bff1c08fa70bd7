import numpy as np
import pytest
import tiny

import saedb.ingest.vocabulary
from saedb.ingest.vocabulary import visible, vocabulary


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" the", "the"), ("ing", "ing"), ("\n\n", "↵↵"), ("  ", "␣␣"), (" \t", "⇥"), ("\x00", "\\u0000"), ("a b", "a b")],
)
def test_tokens_are_shown_as_people_read_them(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_every_token_has_a_word() -> None:
    tokenizer = tiny.tokenizer()
    found = vocabulary(tokenizer, np.zeros((1, 1), np.int32))
    texts = [found.words[word] for word in found.word_of.tolist()]
    assert texts == ["<s>", "</s>", "<unk>", *tiny.WORDS]


def test_spellings_that_differ_in_case_are_one_word_as_it_is_mostly_written() -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["Cat", "CAT"])
    cat, title, upper = tokenizer.convert_tokens_to_ids(["cat", "Cat", "CAT"])
    found = vocabulary(tokenizer, np.array([cat, title, title, upper], np.int32))
    assert len({int(found.word_of[token]) for token in (cat, title, upper)}) == 1
    assert found.words[found.word_of[cat]] == "Cat"
    assert np.flatnonzero(found.seen).tolist() == sorted([cat, title, upper])


def test_a_text_counted_in_parts_has_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["Cat"])
    cat, title = tokenizer.convert_tokens_to_ids(["cat", "Cat"])
    monkeypatch.setattr(saedb.ingest.vocabulary, "_AT_ONCE", 2)
    found = vocabulary(tokenizer, np.array([[title, cat], [cat, title], [title, title]], np.int32))
    assert found.words[found.word_of[cat]] == "Cat"
    assert np.flatnonzero(found.seen).tolist() == sorted([cat, title])
