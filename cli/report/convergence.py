"""The chapter on convergence: how far the measures of an edge are apart in the two halves of the documents."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from saedb.cli.report.asked import Asked
from saedb.cli.report.look import BLUE, MUTED, ORANGE, styled
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.wording import words
from saedb.cypher.explore.halves import LEVELS, Moved, moved


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on split halves."""
    heading = "Convergence"
    found = moved(asked.connection, asked.run)
    if not found:
        note = "The halves of the text were not counted apart. A run that does: `saedb ingest ... --split-half`"
        return Chapter(anchor="convergence", heading=heading, text=(), note=note)
    text = "Whether there was text enough: numbers that differ between two halves of the documents are not settled."
    return Chapter(anchor="convergence", heading=heading, text=(text,), sections=(_halves(found),))


def _halves(found: Sequence[Moved]) -> Section:
    text = (
        "Each measure was counted on both halves of the documents apart. The lines show how far the two values of an "
        "edge are apart, by the level of the measure on the whole text: blue half of the edges stay below it, orange "
        "nine of ten do. The difference of two halves is about twice the error of the whole: values settle with more "
        "tokens.",
    )
    rows = pd.DataFrame(
        {
            "measure": [each.measure for each in found],
            "from": [each.level / LEVELS for each in found],
            "to": [(each.level + 1) / LEVELS for each in found],
            "edges": [each.edges for each in found],
            "half of the edges within": [each.median for each in found],
            "nine of ten within": [each.high for each in found],
        }
    )
    shown = rows.assign(measure=rows["measure"].map(words), **{"from": rows["from"].map("{:g}".format)})
    table = Table(title="Distance between the halves", rows=shown.drop(columns="to"))
    return Section(
        anchor="halves", heading="Split halves", text=text, figure=_figure(rows), tables=(table,), data=rows
    )  # fmt: skip


def _figure(rows: pd.DataFrame) -> go.Figure:
    names = list(dict.fromkeys(rows["measure"].tolist()))
    columns = min(len(names), 3)
    height = -(-len(names) // columns)
    figure = make_subplots(
        height, columns, subplot_titles=[words(name) for name in names], shared_yaxes=True, horizontal_spacing=0.05,
        vertical_spacing=0.25 / height,
    )  # fmt: skip
    lines = (("nine of ten within", ORANGE, "circle-open"), ("half of the edges within", BLUE, "circle"))
    for place, name in enumerate(names):
        own = rows[rows["measure"] == name]
        for column, colour, symbol in lines:
            figure.add_scatter(
                x=(own["from"] + own["to"]) / 2, y=own[column], mode="lines+markers", name=column, legendgroup=column,
                line={"color": colour}, marker={"symbol": symbol, "size": 7}, showlegend=place == 0,
                customdata=own["edges"], row=place // columns + 1, col=place % columns + 1,
                hovertemplate=f"{words(name)} %{{x:.2f}}<br>{column} %{{y:.3f}}<br>%{{customdata:,}} edges"
                "<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title_text="distance", col=1)
    styled(figure, 100 + 220 * height).update_annotations(font={"size": 13, "color": MUTED})
    return figure.update_layout(legend={"y": -0.12, "yanchor": "top"}, margin={"b": 80})
