"""The number of a database's last transaction, as a bookmark of the driver holds it.

Neo4j 5 writes ``FB:`` and, in base 64, a PackStream list: the database's id of 16 bytes, and the transaction's number.
"""

from base64 import b64decode
from typing import Final

_PREFIX: Final = "FB:"
_ID: Final = bytes((0xCC, 16))
"""What comes before a text of 16 bytes."""
_WIDTHS: Final = {0xC8: 1, 0xC9: 2, 0xCA: 4, 0xCB: 8}
"""Bytes of a number, by its marker; without one it is a byte below 128."""


def transaction_of(bookmark: str) -> int | None:
    """Return the number of the last transaction, or None where the bookmark is written in another way."""
    if not bookmark.startswith(_PREFIX):
        return None
    text = bookmark.removeprefix(_PREFIX)
    try:
        content = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None
    place = content.find(_ID)
    if place < 0 or len(content) <= place + len(_ID) + 16:
        return None
    number = content[place + len(_ID) + 16 :]
    if number[0] < 128:
        return number[0]
    digits = number[1 : 1 + _WIDTHS.get(number[0], 0)]
    return int.from_bytes(digits, "big", signed=True) if len(digits) == _WIDTHS.get(number[0]) else None
