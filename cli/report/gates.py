"""The chapter on gates: how many there are and would be by chance, and the best with their truth tables."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from saedb.cli.gate_text import truth_table
from saedb.cli.motifs import gate_counts
from saedb.cli.paper_gates import candidates
from saedb.cli.report import figures
from saedb.cli.report.asked import AWAY, Asked
from saedb.cli.report.look import PARTLY, styled
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.wording import short_id
from saedb.ingest.motifs.settings import KINDS

_LISTED: Final = 10
"""Gates of each kind that are listed and drawn."""
_ALL: Final = 1000
"""Gates of each kind in the CSV."""
_COMBINATIONS: Final = ("neither", "only second", "only first", "both")
_LABEL: Final = 26


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on gates."""
    text = (
        "A gate predicts when its output, a feature of the next layer, is active: an AND by all of its inputs, an OR "
        "by any of them, an AND NOT by the first without the second. It is chosen on one half of the documents and "
        "scored on the other. F1 is the harmonic mean of precision and recall of that prediction; gain is what F1 has "
        "above the best gate of fewer inputs, so that twins, or a companion of a feature passed through, make no gate."
    )
    found = {kind: asked.rows("gates", kind=kind, limit=_ALL) for kind in KINDS}
    sections = (_counts(asked, found), *((_tables(found),) if any(found.values()) else ()))
    return Chapter(anchor="gates", heading="Gates", text=(text,), sections=sections)


def _counts(asked: Asked, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Section:
    record = asked.directory.record.gates if asked.directory is not None else None
    text = (
        "By chance are the gates that are found with one input rotated by whole contexts, so that it meets the "
        "activations of another text; over those kept it is the rate of false ones.",
        "By the paper's rule (its table 2) a gate is a feature of which exactly two inputs have a necessity (AND) or a "
        "sufficiency (OR) of 0.999. It looks at one side only: of its candidates few are gates by their truth tables. "
        "Counted here are features that do not depend on the position and meet their inputs on ten tokens at least; "
        "`saedb query and-gates --preset paper` has no such limits.",
    )
    papers = _by_paper(asked)
    listed = [Table(title="Candidates by the paper's rule", rows=papers)]
    note = None
    counts = pd.DataFrame()
    if record is not None:
        counts = pd.DataFrame(gate_counts(record)).rename(
            columns={"by_chance": "by chance", "false_per_kept": "false per gate kept"}
        )
        listed.insert(0, Table(title="Gates by their truth tables", rows=counts))
    elif not any(found.values()):
        note = _not_tested(asked)
    else:
        note = AWAY
    return Section(
        anchor="gate-counts", heading="How many", text=text, note=note, tables=tuple(listed),
        data=pd.concat([counts.assign(rule="truth table"), papers.assign(rule="paper")], ignore_index=True),
    )  # fmt: skip


def _not_tested(asked: Asked) -> str:
    is_imported = asked.directory is not None and asked.directory.record.kind == "import"
    if is_imported:
        return "An imported run has no tokens on which gates could be tested: `saedb ingest` computes runs that have."
    return f"Gates were not looked for. This does: `saedb gates {asked.run}`"


def _by_paper(asked: Asked) -> pd.DataFrame:
    """Return how many candidates the paper's rule has, and how many of these are gates."""
    found = [row for kind in KINDS for row in candidates(asked.graph, asked.run, kind)]
    return pd.DataFrame(
        [{**row, "threshold": f"{row['threshold']:g}"} for row in found],
        columns=["kind", "threshold", "candidates", "kept"],
    ).rename(columns={"kept": "of these kept"})


def _tables(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Section:
    text = (
        "The figure has the gates of two inputs with the largest gain, kind by kind. A cell is a combination of the "
        "inputs, and its colour how often the output is active there: an AND is dark in the last column alone, an OR "
        "in the last three, an AND NOT in the third. In it are the tokens with that combination, and of these those "
        "with the output active: 192/15.",
        "The lists have gates of three inputs, too.",
    )
    drawn = [(kind, gate) for kind in KINDS for gate in _of_two(found[kind])]
    tables = tuple(
        Table(title=f"The best {kind.replace('_', ' ')} gates", rows=_listed(gates[:_LISTED]))
        for kind, gates in found.items()
        if gates
    )
    return Section(
        anchor="gate-tables",
        heading="Truth tables",
        text=text,
        figure=_heat_map(drawn) if drawn else None,
        tables=tables,
        data=pd.DataFrame([_flat(kind, gate) for kind, gates in found.items() for gate in gates]),
    )


def _of_two(gates: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [gate for gate in gates if len(gate["inputs"]) == 2][:_LISTED]


def _heat_map(drawn: Sequence[tuple[str, Mapping[str, Any]]]) -> go.Figure:
    """Return the share of tokens with the output active, a row a gate and a column a combination of inputs."""
    tokens, active = (np.array([gate[name] for _, gate in drawn], float) for name in ("tokens", "active"))
    shares = np.divide(active, tokens, out=np.full_like(active, np.nan), where=tokens > 0)
    texts = [[f"{t:,.0f}/{a:,.0f}" for a, t in zip(*row, strict=True)] for row in zip(active, tokens, strict=True)]
    rows = list(range(len(drawn)))
    figure = go.Figure()
    figure.add_heatmap(
        x=list(_COMBINATIONS), y=rows, z=shares, zmin=0, zmax=1, colorscale=PARTLY, xgap=2, ygap=2, hoverongaps=False,
        text=texts, texttemplate="%{text}", textfont={"size": 11},
        customdata=[[_named(*each)] * len(_COMBINATIONS) for each in drawn],
        colorbar={"title": {"text": "output active", "font": {"size": 13}}, "tickformat": ".0%", "thickness": 12,
                  "len": 0.6},
        hovertemplate="%{customdata}<br>%{x}: %{text} tokens, %{z:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(type="category", side="top", showgrid=False, showline=False, ticks="")
    figure.update_yaxes(tickvals=rows, ticktext=[_named(*each) for each in drawn], range=[len(rows) - 0.5, -0.5],
                        showgrid=False, showline=False, ticks="", ticklabelstandoff=6)  # fmt: skip
    return styled(figure, 90 + 24 * len(rows)).update_layout(margin={"t": 50, "b": 16})


def _named(kind: str, gate: Mapping[str, Any]) -> str:
    first, second = (figures.shown(label or "no label", _LABEL // 2) for label in gate["input_labels"])
    output = figures.shown(gate["label"] or "no label", _LABEL // 2)
    return f"{first} <b>{kind.replace('_', ' ')}</b> {second} → {output}"


def _listed(gates: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "output": short_id(gate["output"]),
            "label": gate["label"],
            "inputs": "; ".join(_input(*each) for each in zip(gate["inputs"], gate["input_labels"], strict=True)),
            "tokens/with output": ", ".join(truth_table(gate["tokens"], gate["active"])),
            "F1": gate["f1"],
            "F1 where chosen": gate["f1_chosen"],
            "gain": gate["gain"],
        }
        for gate in gates
    ]
    return pd.DataFrame(rows)


def _input(id_: str, label: str | None) -> str:
    return f"{short_id(id_)} {label or 'no label'}"


def _flat(kind: str, gate: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gate as one row, each count in a column of its own."""
    scores = {name: gate[name] for name in ("precision", "recall", "f1", "gain", "f1_chosen", "support")}
    ends = {
        "output": gate["output"],
        "label": gate["label"],
        "inputs": ";".join(gate["inputs"]),
        "input_labels": "; ".join(label or "" for label in gate["input_labels"]),
    }
    return {"kind": kind, **ends, **scores, **dict(_columns(gate))}


def _columns(gate: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    combinations = ["".join(each) for each in product("01", repeat=len(gate["inputs"]))]
    for name in ("tokens", "active"):
        yield from ((f"{name}_{on}", count) for on, count in zip(combinations, gate[name], strict=True))
