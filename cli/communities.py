"""``saedb communities``: groups of features across layers."""

from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cli.settings import options_of
from saedb.cypher.communities.settings import NAME, CommunitySettings
from saedb.cypher.query import Column

if TYPE_CHECKING:
    from saedb.cypher.communities.table import Partition

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
    saedb communities gpt2 --use fine
    """
    if use is not None and forget is not None:
        raise click.UsageError("--use and --forget are two things; give one of them")
    from saedb.cli.progress import progress_bars
    from saedb.cypher.communities import stage
    from saedb.cypher.communities.table import Communities
    from saedb.cypher.runs import directory_of

    chosen = CommunitySettings(**settings)
    with server.connect() as connection:
        directory = directory_of(connection, run)
        with progress_bars() as report:
            if use is not None:
                stage.use(connection, directory, use, report)
            elif forget is not None:
                stage.forget(connection, directory, forget, report)
            else:
                stage.detect(connection, directory, chosen, name=name, match=match, default=default, report=report)
    if chosen.fast:
        click.echo("Found by several threads: the same seed may give other communities next time.", err=True)
    _show(run, Communities.of(directory).partitions, name, output)


def _show(run: str, partitions: "list[Partition]", name: str, output: Output) -> None:
    rows = [{column.name: getattr(partition, column.name) for column in _COLUMNS} for partition in partitions]
    show(rows, _COLUMNS, output, empty=f"Run {run} has no communities now; find some: saedb communities {run}")
    default = next((partition.partition for partition in partitions if partition.is_default), None)
    shown = next((p for p in partitions if p.partition == name), None)
    option = "" if name == default or shown is None else f" --partition {name}"
    steps = [f"saedb query communities --run {run}{option}"] if partitions else []
    if shown is not None and shown.runs == 1 and shown.seed is not None:
        steps.append(f"saedb communities {run} --runs 20      (how far they depend on the seed)")
    if option:
        steps.append(f"saedb communities {run} --use {name}")
    if steps:
        click.echo("\n".join(["", "Next:", *(f"  {step}" for step in steps)]), err=True)
