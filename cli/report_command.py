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
@click.option("--prompt", metavar="NAME", help="The stored prompt (saedb query prompts).  [default: the newest]")
@click.option("--measure", help="By which pairs of labels are drawn.  [default: pearson, or what the run has]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides which pairs.")
@click.option(
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to make.  [default: RUN-report.html in the current folder]",
)
@click.option("--csv", "folder", type=click.Path(path_type=Path), help="Folder for the numbers of all figures, too.")
@click.option("--force", is_flag=True, help="Replace a file of that name, even where it is no report.")
@server_options
def report(
    run: str | None,
    partition: str | None,
    prompt: str | None,
    measure: str | None,
    seed: int,
    file: Path | None,
    folder: Path | None,
    force: bool,
    server: ServerChoice,
) -> None:
    """Make one page of figures and tables of a run: the paper's, and what else is known of it.

    What was read, how good the SAEs are, what is passed on, appears and disappears, motifs, gates, communities, a
    prompt, how alike features are, and how settled the numbers. What was not computed is a line with the command that
    does.

    It is one HTML file, shown by any browser without a network, with the numbers behind each figure as CSV; --csv
    writes these as files as well, in place of those of an earlier report. RUN is the newest ready one where none is
    named.

    \b
    saedb report
    saedb report gpt2 --partition main.consensus --measure jaccard
    saedb report gpt2 --prompt debt --out /tmp/gpt2.html --csv /tmp/gpt2
    """
    from saedb.cli.progress import progress_bars
    from saedb.cli.report import numbers
    from saedb.cli.report.asked import Asked
    from saedb.cli.report.chapters import chapters
    from saedb.cli.report.page import check_writable, page
    from saedb.cypher.graph import Graph
    from saedb.ingest.rundir import replacing

    with server.connect() as connection, progress_bars() as progress:
        graph = Graph(connection)
        run = graph.run_id(run)
        file = file or Path(f"{run}-report.html")
        check_writable(file, force=force)
        if folder is not None:
            numbers.check_folder(folder)
        asked = Asked.of(graph, run, partition=partition, prompt=prompt, measure=measure, seed=seed, report=progress)
        found = list(chapters(asked))
        content = page(run, _summary(graph, run), found)
    with replacing(file) as temporary:
        temporary.write_text(content, encoding="utf-8")
    click.echo(file)
    if folder is not None:
        click.echo(f"{len(numbers.write(folder, run, found)):,} CSV files in {folder}", err=True)


def _summary(graph: "Graph", run: str) -> str:
    """Return one line on what a run is."""
    from saedb.cypher.frames import records

    row = next(row for row in records(graph.runs()) if row["id"] == run)
    counts = ((row[name], name) for name in ("features", "edges", "tokens"))
    return ": ".join((row["model"], ", ".join(f"{count:,} {name}" for count, name in counts if count is not None)))
