from base64 import b64encode

import pytest

from saedb.cypher.bookmark import transaction_of

ID = bytes((0x91, 0xCC, 16)) + bytes(range(16))
"""A list of one item, and the database's id."""


def bookmark(number: bytes, *, before: bytes = ID) -> str:
    return "FB:" + b64encode(before + number).decode()


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\xc9\x00\x80", 128),
        (b"\xc9\x7f\xff", 32_767),
        (b"\xca\x00\x00\x80\x00", 32_768),
        (b"\xca\x7f\xff\xff\xff", 2**31 - 1),
        (b"\xcb\x00\x00\x00\x00\x80\x00\x00\x00", 2**31),
        (b"\xcb\x7f" + b"\xff" * 7, 2**63 - 1),
    ],
)
def test_the_number_is_read_in_each_of_its_widths(written: bytes, number: int) -> None:
    assert transaction_of(bookmark(written)) == number
    assert transaction_of(bookmark(written).rstrip("=")) == number


def test_an_id_that_looks_like_what_stands_before_it_is_told_from_it() -> None:
    id_ = bytes((0x91, 0xCC, 16)) + bytes((0xCC, 16)) * 8
    assert transaction_of(bookmark(b"\xc9\x00\x80", before=id_)) == 128


@pytest.mark.parametrize(
    "text",
    [
        "",
        "neo4j:bookmark:v1:tx42",
        "FB:",
        "FB:a",
        "FB:???",
        "FB:é",
        bookmark(b""),
        bookmark(b"\xc9"),
        bookmark(b"\xc9\x00"),
        bookmark(b"\xcb\x00\x00\x00\x00"),
        bookmark(b"\xd0\x01a"),
        bookmark(b"\xc0"),
        bookmark(b"\x01", before=bytes((0x90,))),
    ],
)
def test_a_bookmark_of_another_kind_tells_nothing(text: str) -> None:
    assert transaction_of(text) is None
