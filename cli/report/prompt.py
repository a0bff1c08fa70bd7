"""The chapter on a prompt: the features that a stored text activates, layer by layer, with their communities."""

import html
from typing import TYPE_CHECKING

import pandas as pd

from saedb.cli.drawing import colours, prompt_picture
from saedb.cli.report.asked import AWAY, Asked
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.table import clean, cut
from saedb.cli.wording import short_id
from saedb.cypher.promptview import PromptView, view
from saedb.ingest.prompts.stored import StoredPrompts

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from saedb.cli.drawing.picture import Picture

_LEGEND = 40
"""Characters of the label of a community."""


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on a stored prompt, which must be there; None: on the newest."""
    heading = "A prompt"
    if asked.directory is None:
        return Chapter(anchor="prompt", heading=heading, text=(), note=AWAY)
    stored = StoredPrompts.of(asked.directory)
    if asked.prompt is None and not stored.ids:
        return Chapter(anchor="prompt", heading=heading, text=(), note=_none(asked))
    prompt = stored.prompt(asked.prompt or stored.ids[-1], asked.run)
    text = f"What the text “{prompt.text}” activates. It is stored as `{prompt.id}`; others: `saedb prompt 'text'`."
    found = view(asked.directory, prompt, position=None)
    return Chapter(anchor="prompt", heading=heading, text=(text,), sections=(_drawn(asked, found),))


def _none(asked: Asked) -> str:
    if asked.directory is not None and asked.directory.record.kind == "import":
        return "An imported run has no SAEs that could read a text: `saedb ingest` computes runs that have."
    return f"No text was read yet. This does, and stores it: `saedb prompt 'The public debt is' --run {asked.run}`"


def _drawn(asked: Asked, found: PromptView) -> Section:
    text = (
        f"The {found.top} most active features of each layer on any token that counts, by the share of their largest "
        "activation in the run, which the size of a circle shows. Layers are rows, the first at the bottom; colours "
        f"are communities, grey where there is none; a line is an edge with {found.measure} of {found.floor:g} and "
        "more, and is the thicker the higher.",
    )
    heading = "Active features"
    if not found.features:
        note = "No feature is active on its tokens, by the run's thresholds."
        return Section(anchor="prompt-features", heading=heading, text=text, note=note)
    colour = colours.among(found.communities.get(feature.id) for feature in found.features)
    picture = prompt_picture.picture(found, _labels(asked), colour)
    figure = prompt_picture.drawn(picture, found, {feature.id: feature.id for feature in found.features})
    rows = pd.DataFrame(found.rows())
    shown = rows.assign(feature=rows["feature"].map(short_id), source=rows["source"].map(short_id, "ignore"))
    names = {"value": found.measure, "source": "strongest input"}
    table = Table(title="Features, and the strongest edge into each", rows=shown.rename(columns=names))
    return Section(
        anchor="prompt-features", heading=heading, text=text, figure=_named(figure, picture), tables=(table,), data=rows
    )  # fmt: skip


def _labels(asked: Asked) -> dict[int, str | None]:
    """Return the labels of the communities of the default partition, by number."""
    rows = asked.connection.read(
        "MATCH (p:Partition {run: $run, is_default: true}) MATCH (c:Community {run: $run, partition: p.id}) "
        "RETURN c.number AS number, c.label AS label",
        run=asked.run,
    )
    return {row["number"]: row["label"] for row in rows}


def _named(figure: "Figure", picture: "Picture") -> "Figure":
    """Return the figure with a legend of the communities that it shows most of."""
    figure.update_traces(showlegend=False)
    for number, label, colour, size in picture.legend:
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker={"color": colour, "size": 10}, showlegend=True,
            name=html.escape(cut(f"{number} {clean(label)}", _LEGEND)) + f" ({size:,})", hoverinfo="skip",
        )  # fmt: skip
    lines = -(-len(picture.legend) // 3)
    return figure.update_layout(
        showlegend=bool(picture.legend),
        legend={"y": -0.02, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        height=figure.layout.height + 26 * lines,
        margin={"b": 8 + 26 * lines},
    )
