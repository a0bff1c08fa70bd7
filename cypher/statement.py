"""Values inside the text of a Cypher statement: parameters found and replaced, literals, words for full-text search."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""
      (?P<text>    '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `(?:``|[^`])*` )
    | (?P<comment> //[^\n]* | /\*.*?\*/ )
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


def parameters(cypher: str) -> Iterator[tuple[str, int]]:
    """Yield the name and place of every ``$name`` outside strings, quoted names and comments."""
    for match in _TOKEN.finditer(cypher):
        if match["parameter"]:
            yield match["parameter"], match.start()


def end(cypher: str) -> int | None:
    """Return the place of the first ``;`` outside strings, quoted names and comments."""
    return next((match.start() for match in _TOKEN.finditer(cypher) if match["end"]), None)


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


def lucene(text: str) -> str:
    r"""Return a full-text query for texts that hold every word of `text`.

    Each word becomes a required phrase, in which only ``"`` and ``\`` have a meaning: ``AND``, ``a/b`` and ``*:*`` are
    looked for as they stand.
    """
    words = (re.sub(r'(["\\])', r"\\\1", word) for word in text.split())
    return " ".join(f'+"{word}"' for word in words)
