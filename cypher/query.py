"""A query of the library: what it takes, what it gives, and its statement with values filled in.

Imports neither the driver nor pandas, so that help pages and ``--show`` need no server and answer at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from saedb.cypher import statement
from saedb.cypher.nearest import suggestion
from saedb.cypher.parameter import Parameter, Value
from saedb.ingest.errors import InputError

ColumnType = Literal["run", "feature", "name", "integer", "float", "string", "boolean", "path"]

PRESET: Final = "preset"
"""The name by which values may ask for a preset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Values of several parameters under one name; what is given beside it goes before it."""

    name: str
    meaning: str
    values: Mapping[str, Value]


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
    """A question with its declared parameters and columns, and the statement or Python file that answers it."""

    name: str
    group: str
    title: str
    """One sentence, without its full stop."""
    description: str
    """Paragraphs apart by an empty line; may be empty."""
    examples: tuple[str, ...]
    """What may stand behind ``saedb query NAME``."""
    parameters: tuple[Parameter, ...]
    presets: tuple[Preset, ...]
    columns: tuple[Column, ...]
    cypher: str | None
    """None where no single statement does it: then `file` is Python."""
    file: Path
    nothing: str = ""
    """What to do where nothing is found, as a clause; may be empty."""
    whole_graph: bool = False
    """Whether it reads every node or edge of its run."""

    def checked(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """Return a value for every parameter: the given one, else that of ``values["preset"]``, else the default.

        Raises:
            InputError: a value is unknown, missing or not allowed.
        """
        given = {name: value for name, value in values.items() if name != PRESET}
        names = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in names:
                raise InputError(f"{self.name} has no parameter {name!r}; {suggestion(name, names)}")
        chosen = {**self._preset(values.get(PRESET)), **given}
        missing = [p.name for p in self.parameters if p.required and chosen.get(p.name) is None]
        if missing:
            raise InputError(f"{self.name} needs a value for {', '.join(missing)}")
        return {p.name: p.checked(chosen.get(p.name, p.default)) for p in self.parameters}

    def _preset(self, name: str | None) -> Mapping[str, Value]:
        known = {preset.name: preset.values for preset in self.presets}
        if name is None:
            return {}
        if name not in known:
            there = suggestion(name, known) if known else "it has none"
            raise InputError(f"{self.name} has no preset {name!r}; {there}")
        return known[name]

    def bound(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Value]]:
        """Return the statement and the parameters to send with it.

        Raises:
            InputError: a value is unknown, missing or not allowed, or no single statement answers the query.
        """
        if self.cypher is None:
            raise InputError(f"no single statement answers {self.name}; its steps are in {self.file}")
        checked = self.checked(values)
        texts = {p.name: str(checked[p.name]) for p in self.parameters if p.is_text}
        sent = {p.name: _sent(p, checked[p.name]) for p in self.parameters if not p.is_text}
        return statement.substituted(self.cypher, texts), sent

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the statement with every value written into it, ready for Neo4j Browser.

        Where no run is given, the statement looks for the newest one itself, and likewise for the default partition.

        Raises:
            InputError: a value is unknown, missing or not allowed, or no single statement answers the query.
        """
        cypher, sent = self.bound(values)
        lacking = {p.name: p.type for p in self.parameters if p.type in _VARIABLES and sent[p.name] is None}
        literals = {name: statement.literal(value) for name, value in sent.items()}
        variables = {name: _VARIABLES[type_] for name, type_ in lacking.items()}
        filled = statement.substituted(cypher, literals | variables)
        if lacking:
            run = next((p.name for p in self.parameters if p.type == "run"), "")
            found = _lookups(set(lacking.values()), literals.get(run, ""))
            filled = _after(found, list(variables.values()), filled, [column.name for column in self.columns])
        return f"// {self.title}.\n{filled}\n"


_NEWEST: Final = "newest_run"
_DEFAULT: Final = "default_partition"
_VARIABLES: Final[Mapping[str, str]] = {"run": _NEWEST, "partition": _DEFAULT}
"""What stands in a statement for a run or a partition that is not given, by the parameter's type."""


def _lookups(lacking: set[str], run: str) -> str:
    """Return clauses that find the newest ready run, and its default partition or that of the run given."""
    newest = f"MATCH (run:Run {{status: 'ready'}})\nWITH run.id AS {_NEWEST} ORDER BY run.created DESC LIMIT 1\n"
    of, kept = (_NEWEST, f"{_NEWEST}, ") if "run" in lacking else (run, "")
    partition = (
        f"OPTIONAL MATCH (partition:Partition {{run: {of}}}) WHERE partition.is_default\n"
        f"WITH {kept}partition.id AS {_DEFAULT}\n"
    )
    return (newest if "run" in lacking else "") + (partition if "partition" in lacking else "")


def _after(lookups: str, variables: list[str], cypher: str, columns: list[str]) -> str:
    """Return a statement that does the same after lookups, whose variables the whole subquery sees."""
    indented = "\n".join(f"  {line}" if line else line for line in cypher.splitlines())
    return f"{lookups}CALL ({', '.join(variables)}) {{\n{indented}\n}}\nRETURN {', '.join(columns)}"


def _sent(parameter: Parameter, value: Value) -> Value:
    return statement.lucene(value) if parameter.type == "words" and isinstance(value, str) else value
