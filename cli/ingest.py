"""``saedb ingest`` and ``saedb demo``: from SAEs and a text to a graph with communities and gates, and its summary."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.estimate import Repeatable, run_path, show_estimate
from saedb.cli.options import ServerChoice, home_option, server_options
from saedb.cli.settings import chosen_preset, settings_options

if TYPE_CHECKING:
    from saedb.cypher.communities.settings import CommunitySettings
    from saedb.cypher.connection import Connection
    from saedb.cypher.server.local import Running
    from saedb.ingest.config import IngestConfig
    from saedb.ingest.progress import Report
    from saedb.ingest.rundir import RunDirectory

DEMO_TOKENS: Final = 65_536


@click.command(cls=Repeatable)
@click.argument("inputs", nargs=-1, required=True, metavar="RELEASE_OR_FOLDERS...")
@click.option("--run", "name", help="Name of the run.  [default: the release or folder]")
@click.option("--load/--no-load", default=True, show_default=True, help="Load the run into Neo4j and find communities.")
@click.option("--estimate", is_flag=True, help="Only tell what the run would take, as saedb estimate does.")
@settings_options
@server_options
def ingest(
    inputs: tuple[str, ...], name: str | None, load: bool, estimate: bool, server: ServerChoice, **settings: Any
) -> None:
    """Relate the features of neighbouring layers, and load them as a graph.

    SAEs come from a SAELens release or from local folders in SAELens' format; their own metadata name the model. The
    run is kept on disk: the same command goes on where it was stopped, and changes nothing when it was done.

    \b
    saedb ingest gpt2-small-res-jb --layers 4-8
    saedb ingest ./my-saes --dataset ./texts.jsonl --tokens 200000
    saedb ingest gpt2-small-res-jb --preset paper --layers 0-11 --tokens 10485760 --run paper
    """
    from saedb.cli.progress import progress_bars
    from saedb.ingest.config import IngestConfig

    config = IngestConfig(inputs=inputs, **settings)
    path, communities = run_path(inputs, name), _communities_of(chosen_preset())
    if estimate:
        show_estimate(config, path)
    elif not load:
        from saedb.ingest.pipeline import ingest as compute

        with progress_bars() as report:
            run = compute(config, path, report)
        for warning in run.record.warnings:
            click.echo(f"Warning: {warning}", err=True)
        click.echo(f"Computed. Load it with: saedb load {path}", err=True)
    elif server.is_local:
        _into_local_server(config, path, communities)
    else:
        with server.connect() as connection:
            with progress_bars() as report:
                run = _built(config, path, connection, report, communities)
            _show(connection, run, None)


def _communities_of(preset: str | None) -> "CommunitySettings":
    from saedb.cypher.communities.settings import PRESETS, CommunitySettings

    return CommunitySettings(**PRESETS[preset] if preset else {})


@click.command()
@click.option("--tokens", type=int, default=DEMO_TOKENS, show_default=True, help="Tokens to read.")
@click.option("--run", "name", default="demo", show_default=True, help="Name of the run.")
@home_option
def demo(tokens: int, name: str) -> None:
    """Go the whole way on a small real model: text, edges, graph, communities, chains and gates.

    The model is SmolLM2-135M, its SAEs come with saedb, the text is held out from their training: State of the Union
    speeches. The local server is started; nothing else is needed, and nothing leaves the machine.

    \b
    saedb demo
    saedb demo --tokens 100000 --run longer
    """
    from saedb.cypher.communities.settings import MANY_RUNS, CommunitySettings
    from saedb.ingest import places
    from saedb.ingest.config import IngestConfig
    from saedb.ingest.naming import checked_name

    path = places.runs() / checked_name("run name", name)
    config = IngestConfig(inputs=("demo",), dataset="demo", tokens=tokens, split_half=True)
    _into_local_server(config, path, CommunitySettings(runs=MANY_RUNS, levels=True, sweep=True))


def _into_local_server(config: "IngestConfig", path: Path, communities: "CommunitySettings | None" = None) -> None:
    from saedb.cli.progress import progress_bars
    from saedb.cypher.connection import Connection
    from saedb.cypher.server.local import LocalServer

    with progress_bars() as report:
        server = LocalServer().up(report)
        click.echo(f"server: {server.address.origin}", err=True)
        with Connection(server.address) as connection:
            run = _built(config, path, connection, report, communities)
    with Connection(server.address) as connection:
        _show(connection, run, server)


def _built(
    config: "IngestConfig",
    path: Path,
    connection: "Connection",
    report: "Report",
    communities: "CommunitySettings | None" = None,
) -> "RunDirectory":
    """Return the run, computed, loaded, and with communities."""
    from saedb.cypher.communities.stage import detect
    from saedb.cypher.load import load
    from saedb.ingest.pipeline import ingest as compute
    from saedb.ingest.rundir import COMMUNITIES_FILE

    run = compute(config, path, report)
    loaded = load(connection, run, report)
    if COMMUNITIES_FILE not in run.record.files and loaded.edges:
        detect(connection, run, communities, report=report)
    return run


def _show(connection: "Connection", run: "RunDirectory", server: "Running | None") -> None:
    from saedb.cli import summary
    from saedb.cli.output import width
    from saedb.cypher.graph import Graph

    graph = Graph(connection)
    click.echo(summary.summary(graph, run, width()))
    click.echo(f"\n{summary.next_steps(graph, run, server)}")
