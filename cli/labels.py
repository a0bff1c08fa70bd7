"""``saedb labels``: explanations of features, each with where it comes from."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cypher.query import Column
from saedb.ingest.errors import InputError
from saedb.ingest.labelling.rule import RULE

if TYPE_CHECKING:
    from saedb.cypher.relabelling import Change
    from saedb.ingest.labelling.importing import Gathered
    from saedb.ingest.labelling.labelled import Tally
    from saedb.ingest.labelling.table import Labels
    from saedb.ingest.progress import Report
    from saedb.ingest.rundir import RunDirectory

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS: Final = (
    Column(name="source", type="string"),
    Column(name="author", type="string"),
    Column(name="method", type="string"),
    Column(name="labels", type="integer"),
    Column(name="features", type="integer"),
    Column(name="preferred", type="integer"),
    Column(name="scored", type="integer"),
    Column(name="imported", type="string"),
)

_DAY: Final = 10
"""Characters of a time that are its day."""

_prefer_option = click.option(
    "--prefer",
    multiple=True,
    metavar="SOURCE[:AUTHOR]",
    help="Show these labels before all others; may be repeated, the best first.",
)


def _run_options(command: F) -> F:
    """Add ``--run --load/--no-load --output`` and those of the server."""

    @click.option(
        "--run", help="Run of the graph; with --no-load a name or folder of one.  [default: the newest ready one]"
    )
    @click.option(
        "--load/--no-load", default=True, show_default=True, help="Use the graph, too; else only the run directory."
    )
    @output_option
    @server_options
    @wraps(command)
    def with_run(**given: Any) -> Any:
        if not given["load"] and given["run"] is None:
            raise click.UsageError("--no-load needs the --run that is meant")
        return command(**given)

    return with_run  # pyright: ignore[reportReturnType]  # a decorated command


_HELP: Final = f"""Give features labels from elsewhere, beside the automatic ones.

{RULE} All are kept with their source, and all are found by saedb query search.

\b
saedb labels import explanations/ --run gpt2
saedb labels list --run gpt2
"""


@click.group(help=_HELP)
def labels() -> None:
    """Hold the commands."""


@labels.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--source", help="Name for where they are from.  [default: neuronpedia, paper, or the name of a table]")
@_prefer_option
@click.option(
    "--misses", type=click.Path(dir_okay=False, path_type=Path), help="Write the labels of no feature of the run here."
)
@_run_options
def import_(
    files: tuple[Path, ...],
    source: str | None,
    prefer: tuple[str, ...],
    misses: Path | None,
    run: str | None,
    load: bool,
    output: Output,
    server: ServerChoice,
) -> None:
    """Import labels from files, or folders of them; what they are is told by what is in them.

    \b
    Neuronpedia exports  explanations/batch-0.jsonl.gz, ...; or JSON of its API
    Tables               CSV (also tabs or semicolons) with columns feature and label, or layer, index and label; and
                         perhaps author, method, score, source. A feature is gpt2-small/6-res-jb/2320.
    The paper's lists    tables of layer, feature, explanation; its page's graphs in node-link JSON

    All of these also as .gz. A label takes the place of those that the same source, author and method gave the same
    feature; others stay, so the parts of an export may come one after another.

    \b
    saedb labels import explanations/
    saedb labels import names.csv --run gpt2 --source ours --prefer ours
    saedb labels import gpt2-small/ --prefer neuronpedia:gpt-4o-mini --misses misses.csv
    """
    from saedb.ingest import rundir
    from saedb.ingest.labelling.importing import gather
    from saedb.ingest.labelling.targets import Targets

    found: list[Gathered] = []

    def change(run: "RunDirectory", before: "Labels", report: "Report") -> "Labels":
        now, targets = rundir.now(), Targets.of(run)
        gathered = gather(files, targets, before.features, imported=now, source=source, misses=misses, report=report)
        found.append(gathered)
        report("ordering labels", 0, 1)
        after = before.merged(gathered.labels)
        return after.preferring(prefer) if prefer else after

    directory = _changed(run, load, server, change)
    (gathered,) = found
    _tell(gathered, directory, misses)
    _show(directory, output)
    _next(directory, gathered, load)


@labels.command()
@_prefer_option
@_run_options
def auto(prefer: tuple[str, ...], run: str | None, load: bool, output: Output, server: ServerChoice) -> None:
    """Bring back the automatic labels, which saedb ingest made from top tokens and examples.

    They are shown where a feature has no other; with --prefer auto, everywhere.

    \b
    saedb labels auto
    saedb labels auto --run gpt2 --prefer auto
    """
    from saedb.ingest.labelling.table import automatic

    def change(run: "RunDirectory", before: "Labels", report: "Report") -> "Labels":
        del report
        made = automatic(run)
        if not made.num_rows:
            raise InputError(
                f"run {run.record.id} has no automatic labels: it was imported without texts; saedb ingest makes them"
            )
        after = before.merged(made)
        return after.preferring(prefer) if prefer else after

    _show(_changed(run, load, server, change), output)


@labels.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE[:AUTHOR]]...")
@_run_options
def prefer(sources: tuple[str, ...], run: str | None, load: bool, output: Output, server: ServerChoice) -> None:
    """Say whose labels are shown before all others, the best first; without any, the rule alone decides.

    \b
    saedb labels prefer ours neuronpedia:gpt-4o-mini
    saedb labels prefer auto
    saedb labels prefer
    """
    _show(_changed(run, load, server, lambda _, before, __: before.preferring(sources)), output)


@labels.command("list")
@_run_options
def list_(run: str | None, load: bool, output: Output, server: ServerChoice) -> None:
    """List where the labels of a run come from, and how many features have one.

    \b
    saedb labels list
    saedb labels list --run gpt2 --output json
    """
    if load:
        from saedb.cypher.runs import any_directory

        with server.connect() as connection:
            directory = any_directory(connection, run)
    else:
        directory = _on_disk(run)
    _show(directory, output)


@labels.command()
@click.argument("source")
@_run_options
def forget(source: str, run: str | None, load: bool, output: Output, server: ServerChoice) -> None:
    """Take away all labels of a source.

    \b
    saedb labels forget neuronpedia --run gpt2
    """

    def change(run: "RunDirectory", before: "Labels", report: "Report") -> "Labels":
        del report
        known = sorted({row["source"] for row in before.by_source()})
        if source not in known:
            raise InputError(
                f"run {run.record.id} has no labels of {source!r}; it has those of {', '.join(known) or 'nobody'}"
            )
        return before.without(source)

    _show(_changed(run, load, server, change), output)


def _changed(name: str | None, load: bool, server: ServerChoice, change: "Change") -> "RunDirectory":
    """Return a run directory whose labels were changed, and those of the graph where it is to be used."""
    from saedb.cli.progress import progress_bars
    from saedb.cypher.relabelling import relabel, relabel_directory
    from saedb.cypher.runs import any_directory

    if load:
        with server.connect() as connection:
            directory = any_directory(connection, name)
            with progress_bars() as report:
                is_changed = relabel(connection, directory, change, report)
    else:
        directory = _on_disk(name)
        with progress_bars() as report:
            is_changed = relabel_directory(directory, change, report)
    if not is_changed:
        click.echo(f"Run {directory.record.id} has these labels already; nothing changed.", err=True)
    return directory


def _on_disk(name: str | None) -> "RunDirectory":
    from saedb.ingest.rundir import RunDirectory

    assert name is not None
    run = RunDirectory.named(name)
    if run.record.status != "complete":
        raise InputError(f"run {run.record.id} is not complete ({run.path}); first the command that computes it again")
    return run


def _tell(gathered: "Gathered", run: "RunDirectory", misses: Path | None) -> None:
    """Say on stderr what became of the rows of the files."""
    taken, files = gathered.labels.num_rows, f"{gathered.files:,} files" if gathered.files > 1 else "the file"
    lines = [f"{taken:,} of {gathered.read:,} labels in {files} are of features of run {run.record.id}."]
    if gathered.empty:
        lines.append(f"Without a text: {gathered.empty:,}")
    if gathered.misses.count:
        more = f"all: {misses}" if misses is not None else "all: --misses FILE"
        lines.append(f"Labels of features that it does not have: {gathered.misses.count:,} ({more})")
        lines += _listed(gathered.misses)
    if gathered.useless.count:
        lines.append(f"Rows that hold no label: {gathered.useless.count:,}")
        lines += _listed(gathered.useless)
    click.echo("\n".join([*lines, ""]), err=True)


def _listed(tally: "Tally") -> Iterator[str]:
    yield from (f"  {line}" for line in tally.first)
    if tally.count > len(tally.first):
        yield f"  and {tally.count - len(tally.first):,} more"


def _show(run: "RunDirectory", output: Output) -> None:
    from saedb.ingest.labelling.table import Labels

    found = Labels.of(run)
    rows, features = found.by_source(), len(found.features)
    if output == "table":
        rows = [{**row, "imported": row["imported"][:_DAY]} for row in rows]
    told = [column for column in _COLUMNS if output != "table" or any(row[column.name] for row in rows)]
    show(rows, told, output, empty=f"Run {run.record.id} has no labels; give it some: saedb labels import FILE...")
    click.echo(f"\n{found.labelled:,} of {features:,} features of run {run.record.id} have a label.", err=True)
    if found.preference:
        click.echo(f"Preferred to all others: {', '.join(found.preference)}.", err=True)


def _next(run: "RunDirectory", gathered: "Gathered", load: bool) -> None:
    from saedb.ingest.rundir import COMMUNITIES_FILE

    name, feature = run.record.id, gathered.labels["feature"][0].as_py()
    steps = [f"saedb feature {feature} --run {name}"]
    if COMMUNITIES_FILE in run.record.files:
        steps.append(f"saedb communities {name}      (communities keep their names until they are found again)")
    shown = steps if load else [f"saedb load {run.path}"]
    click.echo("\n".join(["", "Next:", *(f"  {step}" for step in shown)]), err=True)
