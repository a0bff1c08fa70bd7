"""What effects say about a measure: how they grow with it, and how many are more than chance."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from saedb.ingest import tables
from saedb.ingest.causal.choosing import BINS
from saedb.ingest.rundir import EFFECTS_FILE, RunDirectory, edges_file

CHANCE: Final = 0.023
"""What is left of the chance that an effect is as far above its control as it is, where it is clearly above: as of 2
standard errors that are known for certain."""
DOCUMENTS: Final = 3
"""Of fewer no effect is ranked: its error says little."""


def clear(z: ArrayLike, documents: ArrayLike, controls: ArrayLike) -> NDArray[np.float64]:
    """Return 1 for effects that are above their control by more than chance, 0 for others, NaN where z is.

    By Student's t, with one degree of freedom less than there are documents, or controls if these are fewer: errors of
    few clusters are uncertain themselves. The fewer of both errs towards chance. Of 2 documents z has to be 14, of 3
    it has to be 4.5, of 8 it has to be 2.4.
    """
    from scipy.special import stdtr

    z, freedom = np.asarray(z, float), np.minimum(np.asarray(documents, float), np.asarray(controls, float)) - 1
    return np.where(np.isnan(z), np.nan, stdtr(np.maximum(freedom, 1), -z) < CHANCE)


def ranked(se: ArrayLike, documents: ArrayLike) -> NDArray[np.bool_]:
    """Return which effects can be put in order: those with an error, of `DOCUMENTS` and more."""
    return ~np.isnan(np.asarray(se, float)) & (np.asarray(documents) >= DOCUMENTS)


def of_one_kind(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the effects of the settings that most of them are of: others are not to be averaged with them.

    Args:
        effects: with the columns of the table of effects.
    """
    known = effects.dropna(subset=["effect"])
    most = known["settings"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return known.loc[(known["settings"] == most.index[0]).to_numpy(bool)] if len(most) else known


def of_run(run: RunDirectory, measure: str) -> pd.DataFrame:
    """Return one row for each effect of a run, with the measure of its edge beside the columns of the table.

    Raises:
        RunError: a table is damaged, or there is none.
    """
    effects = run.read(tables.EFFECTS, EFFECTS_FILE).to_pandas()
    edges = [
        run.read(tables.EDGES, edges_file(*pair)).select(["source", "target", measure]) for pair in run.record.pairs
    ]
    return effects.merge(pa.concat_tables(edges).to_pandas(), on=["source", "target"], how="left", validate="1:1")


def by_tenth(effects: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return one row for each tenth of a measure's range from 0 to 1 with an effect in it.

    Its columns: ``from`` and ``to``, edges, mean and median ``effect``, mean ``control``, the share that is `clear`,
    of those where that is known, and mean ``change`` and ``paper`` in units of activation.

    Args:
        effects: with the columns of the table of effects, and the measure.
        measure: its name.
    """
    known = effects.dropna(subset=["effect", measure]).query(f"{measure} >= 0")
    tenth = np.minimum(np.floor(known[measure].to_numpy(float) * BINS), BINS - 1).astype(int)
    rows = (
        known.assign(clear=clear(known["effect_z"], known["effect_documents"], known["effect_controls"]))
        .groupby(tenth)
        .agg(
            edges=("effect", "size"),
            effect=("effect", "mean"),
            median=("effect", "median"),
            control=("effect_control", "mean"),
            clear=("clear", "mean"),
            change=("effect_change", "mean"),
            paper=("effect_paper", "mean"),
        )
    )
    ends = {"from": rows.index.to_numpy() / BINS, "to": (rows.index.to_numpy() + 1) / BINS}
    return pd.concat([pd.DataFrame(ends, index=rows.index), rows], axis=1).reset_index(drop=True)
