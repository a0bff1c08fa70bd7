"""Values inside the text of a Cypher statement: parameters found and replaced, literals, words for full-text search."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""
      (?P<text>    '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `(?:``|[^`])*` )
    | (?P<comment> //[^\n\r]* | /\*.*?\*/ )
    | \$(?P<parameter> \w+ )
    | (?P<end>     ; )
    """,
    re.VERBOSE | re.DOTALL,
)

# Cypher replaces \uXXXX before it reads the statement, even behind a backslash: '\\u0027' would close the string. So a
# backslash of the text is written as two such escapes, which are not read again.
_ESCAPES: Final = {
    "\\": r"\u005C\u005C",
    "'": r"\'",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
}

# Whether \uXXXX counts behind a backslash depends on Neo4j's version.
_UNICODE: Final = (re.compile(r"\\u([0-9a-fA-F]{4})"), re.compile(r"\\\\|\\u([0-9a-fA-F]{4})"))
# Between the words stands what Cypher skips: anything that cannot be seen.
_LOAD_CSV: Final = re.compile(r"\bLOAD[^!-~]+CSV\b", re.IGNORECASE)


def parameters(cypher: str) -> Iterator[tuple[str, int]]:
    """Yield the name and place of every ``$name`` outside strings, quoted names and comments."""
    for match in _TOKEN.finditer(cypher):
        if match["parameter"]:
            yield match["parameter"], match.start()


def end(cypher: str) -> int | None:
    """Return the place of the first ``;`` outside strings, quoted names and comments."""
    return next((match.start() for match in _TOKEN.finditer(cypher) if match["end"]), None)


def loads_csv(cypher: str) -> bool:
    """Return whether the server would fetch a file or an address: LOAD CSV outside strings, names and comments."""
    texts = (
        pattern.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[0], cypher) for pattern in _UNICODE
    )
    return any(_LOAD_CSV.search(_TOKEN.sub(" ", text)) for text in texts)


def substituted(cypher: str, texts: Mapping[str, str]) -> str:
    """Return the statement with each ``$name`` of `texts` replaced, outside strings, quoted names and comments."""
    return _TOKEN.sub(lambda match: texts.get(match["parameter"] or "", match[0]), cypher)


def literal(value: Any) -> str:
    """Return a value as Cypher writes it; `value` is one that a `Parameter` let through."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return f"'{''.join(_ESCAPES.get(character, character) for character in value)}'"
        case list() | tuple():
            return f"[{', '.join(literal(item) for item in value)}]"
        case _:
            raise ValueError(f"no Cypher literal for {value!r}")


def lucene(text: str, *, is_beginning: bool = False) -> str:
    r"""Return a full-text query for texts that hold every word of `text`.

    Each word becomes a required phrase, in which only ``"`` and ``\` have a meaning: ``AND``, ``a/b`` and ``*:*`` are
    looked for as they stand. Where `text` is only the beginning of what somebody types, so may its last word be.
    """
    *words, last = text.split() or [""]
    found = [*map(_phrase, words), *_last(last, is_beginning=is_beginning)]
    return " ".join(f"+{word}" for word in found)


def _last(word: str, *, is_beginning: bool) -> list[str]:
    if is_beginning and len(word) > 1 and word.isalnum():
        return [f"({_phrase(word)} {word.lower()}*)"]
    return [_phrase(word)] if word else []


def _phrase(word: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'
