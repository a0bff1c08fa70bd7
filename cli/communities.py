"""``saedb communities``: groups of features across layers."""

from typing import TYPE_CHECKING, get_args

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import columns_of, show
from saedb.cypher.defaults import ENGINE, MEASURE, MIN_SIMILARITY, RESOLUTION, SEED, Engine

if TYPE_CHECKING:
    from saedb.ingest.record import CommunitiesRecord


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--engine",
    type=click.Choice(get_args(Engine)),
    default=ENGINE,
    show_default=True,
    help="The server's Graph Data Science library, or leidenalg on this machine, which any server does with.",
)
@click.option("--measure", default=MEASURE, show_default=True, help="Weight of the edges.")
@click.option("--min-similarity", default=MIN_SIMILARITY, show_default=True, help="Lowest weight that counts.")
@click.option("--resolution", default=RESOLUTION, show_default=True, help="Higher finds more and smaller communities.")
@click.option("--seed", default=SEED, show_default=True, help="Random seed.")
@server_options
def communities(
    run: str,
    engine: Engine,
    measure: str,
    min_similarity: float,
    resolution: float,
    seed: int,
    server: ServerChoice,
) -> None:
    """Find communities of features across layers (Leiden), in place of the run's earlier ones.

    \b
    saedb communities gpt2
    saedb communities gpt2 --measure pearson --resolution 2
    saedb communities gpt2 --engine local
    """
    from saedb.cli.progress import progress_bars
    from saedb.cypher.communities import detect
    from saedb.cypher.runs import directory_of

    with server.connect() as connection:
        directory = directory_of(connection, run)
        with progress_bars() as report:
            record = detect(
                connection,
                directory,
                engine=engine,
                measure=measure,
                min_similarity=min_similarity,
                resolution=resolution,
                seed=seed,
                report=report,
            )
    _show_communities(run, record)


def _show_communities(run: str, record: "CommunitiesRecord") -> None:
    row = {
        "run": run,
        "communities": record.count,
        "modularity": record.modularity,
        "method": record.method,
        "measure": record.measure,
        "resolution": record.resolution,
        "seed": record.seed,
    }
    show([row], columns_of([row]), "table")
    click.echo(f"\nNext:\n  saedb query communities --run {run}", err=True)
