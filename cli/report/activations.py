"""The chapter on single features: how strongly, and how often, those of each layer are active."""

from typing import TYPE_CHECKING, Final

import pandas as pd

from saedb.cli.report import figures, paper
from saedb.cli.report.asked import Asked
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cypher.explore.levels import Levels, Number, levels

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS: Final = ("5 %", "25 %", "50 %", "75 %", "95 %", "largest")
_READING: Final = (
    "A box holds the middle half of the features, the line in it is the median, the whiskers end at 5 and 95 %. The "
    "scale is logarithmic. Features that never fire are left out."
)


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on maxima and densities."""
    heading = "Activations of the layers"
    maxima, densities = (levels(asked.connection, asked.run, number) for number in _NUMBERS)
    if not any(level.features for level in (*maxima, *densities)):
        note = "Nothing is known of single features: the edges were imported. `saedb ingest` computes them."
        return Chapter(anchor="activations", heading=heading, text=(), note=note)
    text = "How strongly and how often the features of each layer are active."
    return Chapter(
        anchor="activations", heading=heading, text=(text,), sections=(_maxima(asked, maxima), _densities(densities))
    )  # fmt: skip


_NUMBERS: Final[tuple[Number, ...]] = ("max", "density")


def _maxima(asked: Asked, found: "Sequence[Levels]") -> Section:
    text = (
        "The largest activation of each feature on a counted token; its threshold is a share of it, unless the run "
        f"took the maxima of another. {_READING}",
        "SAEs scale their activations as they like: within a model, growing maxima mostly follow the growing norm of "
        "the residual stream. One token decides a maximum, so a very high one may be an outlier that lifts the "
        "threshold.",
    )
    rows = _rows(found)
    papers = _papers(asked, found)
    title = f"{paper.NAME}, as the paper's authors published them (17.5 million tokens)"
    if papers is not None:
        data = rows.assign(**{f"{name} ({paper.NAME}, paper)": papers[name].tolist() for name in ("median", "largest")})
        tables = (Table(title=f"Largest activations, and those of {title}", rows=data),)
    else:
        data = rows
        others = Table(title=title, rows=_all_of_paper())
        tables = (Table(title="Largest activations of this run", rows=rows), others)
    figure = figures.quantiles(rows, _names(found), "largest activation", papers=papers)
    return Section(anchor="maxima", heading="Maxima", text=text, figure=figure, tables=tables, data=data)


def _densities(found: "Sequence[Levels]") -> Section:
    text = (
        "The density of a feature is the share of the counted tokens on which it is active, that is above its "
        f"threshold. {_READING}",
        "Features denser than some per cent seldom mean one thing; very rare ones give edges that few tokens prove.",
    )
    rows = _rows(found)
    figure = figures.quantiles(rows, _names(found), "density (share of tokens)")
    return Section(
        anchor="densities", heading="Densities", text=text, figure=figure,
        tables=(Table(title="Densities of this run", rows=rows),), data=rows,
    )  # fmt: skip


def _names(found: "Sequence[Levels]") -> list[str]:
    return figures.layer_names([level.sae for level in found], [level.layer for level in found])


def _rows(found: "Sequence[Levels]") -> pd.DataFrame:
    """Return the quantiles of each SAE."""
    rows = [
        {"sae": level.sae, "features that fire": level.features,
         **dict(zip(_COLUMNS, level.values or [None] * len(_COLUMNS), strict=True))}
        for level in found
    ]  # fmt: skip
    return pd.DataFrame(rows).astype(dict.fromkeys(_COLUMNS, float))


def _papers(asked: Asked, found: "Sequence[Levels]") -> pd.DataFrame | None:
    """Return the paper's numbers for the same SAEs; None where the run has others."""
    if asked.directory is None:
        return None
    record = asked.directory.record
    sets = {sae.id: sae.set for sae in record.saes}
    if not all(paper.is_of(record.model, sets[x.sae]) and x.layer < len(paper.LARGEST) for x in found):
        return None
    rows = [{"median": paper.MEDIAN_LARGEST[x.layer], "largest": paper.LARGEST[x.layer]} for x in found]
    return pd.DataFrame(rows)


def _all_of_paper() -> pd.DataFrame:
    rows = zip(map(str, range(len(paper.LARGEST))), paper.MEDIAN_LARGEST, paper.LARGEST, strict=True)
    return pd.DataFrame(rows, columns=["layer", "median", "largest"])
