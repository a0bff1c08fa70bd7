"""``saedb estimate``, which is also ``saedb ingest --estimate``: what a run will take."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.options import home_option
from saedb.cli.output import Output, output_option, show, width
from saedb.cli.settings import settings_options
from saedb.cli.wording import duration
from saedb.cypher.query import Column

if TYPE_CHECKING:
    from saedb.ingest.config import IngestConfig
    from saedb.ingest.estimate import Estimate

_ARGUMENTS: Final = "saedb.arguments"
_UNITS: Final = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

_STAGES: Final = (
    Column(name="stage", type="string"),
    Column(name="sample", type="float", unit="s"),
    Column(name="predicted", type="float", unit="s"),
)
_FIGURES: Final = (
    Column(name="figure", type="string"),
    Column(name="case", type="string"),
    Column(name="unit", type="string"),
    Column(name="sample", type="float"),
    Column(name="predicted", type="float"),
    Column(name="low", type="float"),
    Column(name="high", type="float"),
)


class Repeatable(click.Command):
    """A command that can tell how to give its arguments to ``saedb ingest``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and keep them as they were given."""
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


@click.command(cls=Repeatable)
@click.argument("inputs", nargs=-1, required=True, metavar="RELEASE_OR_FOLDERS...")
@click.option("--run", "name", help="Name of the run.  [default: the release or folder]")
@output_option
@settings_options
@home_option
def estimate(inputs: tuple[str, ...], name: str | None, output: Output, **settings: Any) -> None:
    """Tell what a run would take: time, memory, disk, and about how many edges it would find.

    A sample of a few thousand tokens is computed in a temporary folder beside the runs, with the same options as for
    saedb ingest. Nothing is left behind.

    \b
    saedb estimate gpt2-small-res-jb --layers 4-8
    saedb estimate ./my-saes --dataset ./texts.jsonl --tokens 200000 --output json
    """
    from saedb.ingest.config import IngestConfig

    show_estimate(IngestConfig(inputs=inputs, **settings), run_path(inputs, name), output)


def run_path(inputs: tuple[str, ...], name: str | None) -> Path:
    """Return the folder of a run, which is called as its first input where it has no name.

    Raises:
        InputError: the name is none for a run.
    """
    from saedb.ingest import places
    from saedb.ingest.naming import checked_name, name_of

    return places.runs() / checked_name("run name", name or name_of(_last_part(inputs[0])))


def show_estimate(config: "IngestConfig", path: Path, output: Output = "table") -> None:
    """Write what a run would take to stdout, and how to start it to stderr."""
    from saedb.cli.progress import progress_bars
    from saedb.ingest.estimate import estimate as estimated

    with progress_bars() as report:
        found = estimated(config, path, report)
    if output == "table":
        click.echo(_page(found))
    else:
        show(_figures(found), _FIGURES, output)
    for warning in found.warnings:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"Start it with: saedb ingest {shlex.join(_for_ingest())}", err=True)


def _page(found: "Estimate") -> str:
    from saedb.cli.table import table

    limiting, edges, files = found.limiting, found.edges, found.edge_files
    tokens = f"{found.tokens:,}" if found.exact else f"at most {found.tokens:,}"
    rows = [{"stage": s.stage, "sample": s.sample, "predicted": s.predicted} for s in found.stages]
    total = {"stage": "in all", "sample": sum(s.sample for s in found.stages), "predicted": found.seconds}
    lines = [
        f"A run of {tokens} tokens, from a sample of {found.sample:,}:",
        "",
        table([*rows, total], _STAGES, width()),
        "",
        f"time     {duration(found.seconds)}; {limiting.predicted / found.seconds:.0%} of it {limiting.stage}",
        f"memory   {_size(found.memory)} at its peak",
        f"disk     {_size(found.store)} for the activation store, {_size(files.likely)} for edges"
        f" ({_size(files.low)} to {_size(files.high)}), {_size(found.tables)} for other tables;"
        f" {_size(found.free)} are free",
        f"edges    about {edges.likely:,}, between {edges.low:,} and {edges.high:,}",
    ]
    return "\n".join(lines)


def _figures(found: "Estimate") -> list[dict[str, Any]]:
    stages = [_figure("time", s.stage, "s", s.predicted, sample=s.sample) for s in found.stages]
    edges, files = found.edges, found.edge_files
    return [
        _figure("tokens", "in all" if found.exact else "at most", "tokens", found.tokens, sample=found.sample),
        *stages,
        _figure("time", "in all", "s", found.seconds, sample=sum(s.sample for s in found.stages)),
        _figure("limiting stage", found.limiting.stage, "s", found.limiting.predicted, sample=found.limiting.sample),
        _figure("memory", "peak", "bytes", found.memory),
        _figure("disk", "activation store", "bytes", found.store),
        _figure("disk", "edges", "bytes", files.likely, low=files.low, high=files.high),
        _figure("disk", "other tables", "bytes", found.tables),
        _figure("disk", "free", "bytes", found.free),
        _figure("edges", "in all", "edges", edges.likely, low=edges.low, high=edges.high),
    ]


def _figure(
    figure: str,
    case: str,
    unit: str,
    predicted: float,
    *,
    sample: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> dict[str, Any]:
    values = {"sample": sample, "predicted": predicted, "low": low, "high": high}
    return {"figure": figure, "case": case, "unit": unit, **values}


def _for_ingest() -> Sequence[str]:
    """Return the arguments of the command that runs, without those that only an estimate has."""
    kept: list[str] = []
    given = iter(click.get_current_context().meta[_ARGUMENTS])
    for argument in given:
        if argument == "--output":
            next(given)
        elif argument != "--estimate" and not argument.startswith("--output="):
            kept.append(argument)
    return kept


def _size(size: float) -> str:
    factor, unit = next(((factor, unit) for factor, unit in _UNITS if size >= factor), (1, "bytes"))
    return f"{size / factor:.3g} {unit}"


def _last_part(given: str) -> str:
    return Path(given).expanduser().resolve().name if Path(given).expanduser().exists() else given
