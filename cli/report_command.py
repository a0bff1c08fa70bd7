"""``saedb report``: figures and tables of a run as one page."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saedb.cli.options import ServerChoice, server_options

if TYPE_CHECKING:
    from saedb.cypher.graph import Graph


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--partition", help="Its communities (saedb query partitions).  [default: the run's default]")
@click.option(
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to make.  [default: RUN-report.html in the current folder]",
)
@click.option("--force", is_flag=True, help="Replace a file of that name, even where it is no report.")
@server_options
def report(run: str | None, partition: str | None, file: Path | None, force: bool, server: ServerChoice) -> None:
    """Make one page of figures and tables about the communities and the residual streams of a run.

    It is one HTML file, shown by any browser without a network, with the numbers behind each figure as CSV. RUN is the
    newest ready one where none is named.

    \b
    saedb report
    saedb report gpt2 --partition main.consensus
    saedb report gpt2 --out /tmp/gpt2.html
    """
    from saedb.cli.progress import progress_bars
    from saedb.cli.report import communities, residuals
    from saedb.cli.report.page import check_writable, page
    from saedb.cypher.graph import Graph
    from saedb.ingest.rundir import replacing

    with server.connect() as connection, progress_bars() as progress:
        graph = Graph(connection)
        run = graph.run_id(run)
        file = file or Path(f"{run}-report.html")
        check_writable(file, force=force)
        chapters = [communities.chapter(graph, run, partition, progress), residuals.chapter(graph, run)]
        content = page(run, _summary(graph, run), chapters)
    with replacing(file) as temporary:
        temporary.write_text(content, encoding="utf-8")
    click.echo(file)


def _summary(graph: "Graph", run: str) -> str:
    """Return one line on what a run is."""
    from saedb.cli.report.community_tables import records

    row = next(row for row in records(graph.runs()) if row["id"] == run)
    counts = ((row[name], name) for name in ("features", "edges", "tokens"))
    return ": ".join((row["model"], ", ".join(f"{count:,} {name}" for count, name in counts if count is not None)))
