"""An example of a motif as a drawing, with the numbers that it shows."""

from dataclasses import replace
from typing import Any, Final

import pandas as pd

from saedb.cli.drawing import colours
from saedb.cli.drawing.picture import laid_out
from saedb.cli.drawing.svg import part
from saedb.cli.report.asked import Asked
from saedb.cli.report.examples import Example
from saedb.cli.report.page import Drawing
from saedb.cypher.explore import Scope, Start, Subgraph, read

_APART: Final = 176.0
_BETWEEN: Final = 92.0
_NARROWEST: Final = 300.0
_COLUMNS: Final = ("source", "source_label", "target", "target_label", "measure", "value")


def drawn(asked: Asked, example: Example) -> tuple[Drawing, pd.DataFrame]:
    """Return an example with its features in layers, and its edges as rows; a feature without any has a row, too."""
    start = Start(kind="path", value=",".join(example.features))
    scope = Scope(
        run=asked.run, start=start, measure=example.measure, floor=example.floor, partition=asked.partition
    )  # fmt: skip
    found = read(asked.connection, scope)
    nodes = tuple(replace(node, role="start" if node.id in example.focus else None) for node in found.nodes)
    shown = replace(found, nodes=nodes)
    colour = colours.among(node.community for node in nodes)
    picture = laid_out(shown, colour, apart=_APART, between_rows=_BETWEEN)
    return Drawing(svg=part(picture, narrowest=_NARROWEST, values=True), caption=example.caption), _numbers(shown)


def _numbers(found: Subgraph) -> pd.DataFrame:
    labels = {node.id: node.label for node in found.nodes}
    measure = found.scope.measure
    rows: list[tuple[Any, ...]] = [
        (edge.source, labels[edge.source], edge.target, labels[edge.target], measure, edge.measures[measure])
        for edge in found.edges
    ]
    tied = {end for edge in found.edges for end in (edge.source, edge.target)}
    rows += [(node.id, node.label, None, None, measure, None) for node in found.nodes if node.id not in tied]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"value": float})
