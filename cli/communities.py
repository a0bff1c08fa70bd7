"""``saedb communities``: groups of features across layers."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cli.settings import options_of, preset_option
from saedb.cypher.communities.settings import MANY_RUNS, NAME, PRESETS, CommunitySettings
from saedb.cypher.query import Column

if TYPE_CHECKING:
    from saedb.ingest.rundir import RunDirectory

_COLUMNS: Final = (
    Column(name="partition", type="string"),
    Column(name="is_default", type="boolean"),
    Column(name="algorithm", type="string"),
    Column(name="measure", type="string"),
    Column(name="min_similarity", type="float"),
    Column(name="resolution", type="float"),
    Column(name="communities", type="integer"),
    Column(name="features", type="integer"),
    Column(name="modularity", type="float"),
    Column(name="mean_stability", type="float"),
)


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--name", default=NAME, show_default=True, help="Name of the partition; others stay beside it.")
@preset_option(PRESETS, "Named defaults; paper: Leiden of the directed graph above 0.1, as in arXiv 2410.08869.")
@options_of(CommunitySettings)
@click.option(
    "--match",
    metavar="[RUN:]PARTITION",
    help="Keep the numbers of this partition where a community is found again.  [default: the one of the same name]",
)
@click.option("--default", is_flag=True, help="Make it the partition that views are coloured by. The first one is.")
@click.option("--use", metavar="PARTITION", help="Only make a partition that is there the default.")
@click.option("--forget", metavar="PARTITION", help="Only take a partition away, with its levels and consensus.")
@output_option
@server_options
def communities(
    run: str,
    name: str,
    match: str | None,
    default: bool,
    use: str | None,
    forget: str | None,
    output: Output,
    server: ServerChoice,
    **settings: Any,
) -> None:
    """Find communities of features across layers, in place of the run's earlier ones of the same name.

    Each is described: how its edges hold it together, how coherent its features' directions and labels are, and with
    --runs how far it depends on the seed. A community that is found again keeps its number.

    \b
    saedb communities gpt2
    saedb communities gpt2 --runs 20 --levels --sweep
    saedb communities gpt2 --name fine --resolution 8 --measure pearson
    saedb communities gpt2 --name cpm --engine local --algorithm cpm --resolution 0.05
    saedb communities gpt2 --preset paper --measure pearson --name pearson
    saedb communities gpt2 --use fine
    """
    _check_alone(use, forget)
    from saedb.cli.progress import progress_bars
    from saedb.cypher.communities import stage
    from saedb.cypher.runs import directory_of

    with server.connect() as connection:
        directory = directory_of(connection, run)
        with progress_bars() as report:
            if use is not None:
                stage.use(connection, directory, use, report)
            elif forget is not None:
                stage.forget(connection, directory, forget, report)
            else:
                chosen = CommunitySettings(**settings)
                stage.detect(connection, directory, chosen, name=name, match=match, default=default, report=report)
    if settings["fast"] and use is None and forget is None:
        click.echo("Found by several threads: the same seed may give other communities next time.", err=True)
    _show(directory, name if use is None else use, output)


def _check_alone(use: str | None, forget: str | None) -> None:
    """Check that nothing is asked for beside what needs no search."""
    context = click.get_current_context()
    alone = "--use" if use is not None else "--forget"
    given = {p for p in context.params if context.get_parameter_source(p) is ParameterSource.COMMANDLINE}
    others = given - {"run", alone.removeprefix("--"), "output", "uri", "username", "database", "server"}
    if (use is not None or forget is not None) and others:
        flags = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in others))
        raise click.UsageError(f"{alone} looks for nothing; leave out {flags}")


def _show(directory: "RunDirectory", name: str, output: Output) -> None:
    from saedb.cypher.communities.again import again
    from saedb.cypher.communities.table import Communities
    from saedb.ingest.rundir import RESOLUTIONS_FILE

    run, partitions = directory.record.id, Communities.of(directory).partitions
    rows = [{column.name: getattr(partition, column.name) for column in _COLUMNS} for partition in partitions]
    show(rows, _COLUMNS, output, empty=f"Run {run} has no communities now; find some: saedb communities {run}")
    shown = next((p for p in partitions if p.partition == name), None)
    if shown is None:
        return
    steps = [f"saedb query communities --run {run}{'' if shown.is_default else f' --partition {name}'}"]
    if shown.runs == 1 and shown.seed is not None:
        names = [partition.partition for partition in partitions]
        swept = RESOLUTIONS_FILE in directory.record.files and directory.record.files[RESOLUTIONS_FILE].rows > 0
        command = again(run, asdict(shown), names, swept=swept, more=f"--runs {MANY_RUNS}")
        steps.append(f"{command}      (how far they depend on the seed)")
    if not shown.is_default:
        steps.append(f"saedb communities {run} --use {name}")
    click.echo("\n".join(["", "Next:", *(f"  {step}" for step in steps)]), err=True)
