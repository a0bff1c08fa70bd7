"""A command made from the header of a query file: its options, help and output."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cypher.query import Column, Parameter, Query

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
    def run(server: ServerChoice, output: Output, shown: bool, **values: Any) -> None:
        if shown:
            click.echo(query.render(values), nl=False)
            return
        from saedb.cypher.graph import Graph

        with server.connect() as connection:
            rows = Graph(connection).rows(query, values)
        show(rows, query.columns, output, empty=_nothing(query, values))
        if rows and len(rows) == values.get("limit"):
            click.echo(f"{len(rows):,} shown; more with --limit.", err=True)

    run.params[:0] = [_argument(p) if p.required else _option(p) for p in query.parameters]
    return run


def _argument(parameter: Parameter) -> click.Argument:
    return click.Argument([parameter.name], type=_type(parameter), metavar=parameter.name.upper())


def _option(parameter: Parameter) -> click.Option:
    help_ = parameter.meaning[0].upper() + parameter.meaning[1:] + "."
    return click.Option(
        [_flag(parameter)],
        type=_type(parameter),
        default=parameter.default,
        multiple=parameter.type == "list",
        show_default=parameter.default is not None,
        help=f"{help_}  [default: the newest ready one]" if parameter.type == "run" else help_,
    )


def _type(parameter: Parameter) -> click.ParamType[Any]:
    match parameter.type:
        case "integer" | "layer" | "hops":
            low, high = (None if bound is None else int(bound) for bound in (parameter.low, parameter.high))
            return click.IntRange(low, high)
        case "float":
            return click.FloatRange(parameter.low, parameter.high)
        case "choice" | "measure":
            return click.Choice(parameter.allowed)
        case _:
            return click.STRING


def _help(query: Query) -> str:
    arguments = [f"  {p.name.upper()}: {p.meaning}{_choices(p)}." for p in query.parameters if p.required]
    examples = [f"saedb query {query.name} {example}".rstrip() for example in query.examples]
    parts = (f"{query.title}.", query.description, _block(arguments), _block(examples), _block(_columns(query.columns)))
    return "\n\n".join(part for part in parts if part)


def _choices(parameter: Parameter) -> str:
    return f" ({', '.join(parameter.allowed)})" if parameter.allowed else ""


def _columns(columns: Sequence[Column]) -> list[str]:
    width = max(len(column.name) for column in columns)
    units = {column.name: f" ({column.unit})" if column.unit else "" for column in columns}
    return ["Columns:", *(f"  {c.name:<{width}}  {c.meaning}{units[c.name]}" for c in columns)]


def _block(lines: Sequence[str]) -> str:
    """Return lines that click leaves as they are."""
    return "\n".join(("\b", *lines)) if lines else ""


def _nothing(query: Query, values: Mapping[str, Any]) -> str:
    """Return what to say where nothing was found: which conditions to relax."""
    relaxed = [f"{verb} {_flag(p)} (now {values[p.name]:g})" for p, verb in _conditions(query) if values[p.name]]
    relaxed += [f"leave out {_flag(p)}" for p in query.parameters if p.type == "layer" and values[p.name] is not None]
    return f"Nothing found. To relax it: {', '.join(relaxed)}." if relaxed else "Nothing found."


def _conditions(query: Query) -> list[tuple[Parameter, str]]:
    numbers = [p for p in query.parameters if p.type in ("integer", "float")]
    return [(p, verb) for p in numbers for start, verb in _COUNTED.items() if p.name.startswith(start)]


def _flag(parameter: Parameter) -> str:
    return f"--{parameter.name.replace('_', '-')}"
