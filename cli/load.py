"""``saedb import-edges``, ``load``, ``runs``, ``drop``: the runs of a graph."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, columns_of, output_option, show
from saedb.cypher.communities.settings import CommunitySettings
from saedb.ingest import places
from saedb.ingest.errors import InputError

if TYPE_CHECKING:
    from saedb.cypher.connection import Connection
    from saedb.cypher.load import LoadResult
    from saedb.cypher.ways import Way
    from saedb.ingest.rundir import RunDirectory

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--model", required=True, help="Model, as in Neuronpedia's feature ids, such as gpt2-small.")
@click.option("--set", "set_", required=True, help="Family of the SAEs, such as res-jb: ids are MODEL/LAYER-SET/INDEX.")
@click.option("--measure", help="What the column `value` is, such as pearson; columns named as a measure are found.")
@click.option(
    "--labels",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Labels: what saedb labels import takes; may be repeated.",
)
@click.option("--run", "name", help="Name of the run.  [default: from the first file's name]")
@server_options
def import_edges(
    files: tuple[Path, ...],
    model: str,
    set_: str,
    measure: str | None,
    labels: tuple[Path, ...],
    name: str | None,
    server: ServerChoice,
) -> None:
    """Load tables of edges that were computed elsewhere, as a run of their own.

    A FILE is CSV, TSV or Parquet (also .gz) with the columns source layer, source feature, target layer, target feature
    and at least one measure. Several files may hold different edges, or other measures of the same.

    \b
    saedb import-edges edges.csv.gz --measure pearson --model gpt2-small --set res-jb
    saedb import-edges pearson.csv jaccard.csv --labels labels.csv --model gpt2-small --set res-jb --run gpt2
    """
    from saedb.cli.progress import progress_bars
    from saedb.cypher import edgetable

    with server.connect() as connection:
        with progress_bars() as report:
            run = edgetable.import_edges(
                files,
                model=model,
                set_=set_,
                runs_folder=places.runs(),
                name=name,
                columns={"value": measure} if measure else {},
                labels=labels,
                report=report,
            )
        result = _loaded(connection, run)
    _show_loaded(run, result)


@click.command()
@click.argument("run", metavar="RUN|FILE")
@click.option("--run", "name", help="Name for the run of a FILE, where its own is taken.")
@click.option(
    "--way",
    type=click.Choice(["bulk", "online"]),
    help="Rebuild the local server's store, or write in batches.  [default: the faster one]",
)
@server_options
def load(run: str, name: str | None, way: "Way | None", server: ServerChoice) -> None:
    """Load a run into a server; one that is there already is left alone.

    RUN is a run directory, or the name of one in the runs folder; FILE is what saedb pack made: it becomes a run
    directory in the runs folder first. A load that was stopped goes on by the same command.

    Large runs are loaded by rebuilding the local server's store beside it, in which case the server restarts; a graph
    that holds notes, labels or nodes of your own is never rebuilt but written to in batches, as any other server's.

    \b
    saedb load gpt2
    saedb load ./gpt2.saedb.zip
    saedb load ./runs/gpt2 --uri bolt://127.0.0.1:7687
    """
    with server.connect() as connection:
        directory = _directory(run, name)
        result = _loaded(connection, directory, way)
    _show_loaded(directory, result)


@click.command()
@output_option
@server_options
def runs(output: Output, server: ServerChoice) -> None:
    """List the runs of the graph, newest first.

    \b
    saedb runs
    saedb runs --output json
    """
    from saedb.cypher.runs import run_rows

    with server.connect() as connection:
        rows = run_rows(connection)
    show(rows, columns_of(rows), output, empty="no runs; begin with: saedb demo")


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
def drop(run: str, yes: bool, server: ServerChoice) -> None:
    """Take a run out of the graph. Its run directory stays, so it can be loaded again.

    \b
    saedb drop gpt2
    saedb drop gpt2 --yes
    """
    from saedb.cli.progress import progress_bars
    from saedb.cypher import removal

    with server.connect() as connection:
        if not yes and not click.confirm(_question(connection, run), err=True):
            click.echo(f"Kept {run}.", err=True)
            raise click.exceptions.Exit(1)
        with progress_bars() as report:
            removal.drop(connection, run, report)
    click.echo(f"Dropped {run}.", err=True)


def _directory(run: str, name: str | None) -> "RunDirectory":
    """Return the run directory that a name, a folder or a packed file means."""
    from saedb.cli.progress import progress_bars
    from saedb.ingest.archive import is_packed, unpack
    from saedb.ingest.rundir import RunDirectory

    file = Path(run).expanduser()
    if is_packed(file):
        with progress_bars() as report:
            return unpack(file, places.runs(), name, report)
    if name is not None:
        raise InputError(f"--run gives the run of a packed file another name, and {run} is none")
    return RunDirectory.named(run)


def _question(connection: "Connection", run: str) -> str:
    from saedb.cypher.additions import additions

    found = additions(connection, run)
    lost = f" What you have added to it goes with it: {', '.join(found)}." if found else ""
    return f"Take run {run} out of the graph?{lost}"


def _loaded(connection: "Connection", run: "RunDirectory", way: "Way | None" = None) -> "LoadResult":
    from saedb.cli.progress import progress_bars
    from saedb.cypher.load import load as load_into

    with progress_bars() as report:
        return load_into(connection, run, report, way=way)


def _show_loaded(run: "RunDirectory", result: "LoadResult") -> None:
    if not result.changed:
        click.echo("The graph holds this run already; nothing changed.", err=True)
    if result.reason is not None:
        click.echo(f"Written in batches, which takes longer: {result.reason}.", err=True)
    row = {
        "run": result.run,
        "model": run.record.model,
        "saes": result.saes,
        "features": result.features,
        "edges": result.edges,
        "communities": result.communities,
    }
    show([row], columns_of([row]), "table")
    steps = [] if result.communities or not result.edges else [f"saedb communities {result.run}{_measure_option(run)}"]
    steps += [f"saedb query layer-profile --run {result.run}", f"saedb query pass-through-chains --run {result.run}"]
    click.echo("\n".join(["", "Next:", *(f"  {step}" for step in steps)]), err=True)


def _measure_option(run: "RunDirectory") -> str:
    """Return the option that ``saedb communities`` needs for a run that lacks its default measure."""
    from saedb.cypher.communities.weighted import measures_of

    there = measures_of(run)
    return "" if CommunitySettings.measure in there else f" --measure {there[0]}"
