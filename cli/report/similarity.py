"""The chapter on edges: how they spread over each measure, what chance gives, and labels of pairs at ten levels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from saedb.cli.report import figures
from saedb.cli.report.asked import AWAY, Asked
from saedb.cli.report.look import MUTED, styled
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.wording import short_id, words
from saedb.cypher import measured
from saedb.cypher.explore import spread
from saedb.cypher.explore.sampled import LEVELS, sampled
from saedb.ingest.measures import BY_NAME, MEASURES

_PER_LEVEL: Final = 3
"""Pairs of each level; the paper has two."""
_COLUMNS: Final = 3
_AT: Final = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
_ROUNDING: Final = 1e-9
"""Of the ends of ranges."""
_SHOWN: Final = tuple(measure for measure in MEASURES if not measure.integer)


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on edges."""
    rows = _bars(asked)
    heading = "Similarity of features"
    if rows.empty:
        return Chapter(anchor="similarity", heading=heading, text=(), note="The run has no edges.")
    text = "An edge joins a feature and one of a later layer; each measure says in its own way how alike they are."
    sections = (_distributions(rows), _chance(asked), _labels(asked))
    return Chapter(anchor="similarity", heading=heading, text=(text,), sections=sections)


def _bars(asked: Asked) -> pd.DataFrame:
    """Return how many edges from each SAE have a value in which range, for every measure that the run has."""
    rows: list[dict[str, object]] = []
    for done, of in enumerate(_SHOWN):
        asked.report("similarity", done, len(_SHOWN))
        for bar in spread.bars(asked.connection, asked.run, of):
            low, high = spread.bounds(of, bar.number)
            rows.append({"measure": of.name, "sae": bar.sae, "from": low, "to": high, "edges": bar.edges})
    asked.report("similarity", len(_SHOWN), len(_SHOWN))
    return pd.DataFrame(rows, columns=["measure", "sae", "from", "to", "edges"])


def _distributions(rows: pd.DataFrame) -> Section:
    meanings = "; ".join(
        f"{words(name)}: {BY_NAME[name].meaning}" for name in dict.fromkeys(rows["measure"].tolist())
    )  # fmt: skip
    text = (
        "How many edges have which value, a line for each layer from which they start; the number of edges is on a "
        "logarithmic scale. A pair is kept as an edge where one of the measures that select reaches the run's floor, "
        "so the others reach below it. Measures without an end are on a logarithmic scale, in steps of powers of two.",
        f"{meanings}.",
    )
    return Section(
        anchor="distributions", heading="Distributions", text=text, figure=_histograms(rows), tables=_reached(rows),
        data=rows,
    )  # fmt: skip


def _histograms(rows: pd.DataFrame) -> go.Figure:
    names = list(dict.fromkeys(rows["measure"].tolist()))
    saes = list(dict.fromkeys(rows["sae"].tolist()))
    colours = dict(zip(saes, figures.of_layers(len(saes)), strict=True))
    height = -(-len(names) // _COLUMNS)
    figure = make_subplots(
        height, _COLUMNS, subplot_titles=[_title(name) for name in names], horizontal_spacing=0.08,
        vertical_spacing=0.3 / height,
    )  # fmt: skip
    for place, name in enumerate(names):
        has_end = BY_NAME[name].high is not None
        row, column = place // _COLUMNS + 1, place % _COLUMNS + 1
        for sae, own in rows[rows["measure"] == name].groupby("sae", sort=False):
            middle = (own["from"] + own["to"]) / 2 if has_end else own["to"] / 2**0.5
            figure.add_scatter(
                x=middle, y=own["edges"], mode="lines+markers", marker={"size": 3}, name=figures.shown(str(sae)),
                line={"color": colours[str(sae)], "width": 1.4}, legendgroup=str(sae), showlegend=place == 0,
                customdata=np.column_stack([own["from"], own["to"]]), row=row, col=column,
                hovertemplate=f"from {figures.shown(str(sae))}<br>%{{customdata[0]:.4g}} to %{{customdata[1]:.4g}}: "
                "%{y:,} edges<extra></extra>",
            )  # fmt: skip
        scale: dict[str, Any] = {"type": "linear"} if has_end else {"type": "log", "tickformat": "~g", "dtick": 1}
        figure.update_xaxes(scale, row=row, col=column)
    figure.update_yaxes(type="log", dtick=1, tickformat=",")
    styled(figure, 90 + 230 * height).update_annotations(font={"size": 13, "color": MUTED})
    return figure.update_layout(legend={"y": -0.35 / (90 + 230 * height) * 200, "yanchor": "top"}, margin={"b": 90})


def _title(name: str) -> str:
    return f"{words(name)} ({BY_NAME[name].unit})"


def _reached(rows: pd.DataFrame) -> tuple[Table, ...]:
    """Return how many edges reach some values of each measure that ends at 1."""
    found: list[dict[str, object]] = []
    for name, own in rows.groupby("measure", sort=False):
        if BY_NAME[str(name)].high is not None:
            edges, lowest = own["edges"].to_numpy(), own["from"].to_numpy()
            counts = {f"from {value:g}": int(edges[lowest >= value - _ROUNDING].sum()) for value in _AT}
            found.append({"measure": words(str(name)), "edges with a value": int(edges.sum()), **counts})
    return (Table(title="Edges that reach a value", rows=pd.DataFrame(found)),) if found else ()


def _chance(asked: Asked) -> Section:
    text = (
        "On a sample of the text the later layer is rotated by whole contexts, so that every token meets the "
        "activations of another text at the same position: what is found then is chance. Its share of what is found "
        "on the text as it is is the rate of false edges, here by measure, for edges from a value on.",
    )
    section = Section(anchor="chance", heading="Edges by chance", text=text)
    record = asked.directory.record if asked.directory is not None else None
    if record is None or record.null is None:
        is_imported = record is not None and record.kind == "import"
        computed = "It was not computed; `saedb ingest` does, unless it is given `--null-tokens 0`."
        missing = "An imported run has no text to compute it from." if is_imported else computed
        return replace(section, note=AWAY if record is None else missing)
    null = record.null
    rows = [
        {"measure": words(name), "from": f"{value:g}", "found": null.found[name][i], "by chance": null.chance[name][i],
         "false per edge found": null.rates[name][i], "rate": _rate(null.rates[name][i])}
        for name in null.rates
        for i, value in enumerate(null.values)
    ]  # fmt: skip
    data = pd.DataFrame(rows)
    rates = data.pivot_table(index="measure", columns="from", values="rate", aggfunc="first", sort=False)
    title = f"False edges, of those found from a value on, on {null.tokens:,} tokens"
    table = Table(title=title, rows=pd.DataFrame(rates.reset_index()))
    return replace(section, tables=(table,), data=data.drop(columns="rate"))


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.2g}%"


def _labels(asked: Asked) -> Section:
    of = measured.named(asked.measure or measured.default(asked.connection, asked.run))
    text = (
        f"What the labels of two features say at each level of {words(of.name)}: up to {_PER_LEVEL} edges of each "
        f"level, drawn with the seed {asked.seed} from all layers, as tables 3 to 6 of the paper have them for "
        f"{LEVELS} levels of each measure. For another measure: `saedb report {asked.run} --measure jaccard`. Labels "
        "are short and may be wrong: unlike labels on a strong edge are no proof against it.",
    )
    found = sampled(asked.connection, asked.run, of, count=_PER_LEVEL, seed=asked.seed)
    section = Section(anchor="labels", heading="Labels at ten levels", text=text)
    if not found:
        return replace(section, note=f"No edge has a value of {words(of.name)} from 0 on.")
    data = _pairs(found)
    shown = data.drop(columns=["level", "to"]).rename(columns={"from": "level from", "value": words(of.name)})
    ids = {name: shown[name].map(short_id) for name in ("source", "target")}
    table = shown.assign(**ids, **{"level from": shown["level from"].map("{:g}".format)})
    heads = ["level from", words(of.name), "source", "source label", "target", "target label"]
    ordered = table.reindex(columns=heads)
    return replace(section, tables=(Table(title=f"Pairs by {words(of.name)}", rows=ordered),), data=data)


def _pairs(found: Sequence[tuple[int, spread.Edge]]) -> pd.DataFrame:
    rows = [
        {"level": level, "from": level / LEVELS, "to": (level + 1) / LEVELS, "value": edge.value, "source": edge.source,
         "source label": edge.source_label, "target": edge.target, "target label": edge.target_label}
        for level, edge in found
    ]  # fmt: skip
    return pd.DataFrame(rows)
