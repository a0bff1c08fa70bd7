"""The chapter on residual streams: what of vanished features is in the next SAE's error, and what is only carried."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from saedb.cli.report import paper
from saedb.cli.report import residual_figures as figures
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cli.wording import words
from saedb.cypher.runs import same_directory
from saedb.ingest.residuals import summary
from saedb.ingest.rundir import HEATMAPS_FILE, RunDirectory
from saedb.ingest.tables import HEATMAPS

if TYPE_CHECKING:
    from saedb.cypher.graph import Graph

_RECOVERY_HEADS: Final = {
    "sae": "SAE", "low_necessity": "vanish", "recovered": "recovered", "random_recovered": "along random",
    "above_random": "above 95 % of random", "slope": "slope", "correlation": "correlation",
    "passed_through": "passed through", "passed_recovered": "recovered of these", "passed_slope": "their slope",
    "all_tokens": "all features",
    "paper": "the paper's",
}  # fmt: skip
_COPIES_HEADS: Final = {
    "sae": "SAE", "state": "state", "features": "features", "copied_10": "10 %", "copied_50": "median",
    "copied_90": "90 %", "rebuilt": f"below {summary.REBUILT:g}", "ratio": "of the mean",
}  # fmt: skip


def chapter(graph: "Graph", run: str) -> Chapter:
    """Return the chapter on what `saedb residuals` measured of a run; where it did not, how to."""
    text = (
        "A feature that nothing in the next layer's SAE needs may be gone from the model, or that SAE may have no "
        "feature for it. Its error tells: it is the part of the residual stream that the SAE leaves over. And a "
        "feature that is passed through may only be carried by the residual stream, or be computed anew."
    )
    directory = same_directory(graph.connection, run)
    note = _missing(directory, run)
    found = [_empty(anchor, note) for anchor in _HEADINGS] if directory is None or note else sections(directory)
    return Chapter(anchor="residuals", heading="Errors and residual streams", text=(text,), sections=tuple(found))


_HEADINGS: Final = {
    "recovery": "Recovered from the next SAE's error",
    "error-maps": "Errors along features, by activation",
    "copied": "Carried, or computed anew",
}


def _missing(directory: RunDirectory | None, run: str) -> str | None:
    if directory is None:
        return "The run directory, which has this, is not on this machine as it was loaded."
    if directory.record.residuals is None:
        return f"This was not measured; it is by `saedb residuals {run}`."
    return None


def _empty(anchor: str, note: str | None) -> Section:
    return Section(anchor=anchor, heading=_HEADINGS[anchor], text=(), note=note)


def sections(run: RunDirectory) -> list[Section]:
    """Return what was measured of a run, which has been."""
    return [_recovery(run), _maps(run), _copies(run)]


def _recovery(run: RunDirectory) -> Section:
    assert run.record.residuals is not None
    settings = run.record.residuals.settings
    rows = pd.DataFrame(summary.recovery(run))
    rows["paper"] = [_papers(run, pair) for pair in zip(rows["sae"], rows["next_sae"], strict=True)]
    text = (
        "Features vanish here that are not dead or rare and have no outgoing edge of a necessity above "
        f"{settings.get('necessity', 0.4):g}. On tokens on which one is active (above "
        f"{settings.get('active', 0.1):g} of its maximum), the next SAE's error is projected on its decoder "
        "direction. Recovered is the sum of these projections over that of its activations: 1 where the error has all "
        "of it. Slope and correlation are those of the two over the tokens. All are medians over features. Random "
        "directions, spread as decoder rows are, on the same tokens give what chance does; features that are passed "
        "through, what an SAE leaves over of features that it has: an L1 SAE takes about the same from every "
        "activation, which adds to recovered, above 1 at times, and not to the slope.",
        "The authors' published sums for GPT-2 small, over all features, give 0.75 at layer 0, 0.31 to 0.57 at layers "
        "1 to 7, and 0.68, 0.96 and 0.76 at layers 8 to 10; the column of all features is the same ratio of this run.",
    )
    facts = (("tokens read again", f"{run.record.residuals.tokens:,}"), ("seed", str(settings.get("seed", 0))))
    return replace(
        _empty("recovery", None), text=text, facts=facts, data=rows,
        tables=(Table(title="By layer, medians over features", rows=_headed(rows, _RECOVERY_HEADS)),),
    )  # fmt: skip


def _papers(run: RunDirectory, pair: tuple[str, str]) -> float:
    """Return what the paper's authors found for the same pair of SAEs; NaN where it is none of theirs."""
    up, down = (next(sae for sae in run.record.saes if sae.id == id_) for id_ in pair)
    is_theirs = all(paper.is_of(run.record.model, sae.set) for sae in (up, down)) and down.layer == up.layer + 1
    return paper.RECOVERED[up.layer] if is_theirs and up.layer < len(paper.RECOVERED) else np.nan


def _maps(run: RunDirectory) -> Section:
    cells = run.read(HEATMAPS, HEATMAPS_FILE).to_pandas()
    section = _empty("error-maps", None)
    if cells.empty:
        return replace(section, note="No feature of any layer was active.")
    drawable = set(zip(cells["sae"], cells["next_sae"], strict=True))
    pairs = [pair for pair in run.record.pairs if pair in drawable]
    shown = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, figures.DRAWN).round().astype(int))]
    which = "" if len(shown) == len(pairs) else f" {len(shown)} of {len(pairs)} layers are drawn; the numbers have all."
    text = (
        "The paper's Figure 4. Each active feature on each token is a point: along x what the feature adds to the "
        "reconstruction of its SAE, along y the component of the next SAE's error along its direction. Darker cells "
        "have more points, on a logarithmic scale of its own for each map. On the dotted line the error has all of the "
        f"feature, at 0 nothing. In a row the axes are the same; they leave out the ends, {_outside(cells)}.{which}"
    )
    return replace(section, text=(text,), figure=figures.maps(cells, shown), data=cells)


def _outside(cells: pd.DataFrame) -> str:
    """Return in words what share of their points the heat maps do not have."""
    of_map = cells.groupby(["sae", "next_sae", "directions"]).agg({"count": "sum", "outside": "first"})
    total = of_map["count"] + of_map["outside"]
    share, most = of_map["outside"].sum() / total.sum(), (of_map["outside"] / total).max()
    return f"{share:.1%} of all points and at most {most:.1%} of those of a map"


def _copies(run: RunDirectory) -> Section:
    rows = pd.DataFrame(summary.copies(run))
    text = (
        "For each feature, the correlation of its activation with what its own SAE makes of the residual stream that "
        "the SAE before reads: near 1 the stream carries it there already, near 0 the layer writes it. A feature is "
        "passed through where one of the layer before fires as it does; those of them with a low correlation are "
        f"rebuilt. For single ones: `saedb query rebuilt --run {run.record.id}`. Boxes are from the first to the third "
        "quarter of the features with a median, lines from 10 % to 90 %. The paper has no number to compare."
    )
    written = rows.assign(state=rows["state"].map(words))
    return replace(
        _empty("copied", None), text=(text,), figure=figures.copies(rows), data=rows,
        tables=(Table(title="Copied, by layer and state", rows=_headed(written, _COPIES_HEADS)),),
    )  # fmt: skip


def _headed(rows: pd.DataFrame, heads: dict[str, str]) -> pd.DataFrame:
    """Return columns under the heads of a page, without those of which no value is known."""
    filled = rows.dropna(axis="columns", how="all")
    known = [name for name in heads if name in filled]
    return filled.reindex(columns=known).set_axis([heads[name] for name in known], axis="columns")
