"""``saedb overlay``: an attribution graph of one prompt beside the edges of a run."""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cypher.query import Column

if TYPE_CHECKING:
    from saedb.cypher.overlay.compare import Overlay, Pair

_NODES: Final = {
    "in_run": "features that the run has",
    "no_layer": "features of layers of which the run has no SAE",
    "beyond_sae": "features whose index is beyond the width of the run's SAE",
    "not_in_run": "features that the run leaves out, as an import does without edges",
    "error": "errors of reconstruction",
    "embedding": "embeddings",
    "logit": "logits",
    "unreadable": "nodes that cannot be read",
}
_LINKS: Final = {
    "edge": "between SAEs that the run compares: edges of the run",
    "no_edge": "between SAEs that the run compares: no edges",
    "further": "further along the model than the run compares",
    "not_forward": "not along the model",
    "unmapped": "an end is a feature that the run does not have",
    "no_feature": "an end is no feature",
    "ambiguous": "an end's id belongs to two different nodes",
    "no_node": "an end's id belongs to no node",
}
_SHOWN: Final = {"edge": "edge", "no_edge": "none", "further": "further", "not_forward": "not forward"}
_MEASURES: Final = ("pearson", "necessity", "sufficiency")
"""What a table has space for, which leaves out the number of links, too; JSON and CSV have all."""
_COLUMNS: Final = (
    Column(name="source", type="feature"),
    Column(name="source_label", type="string"),
    Column(name="target", type="feature"),
    Column(name="target_label", type="string"),
    Column(name="weight", type="float"),
    Column(name="links", type="integer"),
    Column(name="in_run", type="string"),
)
_PATH: Final = Column(name="path", type="float")


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--run", help="The run to look in.  [default: the newest ready one]")
@click.option("--set", "set_", help="The run's family of SAEs onto which to map, where it has several.")
@click.option("--shift", type=int, default=0, show_default=True, help="Added to the file's layers to have the run's.")
@click.option("--any-model", is_flag=True, help="Take the file though it names another model than the run's.")
@click.option("--measure", help="Of the paths over several layers.  [default: pearson, where the run has it]")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Most rows of the table.")
@output_option
@server_options
def overlay(
    file: Path,
    run: str | None,
    set_: str | None,
    shift: int,
    any_model: bool,
    measure: str | None,
    limit: int,
    output: Output,
    server: ServerChoice,
) -> None:
    """Tell which edges of an attribution graph exist globally, and with which measures.

    FILE is the JSON of circuit-tracer or Neuronpedia: features and their attributions on one prompt. Its nodes are
    mapped onto the run's features by layer and index. That means something only where the run was computed with the
    SAEs or transcoders that the file is of, which only you can know: saedb says what the file tells of it.

    Links of one pair of features at several positions are one row, with the strongest weight. A table has the strongest
    rows; CSV all, with every measure; JSON the counts besides.

    \b
    saedb overlay dallas-austin.json
    saedb overlay dallas-austin.json --run gemma --set gemmascope-transcoder-16k
    saedb overlay dallas-austin.json --output json > overlay.json
    """
    from saedb.cypher.names import run_id
    from saedb.cypher.overlay.compare import overlay as compared

    with server.connect() as connection:
        found = compared(
            connection, file, run_id(connection, run), set_=set_, shift=shift, any_model=any_model, measure=measure
        )
    from saedb.cli.table import clean

    for note in found.notes:
        click.echo(f"Note: {clean(note)}.", err=True)
    if output == "json":
        _write_json(found)
    elif output == "csv":
        rows = [_row(pair, _all_measures()) for pair in found.pairs]
        show(
            rows, [*_COLUMNS, *_numbers(_all_measures()), _PATH], "csv", empty="No link is between features of the run."
        )
    else:
        _show_page(found, limit)


def _write_json(found: "Overlay") -> None:
    """Write an object, its pairs one a line: there may be a million."""
    head = {field.name: getattr(found, field.name) for field in fields(found) if field.name != "pairs"}
    sys.stdout.write(json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}") + ',\n "pairs": [')
    for number, pair in enumerate(found.pairs):
        row = {field.name: getattr(pair, field.name) for field in fields(pair)}
        sys.stdout.write((",\n  " if number else "\n  ") + json.dumps(row, ensure_ascii=False))
    sys.stdout.write("\n ]\n}\n")


def _show_page(found: "Overlay", limit: int) -> None:
    from saedb.cli.table import clean

    if found.prompt is not None:
        click.echo(f"prompt: {clean(found.prompt)}")
    click.echo(f"file of {clean(found.model or 'a model it does not name')}, beside run {found.run}, set {found.set}\n")
    _show_counts("nodes", found.nodes, _NODES)
    click.echo(f"{found.features:,} different features of the run\n")
    _show_counts("links", found.links, _LINKS)
    if found.looked_up:
        joined = sum(pair.path is not None for pair in found.pairs)
        floor = f"{found.measure} >= {found.minimum:g}"
        click.echo(f"of the {found.looked_up} strongest that go further, {joined} have a path of edges with {floor}")
    rows = [_row(pair, _MEASURES) for pair in found.pairs[:limit]]
    if rows:
        click.echo("")
        columns = [column for column in _COLUMNS if column.name != "links"]
        show(rows, [*columns, *_numbers(_MEASURES), *([_PATH] if found.looked_up else [])], "table")
    if len(found.pairs) > len(rows):
        click.echo(f"{len(rows):,} of {len(found.pairs):,} pairs shown; more with --limit.", err=True)


def _show_counts(what: str, counts: "Any", names: dict[str, str]) -> None:
    total = sum(counts.values())
    click.echo(f"{total:>9,} {what}")
    for fate, name in names.items():
        if counts.get(fate):
            click.echo(f"{counts[fate]:>9,}   {name}")


def _row(pair: "Pair", measures: tuple[str, ...]) -> dict[str, Any]:
    return {
        "source": pair.source,
        "source_label": pair.source_label,
        "target": pair.target,
        "target_label": pair.target_label,
        "weight": pair.weight,
        "links": pair.links,
        "in_run": _SHOWN[pair.fate],
        **{name: pair.measures.get(name) for name in measures},
        "path": pair.path,
    }


def _all_measures() -> tuple[str, ...]:
    from saedb.ingest.measures import MEASURES

    return tuple(measure.name for measure in MEASURES)


def _numbers(measures: tuple[str, ...]) -> list[Column]:
    integers = ("support", "support_docs")
    return [Column(name=name, type="integer" if name in integers else "float") for name in measures]
