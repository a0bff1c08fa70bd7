"""A query of the library: what it takes, what it gives, and its statement with values filled in.

Imports neither the driver nor pandas, so that help pages and ``--show`` need no server and answer at once.
"""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from saedb.cypher import statement
from saedb.cypher.nearest import suggestion
from saedb.ingest.errors import InputError

ParameterType = Literal[
    "run", "feature", "layer", "measure", "hops", "integer", "float", "string", "words", "list", "choice"
]
ColumnType = Literal["run", "feature", "integer", "float", "string", "boolean"]
Value = str | int | float | list[str] | None

_SIGNED_64_BITS: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a query takes."""

    name: str
    type: ParameterType
    meaning: str
    required: bool = False
    """Without a default: an argument on the command line, where the others are options."""
    default: Value = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The values of a choice or measure; empty for the other types."""
        if self.type != "measure":
            return self.choices
        from saedb.ingest.measures import MEASURES  # imports numpy, which a list of queries does not need

        return tuple(measure.name for measure in MEASURES)

    @property
    def is_text(self) -> bool:
        """Whether its value is part of the statement's text: Cypher takes no parameter there."""
        return self.type in ("measure", "hops")

    def checked(self, value: Any) -> Value:
        """Return the value as the driver takes it.

        Raises:
            InputError: it is of another type, out of range, or not one of the choices.
        """
        if value is None and not self.required and self.default is None:
            return None
        match self.type:
            case "integer" | "layer" | "hops":
                return self._within(self._integer(value))
            case "float":
                return self._within(self._float(value))
            case "list":
                return self._texts(value)
            case "choice" | "measure":
                return self._one_of(value)
            case "words":
                return self._words(value)
            case _:
                return self._text(value)

    def _integer(self, value: Any) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            self._refuse(value, "an integer")
        if isinstance(value, bool) or number not in _SIGNED_64_BITS:
            self._refuse(value, "an integer of 64 bits")
        return number

    def _float(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            self._refuse(value, "a number")
        return float(value)

    def _within(self, number: float) -> float:
        if self.low is not None and number < self.low:
            self._refuse(number, f"at least {self.low:g}")
        if self.high is not None and number > self.high:
            self._refuse(number, f"at most {self.high:g}")
        return number

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            self._refuse(value, "a text")
        try:
            value.encode()
        except UnicodeEncodeError:  # half a surrogate pair, as in an argument that is no UTF-8
            self._refuse(value, "valid text")
        return value

    def _words(self, value: Any) -> str:
        text = self._text(value)
        if not text.split():
            self._refuse(value, "at least one word")
        return text

    def _texts(self, value: Any) -> list[str]:
        if isinstance(value, str) or not isinstance(value, list | tuple):
            self._refuse(value, "a list of texts")
        return [self._text(item) for item in value]

    def _one_of(self, value: Any) -> str:
        if value not in self.allowed:
            self._refuse(value, f"one of {', '.join(self.allowed)}")
        return value

    def _refuse(self, value: Any, expected: str) -> NoReturn:
        raise InputError(f"{self.name} must be {expected}, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table of results."""

    name: str
    type: ColumnType
    meaning: str = ""
    unit: str = ""
    many: bool = False
    """Whether each value is a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One statement with its declared parameters and columns."""

    name: str
    group: str
    title: str
    """One sentence, without its full stop."""
    description: str
    """Paragraphs apart by an empty line; may be empty."""
    examples: tuple[str, ...]
    """What may stand behind ``saedb query NAME``."""
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    cypher: str
    file: Path
    whole_graph: bool = False
    """Whether it reads every node or edge of its run."""

    def checked(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """Return a value for every parameter, defaults filled in.

        Raises:
            InputError: a value is unknown, missing or not allowed.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in values:
            if name not in names:
                raise InputError(f"{self.name} has no parameter {name!r}; {suggestion(name, names)}")
        missing = [p.name for p in self.parameters if p.required and values.get(p.name) is None]
        if missing:
            raise InputError(f"{self.name} needs a value for {', '.join(missing)}")
        return {p.name: p.checked(values.get(p.name, p.default)) for p in self.parameters}

    def bound(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Value]]:
        """Return the statement and the parameters to send with it.

        Raises:
            InputError: a value is unknown, missing or not allowed.
        """
        checked = self.checked(values)
        texts = {p.name: str(checked[p.name]) for p in self.parameters if p.is_text}
        sent = {p.name: _sent(p, checked[p.name]) for p in self.parameters if not p.is_text}
        return statement.substituted(self.cypher, texts), sent

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the statement with every value written into it, ready for Neo4j Browser.

        Where no run is given, the statement looks for the newest one itself.

        Raises:
            InputError: a value is unknown, missing or not allowed.
        """
        cypher, sent = self.bound(values)
        runs = [p.name for p in self.parameters if p.type == "run" and sent[p.name] is None]
        literals = {name: statement.literal(value) for name, value in sent.items()}
        filled = statement.substituted(cypher, literals | dict.fromkeys(runs, _NEWEST))
        text = _on_newest_run(filled, [column.name for column in self.columns]) if runs else filled
        return f"// {self.title}.\n{text}\n"


_NEWEST: Final = "newest_run"


def _on_newest_run(cypher: str, columns: list[str]) -> str:
    """Return a statement that does the same on the newest ready run, in a variable that the whole subquery sees."""
    indented = "\n".join(f"  {line}" if line else line for line in cypher.splitlines())
    return (
        "MATCH (run:Run {status: 'ready'})\n"
        f"WITH run.id AS {_NEWEST} ORDER BY run.created DESC LIMIT 1\n"
        f"CALL ({_NEWEST}) {{\n{indented}\n}}\n"
        f"RETURN {', '.join(columns)}"
    )


def _sent(parameter: Parameter, value: Value) -> Value:
    return statement.lucene(value) if parameter.type == "words" and isinstance(value, str) else value
