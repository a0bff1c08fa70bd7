"""The chapter on figure 3 of the paper: what is passed through, appears and disappears, and by which threshold."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from saedb.cli.drawing import flow as drawing
from saedb.cli.report import figures, paper
from saedb.cli.report.asked import Asked
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cypher.explore import flow
from saedb.cypher.explore.flow import Layer

THRESHOLDS: Final = tuple(round(0.05 * number, 2) for number in range(2, 20))
"""From the least correlation that is an edge by default, 0.1, to that of the paper's figure."""
LISTED: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_COLUMNS: Final = (
    "sae", "features", "dead", "rare", "passed_in", "transformed_in", "appearing", "passed_on", "transformed",
    "disappearing",
)  # fmt: skip
_MISSED: Final = (
    "Features are compared on the same token. A feature that attention moves to another position looks as if it "
    "disappeared, and its receiver as if it appeared."
)


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on what becomes of the features of each layer."""
    heading = "What is passed on, what appears, what disappears"
    found = _layers(asked, asked.passed, asked.vanishing)
    if all(layer.appearing is None and layer.disappearing is None for layer in found):
        note = (
            "Not known: this run has no Pearson correlations. `saedb ingest` computes them, with every other measure."
        )
        return Chapter(anchor="flow", heading=heading, text=(), note=note)
    text = f"Figure 3 of the paper, for this run. {_MISSED}"
    return Chapter(anchor="flow", heading=heading, text=(text,), sections=(_states(asked, found), _thresholds(asked)))


def _layers(asked: Asked, passed: float, vanishing: float) -> tuple[Layer, ...]:
    return flow.layers(asked.connection, asked.run, passed=passed, vanishing=vanishing, dead_and_rare=False)


def _states(asked: Asked, found: Sequence[Layer]) -> Section:
    text = (
        "A feature is passed on where its best Pearson correlation with a feature of the next layer reaches "
        f"{asked.passed:g}, disappears where it is below {asked.vanishing:g}, and is transformed in between; looking "
        "back, it is passed in, appears or is transformed. The paper knows two states at 0.95, and counts dead "
        "features among them; here what never fires (dead), or too seldom for an edge (rare), is apart.",
        "A bar is a layer, as high as it has features. A band is as wide at each end as there are features of that "
        "layer: one feature may be carried by several, or carry several.",
    )
    bands = drawing.bands(found)
    figure = drawing.drawn(bands, [None] * len(bands))
    rows = pd.DataFrame([[getattr(layer, name) for name in _COLUMNS] for layer in found], columns=list(_COLUMNS))
    counts = rows.astype(dict.fromkeys(_COLUMNS[1:], "Int64"))
    table = counts.rename(columns=lambda name: name.replace("_", " ")).dropna(axis="columns", how="all")
    return Section(
        anchor="states", heading="States", text=text, figure=figure,
        tables=(Table(title="Features by state", rows=table),), data=counts,
    )  # fmt: skip


def _thresholds(asked: Asked) -> Section:
    text = (
        "How many features appear and disappear depends on the threshold from which on two features count as the "
        "same. Lines show the share of features, dead and rare ones left out, whose best correlation with the "
        "neighbouring layer is below it; the dashed line is all layers together. Where lines are steep, a small "
        "change of the threshold changes the picture; there is no threshold at which the split into two states is "
        "natural unless they are flat somewhere.",
        "In the table the column with dead and rare features counts as the paper does; beside it stands what its "
        f"authors found in {paper.NAME}, for the thresholds at which they drew it. Lower correlations than "
        f"{asked.floor:g} make no edge in this run, so the curves begin there.",
    )
    shares = _shares(asked)
    panels = [(name, _wide(shares, name)) for name in ("disappearing", "appearing")]
    shown = [(name, rows) for name, rows in panels if len(rows.columns) > 1]
    return Section(
        anchor="thresholds",
        heading="At other thresholds",
        text=text,
        figure=figures.lines(shown, "threshold", "share of features"),
        tables=(Table(title="Share of features without a counterpart, all layers", rows=_listed(shares)),),
        data=shares,
    )


def _shares(asked: Asked) -> pd.DataFrame:
    """Return how many features of each layer have no counterpart, by threshold and direction.

    What is dead or rare has no edge, so with it counted it has no counterpart at any threshold.
    """
    rows: list[dict[str, str | float | int]] = []
    thresholds = [threshold for threshold in THRESHOLDS if threshold >= asked.floor]
    for done, threshold in enumerate(thresholds):
        asked.report("flow", done, len(thresholds))
        for layer in _layers(asked, threshold, threshold):
            silent = (layer.dead or 0) + (layer.rare or 0)
            for name, count in (("disappearing", layer.disappearing), ("appearing", layer.appearing)):
                if count is not None:
                    row = {"direction": name, "threshold": threshold, "sae": layer.sae, "without counterpart": count,
                           "compared": layer.features - silent, "dead or rare": silent}  # fmt: skip
                    rows.append(row)
    asked.report("flow", len(thresholds), len(thresholds))
    return pd.DataFrame(rows)


def _wide(shares: pd.DataFrame, direction: str) -> pd.DataFrame:
    """Return the shares of one direction, a row a threshold and a column a layer, and one of all."""
    own = shares[shares["direction"] == direction]
    if own.empty:
        return pd.DataFrame({"threshold": THRESHOLDS})
    counts = own.pivot_table(index="threshold", columns="sae", values=["without counterpart", "compared"], sort=False)
    found = counts["without counterpart"] / counts["compared"].replace(0, np.nan)
    found["all"] = counts["without counterpart"].sum(axis=1) / counts["compared"].sum(axis=1).replace(0, np.nan)
    return found.reset_index()


def _listed(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of all layers at some thresholds, with the paper's."""
    rows: list[dict[str, str | None]] = []
    for threshold in (each for each in LISTED if each >= min(shares["threshold"].tolist())):
        row: dict[str, str | None] = {"threshold": f"{threshold:g}"}
        for direction in ("disappearing", "appearing"):
            own = shares[(shares["direction"] == direction) & (shares["threshold"] == threshold)]
            lost, compared, silent = (
                sum(own[name].tolist()) for name in ("without counterpart", "compared", "dead or rare")
            )  # fmt: skip
            row[direction] = _share(lost, compared)
            row[f"{direction}, with dead and rare"] = _share(lost + silent, compared + silent)
            row[f"{direction}, {paper.NAME} (paper)"] = paper.vanishing(threshold, appearing=direction == "appearing")
        rows.append(row)
    return pd.DataFrame(rows)


def _share(count: int, of: int) -> str | None:
    return f"{count / of:.1%}" if of else None
