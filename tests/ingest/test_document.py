from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.ingest import document
from saedb.ingest.document import PIECE, Document

LONG = "word " * (PIECE // 2)


def test_most_documents_are_one_piece() -> None:
    assert list(Document(id="d", text="one\ntwo").pieces()) == ["one\ntwo"]
    assert list(Document(id="d", text="").pieces()) == []


def test_a_piece_ends_before_a_line_break_or_else_before_a_space() -> None:
    broken = LONG[: PIECE - 100] + "\n" + LONG
    first, *_ = Document(id="d", text=broken).pieces()
    assert len(first) == PIECE - 100
    pieces = list(Document(id="d", text=LONG).pieces())
    assert all(piece.startswith(" ") for piece in pieces[1:])
    assert all(piece.endswith("word") for piece in pieces[:-1])


@given(text=st.text("ab \n", max_size=60), more=st.lists(st.text("ab \n", max_size=20), max_size=5))
def test_pieces_are_the_whole_document_and_none_is_empty(text: str, more: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "PIECE", 8)  # seams everywhere
        pieces = list(Document(id="d", text=text, more=iter(more)).pieces())
    assert "".join(pieces) == text + "".join(more)
    assert all(pieces)


def test_no_more_of_a_document_is_read_than_is_asked_for() -> None:
    def more() -> Iterator[str]:
        raise AssertionError("no more should be read")
        yield LONG

    pieces = Document(id="d", text=LONG, more=more()).pieces()
    assert 0 < len(next(pieces)) <= PIECE
