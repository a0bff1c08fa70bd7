"""The header of a query file, from which come its options, help, columns and documentation.

    // Title: one sentence.
    // Any number of lines of description; an empty comment line begins a new paragraph.
    // @group evolution
    // @param run: run  the run to search
    // @param min_pearson: float = 0.95 in [0, 1]  lowest Pearson correlation
    // @param direction: choice(in, out, both) = both  which edges
    // @param positional: boolean  take features that depend on the position, too
    // @preset paper: min_pearson=0.9, positional=true  as the paper counts
    // @column source: feature  the upstream feature
    // @column labels: string[]  one label a feature
    // @column density: float (share)  active tokens of the counted ones
    // @nothing gates are found by: saedb gates
    // @example --min-pearson 0.98
    MATCH ...

Two spaces or more come before a meaning. A parameter without a default is required, except a run, which is then the
newest ready one, and a boolean, which is then false; `null` is a default. ``$run`` is not seen inside of
``CALL (x) {}``: write ``x.run`` there. ``@whole-graph`` marks a query that reads every node or edge of its run,
``@nothing`` says what to do where there is no row.

A Python file has the same lines, without ``//``, as its docstring: see `saedb.cypher.program`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_args

from saedb.cypher import program
from saedb.cypher.parameter import Parameter, ParameterType, Value
from saedb.cypher.query import PRESET, Column, ColumnType, Preset, Query
from saedb.cypher.source import Source, fail, of_statement
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
_PRESET: Final = re.compile(r"(?P<name>[a-z][a-z0-9-]*): (?P<values>\w+=\S+(?:, \w+=\S+)*) {2,}(?P<meaning>\S.*)")
_PARAMETER_TYPES: Final[dict[str, ParameterType]] = {name: name for name in get_args(ParameterType)}
_COLUMN_TYPES: Final[dict[str, ColumnType]] = {name: name for name in get_args(ColumnType)}
_RESERVED: Final = ("show", "output", "uri", "username", "database", "home", "help", PRESET)
"""Names of options that every query has on the command line."""
_PARAMETER_FORM: Final = "@param name: type = default in [low, high]  meaning"
_COLUMN_FORM: Final = "@column name: type (unit)  meaning"
_PRESET_FORM: Final = "@preset name: parameter=value, parameter=value  meaning"
_TAGS: Final = ("param", "preset", "column", "group", "example", "nothing", "whole-graph")


def parse(text: str, file: Path) -> Query:
    """Return the query that a file holds.

    Raises:
        InputError: the header or what stands below it breaks a rule; the message begins with file and line.
    """
    read = program.of_program if file.suffix == program.SUFFIX else of_statement
    return _Header(source=read(text, file)).query()


@dataclass(slots=True)
class _Header:
    """What was read so far."""

    source: Source
    group: str = ""
    nothing: str = ""
    whole_graph: bool = False
    prose: list[str] = field(default_factory=list[str])
    examples: list[str] = field(default_factory=list[str])
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    presets: dict[str, Preset] = field(default_factory=dict[str, Preset])
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    """The line of each parameter."""

    def query(self) -> Query:
        for line, text in self.source.header:
            if text.startswith("@"):
                self._tag(line, *text[1:].partition(" ")[::2])
            else:
                self.prose.append(text)
        title, _, description = "\n".join(self.prose).strip().partition("\n")
        self._check(title)
        return Query(
            name=self.source.file.stem,
            group=self.group,
            title=title.rstrip("."),
            description=description.strip(),
            examples=tuple(self.examples),
            parameters=tuple(self.parameters.values()),
            presets=tuple(self.presets.values()),
            columns=tuple(self.columns.values()),
            cypher=self.source.cypher,
            file=self.source.file,
            nothing=self.nothing,
            whole_graph=self.whole_graph,
        )

    def _tag(self, line: int, tag: str, value: str) -> None:
        value = value.strip()
        match tag:
            case "param":
                self._parameter(line, value)
            case "preset":
                self._preset(line, value)
            case "column":
                self._column(line, value)
            case "group":
                self.group = value
            case "example":
                self.examples.append(value)
            case "nothing":
                self.nothing = value
            case "whole-graph":
                self.whole_graph = True
            case _:
                self._fail(line, f"unknown @{tag}; there is {', '.join(f'@{name}' for name in _TAGS)}")

    def _parameter(self, line: int, value: str) -> None:
        found = _PARAMETER.fullmatch(value)
        if found is None:
            self._fail(line, f"a parameter is declared by {_PARAMETER_FORM}")
        name, type_ = found["name"], self._known(line, found["type"], _PARAMETER_TYPES)
        self._require(name not in self.parameters, line, f"parameter {name} is declared twice")
        self._require(name not in _RESERVED, line, f"{name} is an option of every query; choose another name")
        self._require((type_ == "choice") == bool(found["choices"]), line, "a choice has its values: choice(in, out)")
        self._require(type_ != "boolean" or found["default"] is None, line, "a boolean has no default: it is false")
        parameter = Parameter(
            name=name,
            type=type_,
            meaning=found["meaning"],
            required=found["default"] is None and type_ not in ("run", "partition", "boolean"),
            low=self._bound(line, found["low"]),
            high=self._bound(line, found["high"]),
            choices=tuple(choice.strip() for choice in (found["choices"] or "").split(",") if choice.strip()),
            default=False if type_ == "boolean" else self._value(line, type_, found["default"], "the default"),
        )
        self._check_range(line, parameter)
        self._check_value(line, parameter, parameter.default, "the default")
        self.parameters[name], self.lines[name] = parameter, line

    def _check_range(self, line: int, parameter: Parameter) -> None:
        numeric = parameter.type in ("integer", "layer", "hops", "float")
        bounded = parameter.low is not None or parameter.high is not None
        self._require(numeric or not bounded, line, f"a {parameter.type} has no range")
        self._require(
            parameter.type != "hops" or parameter.high is not None, line, "hops need a range: hops = 2 in [1, 4]"
        )

    def _check_value(self, line: int, parameter: Parameter, value: Value, what: str) -> None:
        if value is not None and parameter.type != "measure":  # measures are read where one is asked for
            try:
                parameter.checked(value)
            except InputError as error:
                self._fail(line, f"{what} of {error}")

    def _bound(self, line: int, text: str | None) -> float | None:
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            self._fail(line, f"{text!r} in the range is no number")
        return number if math.isfinite(number) else None

    def _value(self, line: int, type_: str, text: str | None, what: str) -> Value:
        if text is None or text == "null":
            return None
        if type_ in ("choice", "measure", "feature", "run", "partition"):
            return text
        try:
            value: Any = json.loads(text)
        except ValueError:
            self._fail(line, f'{what} {text} is no number, true, "text" or [list]')
        return value

    def _preset(self, line: int, value: str) -> None:
        found = _PRESET.fullmatch(value)
        if found is None:
            self._fail(line, f"a preset is declared by {_PRESET_FORM}")
        preset, values = found["name"], dict[str, Value]()
        for part in found["values"].split(", "):
            name, _, text = part.partition("=")
            self._require(name in self.parameters, line, f"preset {preset} sets {name}, which no @param above declares")
            values[name] = self._value(line, self.parameters[name].type, text, f"the value of {name}")
            self._check_value(line, self.parameters[name], values[name], f"preset {preset}: the value")
        self._require(preset not in self.presets, line, f"preset {preset} is declared twice")
        self.presets[preset] = Preset(name=preset, meaning=found["meaning"], values=values)

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

    def _check(self, title: str) -> None:
        """Compare the header with what stands below it."""
        source = self.source
        self._require(title.endswith("."), 1, "the first line must be the title, one sentence: What it finds.")
        self._require(bool(self.group), source.last, "no @group NAME")
        self._require(bool(self.columns), source.last, f"no columns; each is declared by {_COLUMN_FORM}")
        self._require(source.cypher != "", source.last, "no statement below the header")
        for name, line in source.used.items():
            self._require(name in self.parameters, line, f"{name} is not declared by @param")
        for name, line in self.lines.items():
            self._require(name in source.used, line, f"parameter {name} is not used below the header")
            if self.parameters[name].type == "measure" and name in source.bare:
                self._fail(source.bare[name], f"a measure is a property: e.${name}")

    def _known(self, line: int, name: str, types: Mapping[str, T]) -> T:
        if name not in types:
            self._fail(line, f"unknown type {name}; there is {', '.join(types)}")
        return types[name]

    def _require(self, condition: bool, line: int, message: str) -> None:
        if not condition:
            self._fail(line, message)

    def _fail(self, line: int, message: str) -> NoReturn:
        fail(self.source.file, line, message)
