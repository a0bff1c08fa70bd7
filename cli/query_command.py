"""A command made from the header of a query file: its options, help and output."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cypher.parameter import Parameter, Value
from saedb.cypher.query import PRESET, Column, Preset, Query

_LOOKED_UP: Final = {"run": "the newest ready one", "partition": "the run's default"}
"""What is taken where no value is given, by the parameter's type."""
_COUNTED: Final = {"min": "lower", "max": "raise"}


def command_of(query: Query) -> click.Command:
    """Return the command that runs a query of the library."""

    @click.command(query.name, help=_help(query), short_help=query.title)
    @click.option(
        "--show",
        "shown",
        is_flag=True,
        help="Print the Cypher, ready for Neo4j Browser, and ask no server. Ids must be whole.",
    )
    @output_option
    @server_options
    @click.pass_context
    def run(ctx: click.Context, server: ServerChoice, output: Output, shown: bool, **values: Any) -> None:
        given = {name: value for name, value in values.items() if _is_given(ctx, name)}
        if shown:
            click.echo(query.render(given), nl=False)
            return
        from saedb.cypher.graph import Graph

        with server.connect() as connection:
            rows = Graph(connection).rows(query, given)
        asked = query.checked(given)
        show(rows, query.columns, output, empty=_nothing(query, asked))
        if rows and len(rows) == asked.get("limit"):
            click.echo(f"{len(rows):,} shown; more with --limit.", err=True)

    run.params[:0] = [_argument(p) if p.required else _option(p) for p in query.parameters]
    run.params += [_preset_option(query)] if query.presets else []
    return run


def _is_given(ctx: click.Context, name: str) -> bool:
    """Return whether the user gave it: what is not given, a preset may set."""
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT


def _argument(parameter: Parameter) -> click.Argument:
    return click.Argument([parameter.name], type=type_of(parameter), metavar=parameter.name.upper())


def _option(parameter: Parameter) -> click.Option:
    help_ = parameter.meaning[0].upper() + parameter.meaning[1:] + "."
    return click.Option(
        [_flag(parameter)],
        type=type_of(parameter),
        default=parameter.default,
        is_flag=parameter.type == "boolean",
        multiple=parameter.type == "list",
        show_default=parameter.default not in (None, False),
        help=f"{help_}  [default: {_LOOKED_UP[parameter.type]}]" if parameter.type in _LOOKED_UP else help_,
    )


def _preset_option(query: Query) -> click.Option:
    help_ = "Values of several options at once; what is given beside it goes before."
    return click.Option([f"--{PRESET}"], type=click.Choice([preset.name for preset in query.presets]), help=help_)


def type_of(parameter: Parameter) -> click.ParamType[Any]:
    """Return the type that reads a parameter's value from a text."""
    match parameter.type:
        case "integer" | "layer" | "hops":
            low, high = (None if bound is None else int(bound) for bound in (parameter.low, parameter.high))
            return click.INT if low is None and high is None else click.IntRange(low, high)
        case "float":
            low, high = parameter.low, parameter.high
            return click.FLOAT if low is None and high is None else click.FloatRange(low, high)
        case "choice" | "measure":
            return click.Choice(parameter.allowed)
        case "boolean":
            return click.BOOL
        case _:
            return click.STRING


def _help(query: Query) -> str:
    arguments = [f"  {p.name.upper()}: {p.meaning}{_choices(p)}." for p in query.parameters if p.required]
    examples = [f"saedb query {query.name} {example}".rstrip() for example in query.examples]
    listed = (arguments, examples, _presets(query.presets), _columns(query.columns))
    parts = (f"{query.title}.", query.description, *map(_block, listed))
    return "\n\n".join(part for part in parts if part)


def _choices(parameter: Parameter) -> str:
    return f" ({', '.join(parameter.allowed)})" if parameter.allowed else ""


def _presets(presets: Sequence[Preset]) -> list[str]:
    width = max((len(preset.name) for preset in presets), default=0)
    lines = [f"  {p.name:<{width}}  {p.meaning}: {_options(p.values)}" for p in presets]
    return ["Presets:", *lines] if lines else []


def _options(values: Mapping[str, Value]) -> str:
    """Return values as they are given on the command line."""
    flags = {name: f"--{name.replace('_', '-')}" for name in values}
    return " ".join(flags[name] if value is True else f"{flags[name]} {value}" for name, value in values.items())


def _columns(columns: Sequence[Column]) -> list[str]:
    width = max(len(column.name) for column in columns)
    units = {column.name: f" ({column.unit})" if column.unit else "" for column in columns}
    return ["Columns:", *(f"  {c.name:<{width}}  {c.meaning}{units[c.name]}" for c in columns)]


def _block(lines: Sequence[str]) -> str:
    """Return lines that click leaves as they are."""
    return "\n".join(("\b", *lines)) if lines else ""


def _nothing(query: Query, values: Mapping[str, Any]) -> str:
    """Return what to say where nothing was found: which conditions to relax."""
    relaxed = [f"{verb} {_flag(p)} (now {values[p.name]:g})" for p, verb in conditions(query) if values[p.name]]
    relaxed += [f"leave out {_flag(p)}" for p in query.parameters if p.type == "layer" and values[p.name] is not None]
    hint = f" {query.nothing[0].upper()}{query.nothing[1:]}." if query.nothing else ""
    return f"Nothing found.{hint}" + (f" To relax it: {', '.join(relaxed)}." if relaxed else "")


def conditions(query: Query) -> list[tuple[Parameter, str]]:
    """Return the parameters that leave rows out, each with what to do for more of them."""
    numbers = [p for p in query.parameters if p.type in ("integer", "float")]
    return [(p, verb) for p in numbers for start, verb in _COUNTED.items() if p.name.startswith(start)]


def _flag(parameter: Parameter) -> str:
    return f"--{parameter.name.replace('_', '-')}"
