"""What effects say about a measure: how they grow with it, and how many are more than chance."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from saedb.ingest import tables
from saedb.ingest.causal.choosing import BINS
from saedb.ingest.rundir import EFFECTS_FILE, RunDirectory, edges_file

CLEAR: Final = 2.0
"""Standard errors from which on an effect is more than that of its controls."""


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

    Its columns: ``from`` and ``to``, edges, mean and median ``effect``, mean ``control``, the share that is ``clear``,
    by `CLEAR`, of those where that is known, and mean ``change`` and ``paper`` in units of activation.

    Args:
        effects: with the columns of the table of effects, and the measure.
        measure: its name.
    """
    known = effects.dropna(subset=["effect", measure]).query(f"{measure} >= 0")
    tenth = np.minimum(np.floor(known[measure].to_numpy(float) * BINS), BINS - 1).astype(int)
    z = known["effect_z"].to_numpy(float)
    rows = (
        known.assign(clear=np.where(np.isnan(z), np.nan, z >= CLEAR))
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
