"""One document of the text that is analysed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document."""

    id: str
    """Where it stands in its source: ``speech.txt``, or ``file.jsonl:17`` for the 17th row."""
    text: str
