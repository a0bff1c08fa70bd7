"""``saedb export``: a run, or what a query finds in it, as a file for other programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.query_command import type_of
from saedb.cypher.export.formats import FORMATS, STDOUT
from saedb.cypher.nearest import suggestion
from saedb.cypher.query import PRESET, Query
from saedb.ingest.errors import InputError

if TYPE_CHECKING:
    from saedb.cypher.export.write import Exported


@click.command()
@click.argument("output", metavar="OUTPUT")
@click.option("--run", help="The run to take.  [default: the newest ready one]")
@click.option("--query", "name", metavar="NAME", help="Take the result of a query of the library (saedb query).")
@click.option("--param", "given", metavar="NAME=VALUE", multiple=True, help="A parameter of the query; repeatable.")
@click.option(
    "--queries",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="Folder of your own queries.  [also: SAEDB_QUERIES]",
)
@click.option("--format", "format_", metavar="|".join(FORMATS), help="[default: what OUTPUT ends in]")
@click.option(
    "--rows", type=click.Choice(["edges", "features"]), help="What a table of the run holds.  [default: edges]"
)
@click.option("--measure", help="The similarity of an edge.  [default: pearson, where the run has it]")
@click.option("--min-similarity", type=float, help="Leave out edges whose measure is lower or not known.")
@click.option("--layers", help="Take these layers only, like 4-8 or 0,2,4-6.")
@click.option("--force", is_flag=True, help="Replace a file of that name.")
@server_options
def export(
    output: str,
    run: str | None,
    name: str | None,
    given: tuple[str, ...],
    queries: tuple[Path, ...],
    format_: str | None,
    rows: Literal["edges", "features"] | None,
    measure: str | None,
    min_similarity: float | None,
    layers: str | None,
    force: bool,
    server: ServerChoice,
) -> None:
    """Write a run, or what a query finds in it, into one file.

    \b
    json      graph: node-link JSON, as networkx and the paper have it
    graphml   graph, for Gephi, Cytoscape, yEd, igraph
    gexf      graph, for Gephi
    csv       table; one of edges is what saedb import-edges takes
    parquet   table, for pandas, DuckDB, Polars

    A graph has features with all their properties, and the edges among them with every measure: of the whole run, or
    with --query the features that its result names. A table has the edges of the run, or its features, or with --query
    the rows of the result as they are.

    OUTPUT is a file, or - for stdout (json and csv, with --format). The file is there whole or not at all.

    \b
    saedb export demo.json --min-similarity 0.5
    saedb export demo.graphml --layers 11-13 --measure jaccard
    saedb export gates.gexf --query gates --param kind=AND --param min_f1=0.8
    saedb export edges.csv && saedb import-edges edges.csv --model gpt2-small --set res-jb
    saedb export - --format csv --query top-edges --param layer=12 | head
    """
    from saedb.cli.progress import progress_bars
    from saedb.cypher.export import destination
    from saedb.cypher.export import write as writing
    from saedb.cypher.export.formats import format_of
    from saedb.cypher.graph import Graph
    from saedb.cypher.library import find

    format_ = format_of(output, format_)
    destination.check(output, overwrite=force)
    values = _values(find(name, queries), given) if name else _no_values(given)
    request = writing.Request(
        run=run, query=name, values=values, folders=queries, rows=rows, measure=measure,
        min_similarity=min_similarity, layers=layers,
    )  # fmt: skip
    with server.connect() as connection, progress_bars() as report:
        graph = Graph(connection, queries=queries)
        written = writing.export(graph, output, request, format_=format_, overwrite=force, report=report)
    if output != STDOUT:
        click.echo(output)
    click.echo(_summary(written), err=True)
    if written.is_cut:
        click.echo(f"{name} gave as many rows as its limit allows; more with --param limit=NUMBER.", err=True)


def _values(query: Query, given: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of a query from texts like ``min_f1=0.8``, each of its type."""
    texts: dict[str, list[str]] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"--param {pair!r} has no value; write {name}=VALUE")
        texts.setdefault(name.replace("-", "_"), []).append(text)
    return {name: _value(query, name, values) for name, values in texts.items()}


def _no_values(given: Sequence[str]) -> dict[str, Any]:
    if given:
        raise InputError(f"--param {given[0]} belongs to a query; name it with --query")
    return {}


def _value(query: Query, name: str, texts: list[str]) -> Any:
    parameters = {parameter.name: parameter for parameter in query.parameters}
    if name == PRESET and query.presets:
        return texts[-1]
    if name not in parameters:
        raise InputError(f"{query.name} has no parameter {name!r}; {suggestion(name, parameters)}")
    if parameters[name].type == "list":
        return texts
    if len(texts) > 1:
        raise InputError(f"--param {name} is given {len(texts)} times; give it once")
    try:
        return type_of(parameters[name]).convert(texts[0], None, None)
    except click.BadParameter as error:
        raise InputError(f"--param {name}: {error.message}") from error


def _summary(written: "Exported") -> str:
    of = "" if written.run is None else f" of run {written.run}"
    if written.rows:
        return f"{written.rows:,} rows{of}."
    parts = [f"{n:,} {what}" for n, what in ((written.features, "features"), (written.edges, "edges")) if n]
    told = f"{' and '.join(parts)}{of}"
    if written.features and not written.edges and written.format not in ("csv", "parquet"):
        return f"{told}; no edge among them is left (see --min-similarity, --measure)."
    return f"{told}; similarity is {written.measure}." if written.edges else f"{told}."
