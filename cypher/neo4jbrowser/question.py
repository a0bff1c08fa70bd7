"""What the guide and the favourites ask: the library's queries, and a few statements that return pictures."""

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from saedb.cypher import header
from saedb.cypher.library import GROUPS, shipped
from saedb.cypher.parameter import Parameter, Value
from saedb.cypher.query import Query

HOLDS: Final = "holds"
PICTURES: Final = "pictures"
"""Groups of the statements that are Browser's only."""

_FOUND: Final = ("run", "partition")
"""Types of parameters that a statement looks for itself."""
_TEXTS: Final = ("string", "words", "feature", "list", "choice")
_WORD: Final = "time"
"""What is looked for where people have not written a word yet; no run is known when the guide is made."""
_PUT: Final = "put the whole id of a feature here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A value that people write into the guide."""

    name: str
    meaning: str
    example: str

    @property
    def mark(self) -> str:
        """What stands in the statement instead of the value."""
        return f"«{self.name}»"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question, with a statement for Neo4j Browser."""

    name: str
    group: str
    title: str
    description: str
    nothing: str
    """What to do where nothing is found; may be empty."""
    command: str
    """How the terminal asks it; empty for what is Browser's only."""
    blanks: tuple[Blank, ...]
    marked: str | None
    """The statement, with the marks of the blanks; None where no single statement answers it."""
    statement: str | None
    """The statement with defaults or examples in the blanks."""


def library() -> list[Question]:
    """Return the shipped queries, in the order of the list of ``saedb query``."""
    groups = {group: [query for query in shipped().values() if query.group == group] for group in GROUPS}
    return [
        _question(
            query, [p for p in query.parameters if p.required and not p.is_text], f"saedb query {_example(query)}"
        )
        for queries in groups.values()
        for query in queries
    ]


def own() -> list[Question]:
    """Return the statements that are Browser's only: what the graph holds, and pictures."""
    return [_question(query, [p for p in query.parameters if p.type not in _FOUND], "") for query in _statements()]


@cache
def _statements() -> tuple[Query, ...]:
    folder = Path(str(files("saedb.cypher.neo4jbrowser") / "statements"))
    return tuple(header.parse(file.read_text(encoding="utf-8"), file) for file in sorted(folder.glob("*.cypher")))


def _question(query: Query, blanks: list[Parameter], command: str) -> Question:
    return Question(
        name=query.name,
        group=query.group,
        title=query.title,
        description=query.description,
        nothing=query.nothing,
        command=command,
        blanks=tuple(_blank(parameter) for parameter in blanks) if query.cypher is not None else (),
        marked=_marked(query, blanks) if query.cypher is not None else None,
        statement=query.render({p.name: _value(p) for p in query.parameters if p.required})
        if query.cypher is not None
        else None,
    )


def _blank(parameter: Parameter) -> Blank:
    default = _value(parameter) if parameter.required else parameter.default
    return Blank(name=parameter.name, meaning=parameter.meaning, example="" if default == _PUT else str(default))


def _value(parameter: Parameter) -> Value:
    """Return an example for a parameter that has no default."""
    match parameter.type:
        case "words":
            return _WORD
        case "integer" | "layer" | "hops":
            return int(parameter.low or 0)
        case "float":
            return parameter.low or 0.0
        case "choice" | "measure":
            return parameter.allowed[0]
        case _:
            return _PUT


def _marked(query: Query, blanks: list[Parameter]) -> str:
    """Return the statement with a mark for every blank: as a text between quotes, as a number without."""
    marks = {parameter.name: _blank(parameter).mark for parameter in blanks}
    texts = tuple(_as_text(p) if p.name in marks else p for p in query.parameters)
    marked = replace(query, parameters=texts).render(marks)
    for parameter in blanks:
        if parameter.type not in _TEXTS:
            marked = marked.replace(f"'{marks[parameter.name]}'", marks[parameter.name])
    return marked


def _as_text(parameter: Parameter) -> Parameter:
    type_ = "words" if parameter.type == "words" else "string"
    return replace(parameter, type=type_, default=None, low=None, high=None, choices=())


def _example(query: Query) -> str:
    return f"{query.name} {query.examples[0]}".rstrip() if query.examples else query.name
