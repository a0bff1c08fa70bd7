"""``saedb ablate``: what becomes of downstream features when upstream ones are taken out of the model."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cli.settings import options_of
from saedb.cli.wording import duration, short_id
from saedb.cypher.query import Column
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.config import Device
from saedb.ingest.errors import InputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pandas import DataFrame

    from saedb.cypher.connection import Connection
    from saedb.ingest.causal.found import Pair
    from saedb.ingest.causal.stage import Begun
    from saedb.ingest.progress import Report
    from saedb.ingest.rundir import RunDirectory

_SHOWN: Final = 5
"""The strongest edges, and the weakest, that are written out."""
_UNKNOWN: Final = "cause others"
"""What edges alone do not tell of features."""

_COLUMNS: Final = (
    Column(name="from", type="float"),
    Column(name="to", type="float"),
    Column(name="edges", type="integer"),
    Column(name="effect", type="float", unit="share"),
    Column(name="median", type="float", unit="share"),
    Column(name="control", type="float", unit="share"),
    Column(name="clear", type="float", unit="share"),
    Column(name="change", type="float", unit="activation"),
    Column(name="paper", type="float", unit="activation"),
)
_EDGE_COLUMNS: Final = (
    Column(name="source", type="feature"),
    Column(name="target", type="feature"),
    Column(name="measure", type="float"),
    Column(name="effect", type="float", unit="share"),
    Column(name="se", type="float", unit="share"),
    Column(name="control", type="float", unit="share"),
    Column(name="tokens", type="integer", unit="tokens"),
    Column(name="documents", type="integer", unit="documents"),
)


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--edge", "edges", nargs=2, multiple=True, metavar="SOURCE TARGET", help="This edge; may be repeated.")
@click.option(
    "--from",
    "table",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help='Edges of a table, CSV or JSON, with columns source and target; "-" is stdin.',
)
@click.option(
    "--per-bin",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Else a sample: so many edges of each tenth of the measure, for each pair of SAEs.",
)
@click.option("--measure", default="pearson", show_default=True, help="Of the sample, and of the summary.")
@options_of(AblationSettings)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--load/--no-load",
    default=True,
    show_default=True,
    help="Set the effects on the edges of the graph, too; else RUN may be a folder.",
)
@output_option
@server_options
def ablate(
    run: str | None,
    edges: tuple[tuple[str, str], ...],
    table: Path | None,
    per_bin: int,
    measure: str,
    device: Device,
    load: bool,
    output: Output,
    server: ServerChoice,
    **settings: Any,
) -> None:
    """Take features out of the model and see what becomes of those that they have edges to.

    The source's activation becomes 0 in what its SAE makes of the residual stream, the SAE's error stays, and the model
    runs on to where the next SAE reads. The effect is the mean loss of the target's activation over tokens on which
    both were active, as a share of its mean there: 1 takes all of it. Beside it stands what the same does to features
    as dense as the target that the source has no edge to; clear is the share of edges whose effect is above it by more
    than chance, by Student's t over documents. Without --edge or --from a sample over the whole range of a
    measure is taken. What is done is kept: the same command goes on.

    \b
    saedb ablate
    saedb ablate gpt2 --per-bin 10 --measure jaccard
    saedb ablate gpt2 --edge 6/2320 7/811 --edge 6/2320 7/92
    saedb query disagreements --output csv | saedb ablate --from -
    """
    if edges and table is not None:
        raise click.UsageError("--edge and --from both name edges; give one of them")
    from saedb.ingest.causal.choosing import check_measure

    check_measure(measure)
    chosen = AblationSettings(**settings)
    named = _named(edges, table)
    from saedb.cypher.runs import any_directory

    with _connected(server, load=load) as connection:
        directory = any_directory(connection, run)
        asked = _asked(directory, named, per_bin, measure, chosen.seed)
        _ablate(directory, asked, chosen, device, connection)
    _show(directory, asked, measure, output)
    steps = [f"saedb query causal --run {directory.record.id}"] if load else [f"saedb load {directory.path}"]
    click.echo("\n".join(["", "Next:", *(f"  {step}" for step in steps)]), err=True)


def _named(edges: "tuple[Pair, ...]", table: Path | None) -> "list[Pair]":
    """Return the edges that the command line names, or a table; none for a sample."""
    from saedb.ingest.causal.asked import in_table

    if table is None:
        return list(edges)
    if str(table) == "-":
        return in_table(sys.stdin.read(), "the table on stdin")
    try:
        return in_table(table.read_text(encoding="utf-8-sig"), str(table))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(
            f"{table} is no file; give a table of edges, such as saedb query prints with --output csv"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{table} is no text; give a table of edges as CSV or JSON") from None


def _connected(server: ServerChoice, *, load: bool) -> "AbstractContextManager[Connection | None]":
    return server.connect() if load else nullcontext()


def _asked(run: "RunDirectory", named: "list[Pair]", per_bin: int, measure: str, seed: int) -> "list[Pair]":
    """Return the edges whose effects are asked for, after what can be checked without the model."""
    from saedb.ingest.activations import ActivationStore
    from saedb.ingest.causal.asked import by_pair, in_full
    from saedb.ingest.causal.choosing import sample
    from saedb.ingest.computed import check_computed

    check_computed(run, _UNKNOWN)
    ActivationStore.of_run(run)
    edges = in_full(run, named) if named else sample(run, measure, per_bin, seed)
    if not edges:
        raise InputError(f"run {run.record.id} has no edge with a {measure} of 0 to 1; choose another --measure")
    by_pair(run, edges)
    return list(dict.fromkeys(edges))


def _ablate(
    run: "RunDirectory",
    edges: "list[Pair]",
    settings: AblationSettings,
    device: Device,
    connection: "Connection | None",
) -> None:
    """Put the effects of edges into a run, and into the graph where there is a connection."""
    from saedb.cli.progress import progress_bars
    from saedb.cypher import properties

    with progress_bars() as report:
        if connection is None:
            with run.writing():
                _find(run, edges, settings, device, report)
        else:
            found = properties.EFFECTS
            properties.change(connection, run, found, lambda: _find(run, edges, settings, device, report), report)


def _find(
    run: "RunDirectory", edges: "list[Pair]", settings: AblationSettings, device: Device, report: "Report"
) -> None:
    """Write the effects of edges into a run, whose lock is held, unless they are there."""
    from saedb.ingest.causal.found import Effects
    from saedb.ingest.materials import resolved_device

    if set(edges) <= Effects(run, settings, resolved_device(device)).recorded:
        click.echo(f"All {len(edges):,} edges have their effects already.", err=True)
        return
    report("load libraries", 0, 1)
    from saedb.ingest.causal.stage import Ablation
    from saedb.ingest.full import full_in_one_line
    from saedb.ingest.prompts.loading import loaded
    from saedb.ingest.stages import Stages

    report("load libraries", 1, 1)
    parts = loaded(run, device=device, report=report)
    with full_in_one_line(run.path):
        ablation = Ablation(run, Stages(report), parts.model, {sae.id: sae for sae in parts.saes}, settings)
        ablation.write(edges, _tell)


def _tell(begun: "Begun") -> None:
    """Say what there is to do, once that can be said."""
    before = f", {begun.done:,} are done" if begun.done else ""
    click.echo(
        f"{begun.edges:,} edges of {begun.features:,} features{before}: {begun.copies:,} copies of contexts, each "
        f"without one of these features; about {duration(begun.seconds)}.",
        err=True,
    )


def _show(run: "RunDirectory", edges: "list[Pair]", measure: str, output: Output) -> None:
    """Print what the effects of edges say about a measure."""
    import pandas as pd

    from saedb.cypher.frames import records
    from saedb.ingest.causal.summary import DOCUMENTS, by_tenth, of_run, ranked

    frame = pd.DataFrame(edges, columns=["source", "target"])
    found = of_run(run, measure).merge(frame, on=["source", "target"])
    rows = by_tenth(found, measure)
    show(records(rows), _COLUMNS, output, empty="No token of these contexts has both ends of one of the edges active.")
    if output == "table" and len(rows):
        some = found.loc[ranked(found["effect_se"], found["effect_documents"])].sort_values("effect", ascending=False)
        if some.empty:
            click.echo(
                f"\nNo effect is of {DOCUMENTS} documents or more: too few to say which edges are the strongest."
            )
            return
        for title, shown in (("strongest", some.head(_SHOWN)), ("weakest", some.tail(_SHOWN))):
            click.echo(f"\nThe {title} of those with {DOCUMENTS} documents and more, with the {measure} of each:")
            show(_edge_rows(shown, measure), _EDGE_COLUMNS, output)


def _edge_rows(found: "DataFrame", measure: str) -> list[dict[str, Any]]:
    from saedb.cypher.frames import records

    return [
        {
            "source": short_id(row["source"]),
            "target": short_id(row["target"]),
            "measure": row[measure],
            "effect": row["effect"],
            "se": row["effect_se"],
            "control": row["effect_control"],
            "tokens": row["effect_tokens"],
            "documents": row["effect_documents"],
        }
        for row in records(found)
    ]
