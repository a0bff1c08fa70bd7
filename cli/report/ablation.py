"""The chapter of a report on ablations: effect against similarity, beside what the paper found for GPT-2."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from saedb.cli.report import paper
from saedb.cli.report.look import BLUE, MARKER, MUTED, ORANGE, styled
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.wording import short_id, words
from saedb.ingest.causal.choosing import BINS
from saedb.ingest.causal.summary import CLEAR, by_tenth
from saedb.ingest.measures import SELECTING

if TYPE_CHECKING:
    from saedb.cypher.graph import Graph

_ALL: Final = 1_000_000
_DRAWN: Final = 3000
"""Points that the figure shows at most."""
_COLUMNS: Final = {
    "effect": "effect",
    "effect_control": "control",
    "effect_z": "z",
    "effect_change": "change",
    "effect_paper": "paper",
}
"""Columns of the run's table, by those of the query ``causal``."""


def chapter(graph: "Graph", run: str) -> Chapter:
    """Return the chapter on the effects of a run's edges, or on how they are found where there are none."""
    found = {m.name: graph.query("causal", run=run, measure=m.name, positional=True, limit=_ALL) for m in SELECTING}
    first = next(iter(found.values()))
    text = (
        "A measure says that two features are active together, and not that the one makes the other so. Here the "
        "upstream feature was taken out of the model, and the downstream one was looked at again. An effect of 1 means "
        "that all of its activation was lost, on tokens with both active; 0, that nothing was. The control is the same "
        "for features as dense that the upstream one has no edge to."
    )
    if first.empty:
        note = f"No edge of this run was tried. This does: `saedb ablate {run}`"
        none = Section(anchor="effects", heading="Effect against similarity", text=(), note=note)
        return Chapter(anchor="ablation", heading="Ablation", text=(text,), sections=(none,))
    sections = (_similarity(found), _strongest(first, run))
    return Chapter(anchor="ablation", heading="Ablation", text=(text,), sections=sections)


def _similarity(found: dict[str, pd.DataFrame]) -> Section:
    known = {name: rows for name, rows in found.items() if bool(rows["value"].notna().any())}
    tenths = {name: _tenths(name, rows) for name, rows in known.items()}
    name, first = next(iter(tenths.items()))
    edges, clear = sum(first["edges"].tolist()), known[name]["z"].dropna().to_numpy() >= CLEAR
    text = (
        f"Each point is one of {edges:,} edges; a line joins the means of the tenths, the dotted one those of the "
        f"controls. Of {len(clear):,} edges whose error is known, {clear.mean():.0%} have an effect that is at least "
        f"{CLEAR:g} standard errors above that of their control. Where the edges are a "
        "sample over the whole range of one measure, the tenths of that one are a fair picture; the others are "
        "of the same edges.",
        "Change is the mean loss in units of activation, on tokens with both active; paper, on all tokens on which the "
        "downstream feature is above 0.01 of its maximum, which is what arXiv 2410.08869 measured. The last column is "
        "its result for GPT-2 small, whose activations are of another size: compare how it grows, not how large it is.",
    )
    return Section(
        anchor="effects",
        heading="Effect against similarity",
        text=text,
        figure=_figure(known, tenths),
        tables=tuple(Table(title=f"By {of}", rows=_shown(rows)) for of, rows in tenths.items()),
        data=pd.concat([rows.assign(measure=of) for of, rows in tenths.items()]),
    )


def _tenths(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    table = rows.rename(columns={ours: theirs for theirs, ours in _COLUMNS.items()} | {"value": name})
    tenths = by_tenth(table, name)
    place = (tenths["from"].to_numpy() * BINS).round().astype(int)
    return tenths.assign(gpt2=pd.array([paper.EFFECTS[name][p] for p in place], "Float64"))


def _shown(tenths: pd.DataFrame) -> pd.DataFrame:
    names = {"clear": f"above control by {CLEAR:g} se", "gpt2": "paper, GPT-2"}
    return tenths.rename(columns=names)


def _figure(known: dict[str, pd.DataFrame], tenths: dict[str, pd.DataFrame]) -> go.Figure:
    from plotly.subplots import make_subplots

    figure = make_subplots(
        -(-len(known) // 2), min(len(known), 2), subplot_titles=list(known), shared_yaxes=True,
        horizontal_spacing=0.05, vertical_spacing=0.16,
    )  # fmt: skip
    for place, (name, rows) in enumerate(known.items()):
        where: dict[str, Any] = {"row": place // 2 + 1, "col": place % 2 + 1}
        shown = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _DRAWN)).astype(int))]
        middle = (tenths[name]["from"] + tenths[name]["to"]) / 2
        figure.add_scatter(
            x=shown["value"], y=shown["effect"], mode="markers",
            marker={**MARKER, "size": 5, "color": MUTED, "opacity": 0.5},
            customdata=shown[["source", "target", "se"]], name="edge", showlegend=place == 0, **where,
            hovertemplate="%{customdata[0]} to<br>%{customdata[1]}<br>" + name
            + " %{x:.3f}, effect %{y:.3f} ± %{customdata[2]:.3f}<extra></extra>",
        )  # fmt: skip
        for column, colour, dash in (("effect", BLUE, "solid"), ("control", ORANGE, "dot")):
            figure.add_scatter(
                x=middle, y=tenths[name][column], mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                name=f"mean {column}", showlegend=place == 0, marker={**MARKER, "color": colour}, **where,
                hovertemplate=f"mean {column} of the tenth %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(title_text="effect (share)", col=1)
    return styled(figure, 320 * -(-len(known) // 2))


def _strongest(found: pd.DataFrame, run: str) -> Section:
    columns = ["source", "source_label", "target", "target_label", "value", "effect", "se", "control", "tokens"]
    listed = found.filter(columns).rename(columns={"value": "pearson", **{name: words(name) for name in columns[1:4]}})
    listed = listed.assign(**{end: [short_id(feature) for feature in listed[end]] for end in ("source", "target")})
    met = listed.query("pearson >= 0.5").sort_values("effect").head(10)
    tables = [Table(title="Of the largest effect", rows=listed.head(10))]
    if len(met):
        tables.append(Table(title="Of the smallest effect, with a Pearson correlation of 0.5 and more", rows=met))
    return Section(
        anchor="causes",
        heading="Edges that cause, and edges that only meet",
        text=(f"All of them: `saedb query causal --run {run}`.",),
        tables=tuple(tables),
        data=found,
    )
