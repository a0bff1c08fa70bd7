"""``saedb residuals``: what vanishes into the next SAE's error, and what the residual stream only carries."""

from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cli.settings import options_of
from saedb.cypher.query import Column
from saedb.ingest.config import Device
from saedb.ingest.residuals.settings import ResidualSettings

if TYPE_CHECKING:
    from saedb.ingest.progress import Report
    from saedb.ingest.rundir import RunDirectory

_RECOVERY: Final = (
    Column(name="sae", type="string"),
    Column(name="next_sae", type="string"),
    Column(name="low_necessity", type="integer"),
    Column(name="recovered", type="float"),
    Column(name="random_recovered", type="float"),
    Column(name="above_random", type="float", unit="share"),
    Column(name="slope", type="float"),
    Column(name="random_slope", type="float"),
    Column(name="correlation", type="float"),
    Column(name="random_correlation", type="float"),
    Column(name="passed_through", type="integer"),
    Column(name="passed_recovered", type="float"),
    Column(name="passed_slope", type="float"),
    Column(name="passed_correlation", type="float"),
    Column(name="dead_or_rare", type="integer"),
    Column(name="all_tokens", type="float"),
)
_SHOWN: Final = (
    "sae", "low_necessity", "recovered", "random_recovered", "slope", "random_slope", "correlation", "passed_through",
    "passed_recovered", "passed_slope",
)  # fmt: skip
"""Columns of the table on a terminal."""
_COPIES: Final = (
    Column(name="sae", type="string"),
    Column(name="state", type="string"),
    Column(name="features", type="integer"),
    Column(name="copied_10", type="float"),
    Column(name="copied_50", type="float"),
    Column(name="copied_90", type="float"),
    Column(name="rebuilt", type="float", unit="share"),
)
_STATES: Final = ("copied_10", "copied_50", "copied_90", "rebuilt")


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "--load/--no-load", default=True, show_default=True, help="Set it in the graph, too; else RUN may be a folder."
)
@options_of(ResidualSettings)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@output_option
@server_options
def residuals(
    run: str | None, load: bool, device: Device, output: Output, server: ServerChoice, **settings: Any
) -> None:
    """Measure what vanishes into the next SAE's error, and what is only carried by the residual stream.

    The run's model and SAEs read its text again; RUN is the newest one where none is named. For each feature that
    nothing in the next SAE needs, how much of its activation is in that SAE's error along its decoder direction
    (recovered: 1 is all of it), beside random directions and features that are passed through. For each feature, how
    far its activation correlates with what its SAE makes of the residual stream of the layer before (copied: near 1 it
    is carried, near 0 the layer computes it). A pass that was stopped goes on with the same command.

    \b
    saedb residuals
    saedb residuals gpt2 --tokens 1000000 --device cuda
    saedb residuals ./runs/gpt2 --no-load
    """
    chosen = ResidualSettings(**settings)
    directory = _loaded(run, chosen, device, server) if load else _unloaded(run, chosen, device)
    _show(directory, output)
    name = directory.record.id
    steps = [f"saedb query recovered --run {name}", f"saedb query rebuilt --run {name}", f"saedb report {name}"]
    shown = steps if load else [f"saedb load {directory.path}"]
    click.echo("\n".join(["", "Next:", *(f"  {step}" for step in shown)]), err=True)


def _loaded(name: str | None, settings: ResidualSettings, device: Device, server: ServerChoice) -> "RunDirectory":
    """Return a run that the graph holds, after both have what was measured."""
    from saedb.cli.progress import progress_bars
    from saedb.cypher import properties
    from saedb.cypher.residuals import RESIDUALS
    from saedb.cypher.runs import any_directory
    from saedb.ingest.residuals import origin

    with server.connect() as connection:
        run = any_directory(connection, name)
        origin.check(run)
        with progress_bars() as report:
            properties.change(connection, run, RESIDUALS, lambda: _measure(run, settings, device, report), report)
    return run


def _unloaded(name: str | None, settings: ResidualSettings, device: Device) -> "RunDirectory":
    from saedb.cli.progress import progress_bars
    from saedb.cypher.runs import ready_directory
    from saedb.ingest.residuals import origin

    run = ready_directory(None, name)
    origin.check(run)
    with progress_bars() as report, run.writing():
        _measure(run, settings, device, report)
    return run


def _measure(run: "RunDirectory", settings: ResidualSettings, device: Device, report: "Report") -> None:
    """Write the tables of a run, whose lock is held, unless they are there."""
    from saedb.ingest.residuals import origin

    if origin.is_done(run, settings):
        return
    report("load libraries", 0, 1)
    from saedb.ingest.prompts.loading import loaded
    from saedb.ingest.residuals.stage import Residuals
    from saedb.ingest.stages import Stages

    report("load libraries", 1, 1)
    parts = loaded(run, device=device, report=report)
    Residuals(run, Stages(report), parts, settings).write()


def _show(run: "RunDirectory", output: Output) -> None:
    from saedb.ingest.residuals import summary

    recovery, copies = summary.recovery(run), summary.copies(run)
    if output != "table":
        rows = [{**row, **_of_pair(row, copies)} for row in recovery]
        states = [Column(name=f"{state}_{name}", type="float") for state in summary.STATES for name in _STATES]
        show(rows, [*_RECOVERY, *states], output)
        return
    record = run.record.residuals
    assert record is not None
    click.echo(f"In the error of the next SAE, medians over features, of {record.tokens:,} tokens:")
    show(recovery, [column for column in _RECOVERY if column.name in _SHOWN], output)
    click.echo("\nHow far the residual stream of the layer before already has features, by their state looking back:")
    show([row for row in copies if row["features"]], _COPIES, output)


def _of_pair(row: dict[str, Any], copies: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the copies of the downstream features of a pair, by state."""
    pair = row["sae"], row["next_sae"]
    own = (copy for copy in copies if (copy["previous_sae"], copy["sae"]) == pair)
    return {f"{copy['state']}_{name}": copy[name] for copy in own for name in _STATES}
