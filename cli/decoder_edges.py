"""``saedb decoder-edges``: a graph of SAEs by their decoders alone, without text."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.estimate import run_path
from saedb.cli.load import loaded, show_loaded
from saedb.cli.options import ServerChoice, server_options
from saedb.cli.settings import options_of
from saedb.ingest.config import DecoderConfig

if TYPE_CHECKING:
    from saedb.cypher.connection import Connection
    from saedb.ingest.rundir import RunDirectory

_MEASURE: Final = "decoder_cosine"


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="RELEASE_OR_FOLDERS...")
@click.option("--run", "name", help="Name of the run.  [default: the release or folder, with -decoders]")
@click.option("--load/--no-load", default=True, show_default=True, help="Load the run into Neo4j and find communities.")
@options_of(DecoderConfig)
@server_options
def decoder_edges(inputs: tuple[str, ...], name: str | None, load: bool, server: ServerChoice, **settings: Any) -> None:
    """Relate features of neighbouring layers by their decoder directions alone: without a text, and without the model.

    Each feature brings in the features of the next layer, and of the one before, whose decoder rows have the highest
    cosines with its own. The run has this one measure and no statistics. For the same edges with every measure on a
    text: saedb ingest --min-decoder-cosine.

    \b
    saedb decoder-edges gpt2-small-res-jb --layers 0-11
    saedb decoder-edges ./my-saes --min-decoder-cosine 0.6 --nearest-decoders 3
    saedb decoder-edges ./narrow ./wide      (two sets of the same hook points)
    """
    config = DecoderConfig(inputs=inputs, **settings)
    path = run_path(inputs, name)
    path = path if name else path.with_name(f"{path.name}-decoders")
    if load:
        with server.connect() as connection:
            run = _related(config, path)
            result = loaded(connection, run)
            if result.edges and not result.communities:
                result = replace(result, communities=_communities(connection, run))
        show_loaded(run, result)
    else:
        _related(config, path)
        click.echo(f"Computed. Load it with: saedb load {path}", err=True)


def _related(config: DecoderConfig, path: Path) -> "RunDirectory":
    from saedb.cli.progress import progress_bars
    from saedb.ingest.datafree import relate

    with progress_bars() as report:
        run = relate(config, path, report)
    for warning in run.record.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return run


def _communities(connection: "Connection", run: "RunDirectory") -> int:
    """Return how many communities were found."""
    from saedb.cli.progress import progress_bars
    from saedb.cypher.communities.settings import CommunitySettings
    from saedb.cypher.communities.stage import detect

    with progress_bars() as report:
        return detect(connection, run, CommunitySettings(measure=_MEASURE), report=report)[0].communities
