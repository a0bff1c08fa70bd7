"""``saedb gates`` and ``saedb splits``: motifs that are counted on the stored activations of a run."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show, width
from saedb.cli.settings import options_of
from saedb.cypher.query import Column
from saedb.ingest.motifs.settings import KINDS, GateSettings, SplitSettings

if TYPE_CHECKING:
    from saedb.ingest.motifs.stage import Motifs
    from saedb.ingest.record import GatesRecord
    from saedb.ingest.rundir import RunDirectory

SHOWN: Final = 3
"""The best gates of each kind, and splits, that are written out."""

GATE_COLUMNS: Final = (
    Column(name="kind", type="string"),
    Column(name="tested", type="integer"),
    Column(name="kept", type="integer"),
    Column(name="by_chance", type="float"),
    Column(name="false_per_kept", type="float"),
)
_SPLIT_COLUMNS: Final = (
    Column(name="sae", type="string"),
    Column(name="splits", type="integer"),
    Column(name="parts", type="integer"),
    Column(name="median_coverage", type="float", unit="share"),
)

_TOGETHER: Final = "are active together on a token"
"""What edges alone do not tell of features."""

_load_option = click.option(
    "--load/--no-load",
    default=True,
    show_default=True,
    help="Replace them in the graph, too; else RUN may be a folder.",
)


@click.command()
@click.argument("run", metavar="RUN")
@_load_option
@options_of(GateSettings)
@output_option
@server_options
def gates(run: str, load: bool, output: Output, server: ServerChoice, **settings: Any) -> None:
    """Find boolean gates of features, in place of the run's earlier ones.

    An AND, OR or AND NOT of features is a gate of a feature of the next layer if it predicts on which tokens that is
    active, and better than fewer of its inputs do, on both halves of the documents. Its truth table is counted on the
    stored activations, so nothing is encoded again. What chance alone gives is counted with an input rotated by whole
    contexts.

    \b
    saedb gates gpt2
    saedb gates gpt2 --min-f1 0.8 --min-gain 0.1
    saedb gates ./runs/gpt2 --no-load
    """
    chosen = GateSettings(**settings)
    directory = _renewed(run, load, server, "gates", lambda motifs: motifs.write_gates(chosen))
    record = directory.record.gates
    assert record is not None
    show(gate_counts(record), GATE_COLUMNS, output)
    if output == "table":
        click.echo("\n".join(_best_gates(directory)))
    steps = [f"saedb query and-gates --run {directory.record.id}", f"saedb query or-gates --run {directory.record.id}"]
    _next(directory, load, steps)


@click.command()
@click.argument("run", metavar="RUN")
@_load_option
@options_of(SplitSettings)
@output_option
@server_options
def splits(run: str, load: bool, output: Output, server: ServerChoice, **settings: Any) -> None:
    """Find features that several of the next layer divide among themselves, in place of the run's earlier ones.

    The parts of a feature are active hardly ever without it, and hardly ever together; coverage is the share of its
    tokens on which any of them is active. Counted on the stored activations, on both halves of the documents.

    \b
    saedb splits gpt2
    saedb splits gpt2 --min-coverage 0.8 --max-overlap 0.1
    saedb splits ./runs/gpt2 --no-load
    """
    chosen = SplitSettings(**settings)
    directory = _renewed(run, load, server, "splits", lambda motifs: motifs.write_splits(chosen))
    from saedb.cli.motif_rows import split_counts

    show(split_counts(directory), _SPLIT_COLUMNS, output, empty="No feature is split; try a lower --min-coverage.")
    if output == "table":
        click.echo("\n".join(_best_splits(directory)))
    _next(directory, load, [f"saedb query splits --run {directory.record.id}"])


def gate_counts(record: "GatesRecord") -> list[dict[str, Any]]:
    """Return one row for each kind of gate, with what chance alone gives."""
    return [
        {
            "kind": kind.replace("_", " "),
            "tested": record.tested[kind],
            "kept": record.kept[kind],
            "by_chance": record.chance[kind],
            "false_per_kept": record.chance[kind] / record.kept[kind] if record.kept[kind] else None,
        }
        for kind in KINDS
    ]


def _renewed(
    name: str, load: bool, server: ServerChoice, what: Literal["gates", "splits"], write: "Callable[[Motifs], object]"
) -> "RunDirectory":
    """Return a run directory after a stage wrote its table anew, and the graph has it where it is to be loaded."""
    from saedb.cli.progress import progress_bars
    from saedb.cypher import replacement
    from saedb.cypher.runs import directory_of
    from saedb.ingest.computed import check_computed
    from saedb.ingest.memory import Memory
    from saedb.ingest.motifs.stage import Motifs
    from saedb.ingest.rundir import RunDirectory
    from saedb.ingest.stages import Stages

    if not load:
        run = RunDirectory.named(name)
        check_computed(run, _TOGETHER)
        with progress_bars() as report, run.writing():
            write(Motifs.of_run(run, Stages(report), Memory(None)))
        return run
    with server.connect() as connection:
        run = directory_of(connection, name)
        check_computed(run, _TOGETHER)
        with progress_bars() as report:
            replacement.renew(
                connection,
                run,
                {"gates": replacement.GATES, "splits": replacement.SPLITS}[what],
                lambda: write(Motifs.of_run(run, Stages(report), Memory(None))),
                report,
            )
    return run


def _best_gates(run: "RunDirectory") -> Iterator[str]:
    from saedb.cli.gate_text import gate_lines
    from saedb.cli.motif_rows import best_gates

    for kind in KINDS:
        found = best_gates(run, kind, SHOWN)
        if found:
            name = kind.replace("_", " ")
            yield f"\nThe best {name} by gain: F1 on one half of the text (on the other); tokens/with the output:"
        for gate in found:
            yield from (f"  {line}" for line in gate_lines(gate, width() - 2))


def _best_splits(run: "RunDirectory") -> Iterator[str]:
    from saedb.cli.gate_text import split_lines
    from saedb.cli.motif_rows import best_splits

    found = best_splits(run, SHOWN)
    if found:
        yield "\nThe best, by coverage without overlap on the second half of the documents (on the first):"
    for split in found:
        yield from (f"  {line}" for line in split_lines(split, width() - 2))


def _next(run: "RunDirectory", load: bool, steps: list[str]) -> None:
    shown = steps if load else [f"saedb load {run.path}"]
    click.echo("\n".join(["", "Next:", *(f"  {step}" for step in shown)]), err=True)
