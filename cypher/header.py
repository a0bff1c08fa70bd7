"""The header of a query file, from which come its options, help, columns and documentation.

    // Title: one sentence.
    // Any number of lines of description; an empty comment line begins a new paragraph.
    // @group evolution
    // @param run: run  the run to search
    // @param min_pearson: float = 0.95 in [0, 1]  lowest Pearson correlation
    // @param direction: choice(in, out, both) = both  which edges
    // @column source: feature  the upstream feature
    // @column labels: string[]  one label a feature
    // @column density: float (share)  active tokens of the counted ones
    // @example --min-pearson 0.98
    MATCH ...

Two spaces or more come before a meaning. A parameter without a default is required, except a run, which is then the
newest ready one; `null` is a default. ``$run`` is not seen inside of ``CALL (x) {}``: write ``x.run`` there.
``@whole-graph`` marks a query that reads every node or edge of its run.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_args

from saedb.cypher import statement
from saedb.cypher.query import Column, ColumnType, Parameter, ParameterType, Query, Value
from saedb.ingest.errors import InputError

T = TypeVar("T")

_PARAMETER: Final = re.compile(
    r"""(?P<name>[a-z][a-z0-9_]*):\ (?P<type>\w+)
        (?:\((?P<choices>[^)]*)\))?
        (?:\ =\ (?P<default>"(?:\\.|[^"])*"|\[[^\]]*\]|\S+))?
        (?:\ in\ \[(?P<low>\S+),\ (?P<high>\S+)\])?
        \ {2,}(?P<meaning>\S.*)""",
    re.VERBOSE,
)
_COLUMN: Final = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*): (?P<type>\w+)(?P<many>\[\])?(?: \((?P<unit>[^)]+)\))? {2,}(?P<meaning>\S.*)"
)
_PARAMETER_TYPES: Final[dict[str, ParameterType]] = {name: name for name in get_args(ParameterType)}
_COLUMN_TYPES: Final[dict[str, ColumnType]] = {name: name for name in get_args(ColumnType)}
_RESERVED: Final = ("show", "output", "uri", "username", "database", "home", "help")
"""Names of options that every query has on the command line."""
_PARAMETER_FORM: Final = "// @param name: type = default in [low, high]  meaning"
_COLUMN_FORM: Final = "// @column name: type (unit)  meaning"


def parse(text: str, file: Path) -> Query:
    """Return the query that a file holds.

    Raises:
        InputError: the header or the statement breaks a rule; the message begins with file and line.
    """
    return _Header(file=file, text=text).query()


@dataclass(slots=True)
class _Header:
    """What was read so far."""

    file: Path
    text: str
    group: str = ""
    whole_graph: bool = False
    prose: list[str] = field(default_factory=list[str])
    examples: list[str] = field(default_factory=list[str])
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    """The line of each parameter."""

    def query(self) -> Query:
        last = 0
        for last, comment in self._comments():
            if comment.startswith("@"):
                self._tag(last, *comment[1:].partition(" ")[::2])
            else:
                self.prose.append(comment)
        title, _, description = "\n".join(self.prose).strip().partition("\n")
        self._require(title.endswith("."), 1, "the first line must be the title, one sentence: // What it finds.")
        self._require(bool(self.group), last, "no // @group NAME")
        self._require(bool(self.columns), last, f"no columns; each is declared by {_COLUMN_FORM}")
        return Query(
            name=self.file.stem,
            group=self.group,
            title=title.rstrip("."),
            description=description.strip(),
            examples=tuple(self.examples),
            parameters=tuple(self.parameters.values()),
            columns=tuple(self.columns.values()),
            cypher=self._statement(last),
            file=self.file,
            whole_graph=self.whole_graph,
        )

    def _comments(self) -> Iterator[tuple[int, str]]:
        """Yield number and text of each comment line before the statement."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if not line.startswith("//"):
                return
            yield number, line[2:].strip()

    def _tag(self, line: int, tag: str, value: str) -> None:
        value = value.strip()
        match tag:
            case "param":
                self._parameter(line, value)
            case "column":
                self._column(line, value)
            case "group":
                self.group = value
            case "example":
                self.examples.append(value)
            case "whole-graph":
                self.whole_graph = True
            case _:
                self._fail(line, f"unknown @{tag}; there is @param, @column, @group, @example, @whole-graph")

    def _parameter(self, line: int, value: str) -> None:
        found = _PARAMETER.fullmatch(value)
        if found is None:
            self._fail(line, f"a parameter is declared by {_PARAMETER_FORM}")
        name, type_ = found["name"], self._known(line, found["type"], _PARAMETER_TYPES)
        self._require(name not in self.parameters, line, f"parameter {name} is declared twice")
        self._require(name not in _RESERVED, line, f"{name} is an option of every query; choose another name")
        self._require((type_ == "choice") == bool(found["choices"]), line, "a choice has its values: choice(in, out)")
        parameter = Parameter(
            name=name,
            type=type_,
            meaning=found["meaning"],
            required=found["default"] is None and type_ != "run",
            low=self._bound(line, found["low"]),
            high=self._bound(line, found["high"]),
            choices=tuple(choice.strip() for choice in (found["choices"] or "").split(",") if choice.strip()),
            default=self._default(line, type_, found["default"]),
        )
        self._check(line, parameter)
        self.parameters[name], self.lines[name] = parameter, line

    def _check(self, line: int, parameter: Parameter) -> None:
        numeric = parameter.type in ("integer", "layer", "hops", "float")
        bounded = parameter.low is not None or parameter.high is not None
        self._require(numeric or not bounded, line, f"a {parameter.type} has no range")
        self._require(
            parameter.type != "hops" or parameter.high is not None, line, "hops need a range: hops = 2 in [1, 4]"
        )
        if parameter.default is not None and parameter.type != "measure":
            try:
                parameter.checked(parameter.default)
            except InputError as error:
                self._fail(line, f"the default of {error}")

    def _bound(self, line: int, text: str | None) -> float | None:
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            self._fail(line, f"{text!r} in the range is no number")
        return number if math.isfinite(number) else None

    def _default(self, line: int, type_: str, text: str | None) -> Value:
        if text is None or text == "null":
            return None
        if type_ in ("choice", "measure", "feature", "run"):
            return text
        try:
            value: Any = json.loads(text)
        except ValueError:
            self._fail(line, f'the default {text} is no number, "text" or [list]')
        return value

    def _column(self, line: int, value: str) -> None:
        found = _COLUMN.fullmatch(value)
        if found is None:
            self._fail(line, f"a column is declared by {_COLUMN_FORM}")
        name = found["name"]
        self._require(name not in self.columns, line, f"column {name} is declared twice")
        self.columns[name] = Column(
            name=name,
            type=self._known(line, found["type"], _COLUMN_TYPES),
            meaning=found["meaning"],
            unit=found["unit"] or "",
            many=bool(found["many"]),
        )

    def _statement(self, header: int) -> str:
        """Return the statement below the header, its parameters compared with the declared ones."""
        cypher = "\n".join(self.text.splitlines()[header:]).strip()
        first = header + 1
        end = statement.end(cypher)
        if end is not None:
            self._require(not cypher[end + 1 :].strip(), _line(cypher, end, first), "a file holds one statement")
            cypher = cypher[:end].rstrip()
        self._require(bool(cypher), header, "no statement below the header")
        used = dict(statement.parameters(cypher))
        for name, place in used.items():
            self._require(name in self.parameters, _line(cypher, place, first), f"${name} is not declared by @param")
        for name, line in self.lines.items():
            self._require(name in used, line, f"parameter {name} is not used in the statement")
            if self.parameters[name].type == "measure":
                place = used[name]
                is_property = cypher[max(place - 1, 0)] == "."
                self._require(is_property, _line(cypher, place, first), f"a measure is a property: e.${name}")
        return cypher

    def _known(self, line: int, name: str, types: Mapping[str, T]) -> T:
        if name not in types:
            self._fail(line, f"unknown type {name}; there is {', '.join(types)}")
        return types[name]

    def _require(self, condition: bool, line: int, message: str) -> None:
        if not condition:
            self._fail(line, message)

    def _fail(self, line: int, message: str) -> NoReturn:
        raise InputError(f"{self.file}:{max(line, 1)}: {message}")


def _line(cypher: str, place: int, first: int) -> int:
    return first + cypher.count("\n", 0, place)
