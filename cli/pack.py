"""``saedb pack``: a run as one file."""

from pathlib import Path

import click

from saedb.cli.options import home_option
from saedb.cli.output import Output, columns_of, output_option, show


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--to",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to make.  [default: RUN.saedb.zip in the current folder]",
)
@click.option("--force", is_flag=True, help="Replace a file of that name, whatever it holds.")
@output_option
@home_option
def pack(run: str, file: Path | None, force: bool, output: Output) -> None:
    """Make one file of a run, to share it or to keep it: every table, without the activations.

    RUN is the name of a run in the runs folder, or a run directory. saedb load takes the file, on any machine. Paths
    of the model, SAEs and text are in it as they are in run.json.

    \b
    saedb pack gpt2
    saedb pack gpt2 --to /tmp/gpt2.saedb.zip
    saedb load /tmp/gpt2.saedb.zip
    """
    from saedb.cli.progress import progress_bars
    from saedb.ingest import archive
    from saedb.ingest.rundir import RunDirectory

    directory = RunDirectory.named(run)
    with progress_bars() as report:
        packed = archive.pack(directory, file, force=force, report=report)
    row = {
        "run": directory.record.id,
        "file": str(packed),
        "tables": len(directory.record.files),
        "bytes": packed.stat().st_size,
    }
    show([row], columns_of([row]), output)
    click.echo(f"\nNext, wherever the file goes:\n  saedb load {packed}", err=True)
