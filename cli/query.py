"""``saedb query``, ``feature``, ``cypher``: questions to the graph."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Literal

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, columns_of, output_option, show
from saedb.cli.query_command import command_of
from saedb.cypher.library import find, library
from saedb.cypher.statement import loads_csv
from saedb.ingest.errors import InputError


class Library(click.Group):
    """The queries of the library as subcommands, listed by group."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the shipped queries and the user's own."""
        return list(library(_folders(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the command of a query.

        Raises:
            InputError: there is no such query.
        """
        return command_of(find(cmd_name, _folders(ctx)))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group."""
        queries = library(_folders(ctx))
        for group, members in groupby(queries.values(), key=lambda query: query.group):
            with formatter.section(group.capitalize()):
                formatter.write_dl([(query.name, query.title) for query in members])


def _folders(ctx: click.Context) -> tuple[Path, ...]:
    return ctx.params.get("queries") or ()


@click.group(cls=Library, invoke_without_command=True, subcommand_metavar="[NAME [OPTIONS]]")
@click.option(
    "--queries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    is_eager=True,
    help="Folder of your own .cypher and .py files; goes before NAME.  [also: SAEDB_QUERIES]",
)
@click.pass_context
def query(ctx: click.Context, queries: tuple[Path, ...]) -> None:
    """Ask the library; without NAME, list what it has.

    \b
    saedb query
    saedb query pass-through-chains --help
    saedb query pass-through-chains --min-pearson 0.9 --output csv > chains.csv
    saedb query and-gates --show
    saedb query --queries ./mine my-query
    """
    del queries  # the subcommands read it from the context
    if ctx.invoked_subcommand is None:
        formatter = ctx.make_formatter()
        query.format_commands(ctx, formatter)
        click.echo(formatter.getvalue().lstrip("\n"), nl=False)
        click.echo("\nsaedb query NAME --help tells more.", err=True)


@click.command()
@click.argument("feature_id", metavar="ID")
@click.option("--run", help="The run to look in.  [default: the newest ready one]")
@click.option("--measure", default="pearson", show_default=True, help="The inputs and outputs of its highest values.")
@click.option("--trace", is_flag=True, help="Show what becomes of it layer by layer, instead.")
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A page for people, or a JSON object.",
)
@server_options
def feature(
    server: ServerChoice, feature_id: str, run: str | None, measure: str, trace: bool, output: Literal["table", "json"]
) -> None:
    """Show one feature: label, numbers, examples, chain, edges, gates, splits, community.

    ID may be short where only one feature is meant: SAE and index, or layer and index. JSON has all of its edges and
    motifs; with --trace, the rows of the trace besides.

    \b
    saedb feature gpt2-small/6-res-jb/2320
    saedb feature 6/2320 --measure necessity
    saedb feature 6/2320 --trace
    saedb feature 6/2320 --output json
    """
    from saedb.cypher.graph import Graph

    with server.connect() as connection:
        graph = Graph(connection)
        record = graph.feature(feature_id, run).by_measure(measure)
        values = {"run": record.run, "feature": record.id, "measure": measure}
        steps = graph.rows(find("trace"), values) if trace else []
    if output == "json":
        found = {**asdict(record), "trace": steps} if trace else asdict(record)
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    from saedb.cli.feature_page import page, trace_page

    click.echo(trace_page(record, steps, find("trace").columns) if trace else page(record, measure))


@click.command()
@click.argument("statement")
@click.option("--write", is_flag=True, help="Let it write, and LOAD CSV; what it changed is told on stderr.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="The server stops it after so long.",
)
@output_option
@server_options
def cypher(server: ServerChoice, statement: str, write: bool, timeout: float, output: Output) -> None:
    """Run a Cypher statement that reads; "-" takes it from stdin.

    The server refuses a statement that writes, unless with --write. What it still lets a reading statement do: project
    graphs into the memory of Graph Data Science, end other transactions, and show what is set on the server.
    Runs that are not ready are seen, too.

    \b
    saedb cypher 'MATCH (r:Run) RETURN r.id, r.status'
    saedb cypher 'MATCH p = (:Feature)-[e:EVOLVES_TO]->(:Feature) RETURN p LIMIT 5'
    saedb query and-gates --show | saedb cypher - --output json
    saedb cypher --write 'CREATE (:Note {text: "ask about 6/2320"})'
    """
    text = sys.stdin.read() if statement == "-" else statement
    if not text.strip():
        raise InputError("the statement is empty; for instance: saedb cypher 'MATCH (r:Run) RETURN r.id'")
    if not write and loads_csv(text):
        raise InputError("LOAD CSV makes the server fetch a file or an address; allow it with --write")
    with server.connect() as connection:
        answer = connection.statement(text, seconds=timeout, may_write=write)
    show(answer.rows, columns_of(answer.rows), output, empty="No rows.")
    if write:
        click.echo(_written(answer.written), err=True)


def _written(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{what}: {number:,}" for what, number in changes.items()) or "Nothing was changed."
