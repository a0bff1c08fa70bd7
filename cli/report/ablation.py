"""The chapter of a report on ablations: effect against similarity, beside what the paper found for GPT-2."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from saedb.cli.report import paper
from saedb.cli.report.look import BLUE, MARKER, MUTED, ORANGE, styled
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.wording import short_id, words
from saedb.cypher.runs import same_directory
from saedb.ingest import tables
from saedb.ingest.causal.choosing import BINS
from saedb.ingest.causal.summary import CHANCE, DOCUMENTS, by_tenth, clear, of_one_kind, ranked
from saedb.ingest.measures import SELECTING
from saedb.ingest.rundir import EFFECTS_FILE

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
    "effect_documents": "documents",
    "effect_controls": "controls",
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
    kind, of_kind = _kind(graph, run)
    if of_kind is not None:
        found = {name: rows.merge(of_kind, on=["source", "target"]) for name, rows in found.items()}
    sections = (_similarity(found, kind), _strongest(found[SELECTING[0].name], run))
    return Chapter(anchor="ablation", heading="Ablation", text=(text,), sections=sections)


def _kind(graph: "Graph", run: str) -> tuple[str, pd.DataFrame | None]:
    """Return in words which effects are shown, and their ends; None where that is not known: all of them."""
    directory = same_directory(graph.connection, run)
    if directory is None:
        return (
            "The run directory, which knows by what settings each effect was found, is not on this machine as it was "
            "loaded: effects of different settings stand together here."
        ), None
    effects = directory.read(tables.EFFECTS, EFFECTS_FILE).to_pandas()
    shown = of_one_kind(effects)
    others = int(effects["effect"].notna().sum()) - len(shown)
    left_out = f"{others:,} effects of other settings are left out" if others else "there are no others"
    direction = shown["effect_direction"].iloc[0]
    text = f"All effects are by the same settings, with the direction `{direction}`; {left_out}."
    return text, shown.filter(["source", "target"])


def _similarity(found: dict[str, pd.DataFrame], kind: str) -> Section:
    positive = {name: rows.query("value >= 0") for name, rows in found.items()}
    known = {name: rows for name, rows in positive.items() if len(rows)}
    tenths = {name: _tenths(name, rows) for name, rows in known.items()}
    name = next(iter(known))
    edges, judged = len(known[name]), known[name].dropna(subset=["z"])
    above = clear(judged["z"], judged["documents"], judged["controls"])
    points = f"one of {edges:,} edges" if edges <= _DRAWN else f"of a sample of {_DRAWN:,} of {edges:,} edges"
    share = f"{above.mean():.0%} have" if len(above) else "none has"
    text = (
        f"Each point is {points} with a {name} of 0 and more; a line joins the means of the tenths, the dotted one "
        f"those of the controls. Of {len(above):,} edges whose error is known, {share} an effect that is above that "
        f"of their control by more than chance: Student's t, p below {CHANCE:g} on one side, with one degree of "
        "freedom less than there are documents or controls, whichever are fewer; it takes effect and control for "
        "independent, though they share contexts. Where the edges are a sample over the whole range of one measure, "
        "the tenths of that one are a fair picture, but for edges that were named; the others are of the same edges.",
        kind,
        "Change is the mean loss in units of activation, on tokens with both active; paper, on all tokens on which the "
        "downstream feature is above 0.01 of its maximum, which is what arXiv 2410.08869 measured. The last column is "
        "its result for GPT-2 small, whose activations are of another size: compare how it grows, not how large it is. "
        "The table that its authors published kept only the last pair of each upstream feature.",
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
    names = {"clear": "above control", "gpt2": "paper, GPT-2"}
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
    columns = ["source", "source_label", "target", "target_label", "value", "effect", "se", "control"]
    columns += ["tokens", "documents"]
    some = found.loc[ranked(found["se"], found["documents"])]
    listed = some.filter(columns).rename(columns={"value": "pearson", **{name: words(name) for name in columns[1:4]}})
    listed = listed.assign(**{end: [short_id(feature) for feature in listed[end]] for end in ("source", "target")})
    met = listed.query("pearson >= 0.5").sort_values("effect").head(10)
    tables = [Table(title="Of the largest effect", rows=listed.head(10))]
    if len(met):
        tables.append(Table(title="Of the smallest effect, with a Pearson correlation of 0.5 and more", rows=met))
    return Section(
        anchor="causes",
        heading="Edges that cause, and edges that only meet",
        text=(
            f"Of effects whose error is known, over {DOCUMENTS} documents and more. All of them: `saedb query causal "
            f"--run {run}`.",
        ),
        tables=tuple(tables),
        data=found,
    )
