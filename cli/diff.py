"""``saedb diff``: what changed from one run to another."""

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import columns_of, show
from saedb.cypher.defaults import DIFF_LIMIT, DIFF_MEASURE, DIFF_THRESHOLD
from saedb.cypher.frames import records

if TYPE_CHECKING:
    from saedb.cypher.difference import Difference

_IDS: Final = ("source", "target", "feature")
_TITLES: Final = {
    "features": "Features by SAE, in {a} only, in {b} only, in both",
    "edges": "Edges with {measure} >= {threshold:g}, and what the other run has",
    "kept": "Strongest kept ({measure} in a = {a}, b = {b})",
    "lost": "Strongest lost: in {a}, not in {b}",
    "gained": "Strongest gained: in {b}, not in {a}",
    "measures": "Moves of the measures on edges of both, of which one counts (over tenth: moved by more than 0.1)",
    "moved": "Moved most in {measure}",
    "states": "Features whose state changed",
    "changed": "Some of them",
}
"""The tables in the order of the page, with what stands above each."""


@click.command()
@click.argument("run_a", metavar="A")
@click.argument("run_b", metavar="B")
@click.option("--measure", default=DIFF_MEASURE, show_default=True, help="What makes an edge count.")
@click.option("--threshold", default=DIFF_THRESHOLD, show_default=True, help="Lowest value of an edge that counts.")
@click.option(
    "--limit", type=click.IntRange(1), default=DIFF_LIMIT, show_default=True, help="Examples of each kind of change."
)
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Tables for people, or a JSON object.",
)
@server_options
def diff(
    run_a: str,
    run_b: str,
    measure: str,
    threshold: float,
    limit: int,
    output: Literal["table", "json"],
    server: ServerChoice,
) -> None:
    """Compare two runs by feature id: what B gained, lost and changed against A.

    Edges are compared where both runs compared their SAEs. Settings of the two runs that make a comparison mean less
    are named first.

    \b
    saedb diff gpt2-100k gpt2-1m
    saedb diff gpt2-100k gpt2-1m --measure jaccard --threshold 0.5
    saedb diff gpt2-100k gpt2-1m --output json
    """
    from saedb.cli.progress import progress_bars
    from saedb.cypher.diff import diff as compared

    with server.connect() as connection, progress_bars() as report:
        found = compared(connection, run_a, run_b, measure=measure, threshold=threshold, limit=limit, report=report)
    if output == "json":
        click.echo(json.dumps(_object(found), indent=1, ensure_ascii=False))
        return
    for warning in found.warnings:
        click.echo(f"Warning: {warning}", err=True)
    _show_page(found)


def _show_page(found: "Difference") -> None:
    """Write the tables that have rows, each under its title."""
    named = {"a": found.a, "b": found.b, "measure": found.measure, "threshold": found.threshold}
    shown = ((title, records(getattr(found, name))) for name, title in _TITLES.items())
    pages = ((title, _summed(rows) if "sae" in rows[0] else rows) for title, rows in shown if rows)
    for number, (title, rows) in enumerate(pages):
        click.echo(("\n" if number else "") + title.format(**named))
        show(rows, columns_of(rows), "table")


def _object(found: "Difference") -> dict[str, Any]:
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return {name: records(value) if name in _TITLES else value for name, value in values.items()}


def _summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the counts of all SAEs together, and of those of which a run lacks features."""
    total = {name: sum(row[name] for row in rows) for name in rows[0] if name != "sae"}
    return [{"sae": "all", **total}, *(row for row in rows if row["only_a"] or row["only_b"])]
