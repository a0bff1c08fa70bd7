"""One document of the text that is analysed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

PIECE: Final = 1 << 20
"""Characters of a document that are read, and tokenised, at once: a token takes some 300 bytes until it is packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document."""

    id: str
    """Where it stands in its source: ``speech.txt``, or ``file.jsonl:17`` for the 17th row."""
    text: str
    """All of it, or its beginning."""
    more: Iterable[str] = ()
    """What follows, part by part, of one that is too long to be read at once; can be read only once."""

    def pieces(self) -> Iterator[str]:
        """Yield the document in pieces of about `PIECE` characters; most are one piece.

        A piece ends before a line break, or else a space, so that tokenised by itself it has the ids that it has within
        the document, but perhaps for the first and the last ones: a tokenizer may begin every text with a mark, or join
        what stands on both sides of a line break.
        """
        held = ""
        for part in chain(_slices(self.text), self.more):
            held += part
            if len(held) >= PIECE:
                end = _seam(held)
                yield held[:end]
                held = held[end:]
        if held:
            yield held


def _slices(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _seam(text: str) -> int:
    """Return where to cut a text: before its last line break or space, or at its end where it has none."""
    found = max(text.rfind("\n"), 0) or max(text.rfind(" "), 0)
    return found or len(text)
