"""Which features of an SAE vanish from the next one, which are passed through, and what neither can be said of."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.ingest.features import best_on_edges, meeting_edges
from saedb.ingest.maxima import of_thresholds
from saedb.ingest.residuals.settings import Group
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory
from saedb.ingest.states import DEAD, RARE
from saedb.ingest.tables import FEATURES

_COLUMNS = ("id", "sae", "max", "threshold", "state_in", "state_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary:
    """The features of an SAE, [d_sae]."""

    ids: NDArray[np.object_]
    max: NDArray[np.float64]
    """Largest activation; NaN of one that never fires."""
    reference: NDArray[np.float64]
    """The same, or the one given instead, which thresholds are shares of."""
    state: NDArray[np.object_]
    """``dead``, ``rare``, or anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What the edges to the next SAE say of features, [d_sae]: those with the run's least support, in documents too."""

    necessity: NDArray[np.float64]
    """The highest on an outgoing edge; NaN without one."""
    group: NDArray[np.object_]
    """Of `Group`."""

    def is_in(self, group: Group) -> NDArray[np.bool_]:
        """Return which features are in a group."""
        return self.group == group


def dictionaries(run: RunDirectory) -> dict[str, Dictionary]:
    """Return the features of a run's SAEs, by the SAE's id."""
    features = pa.concat_tables(run.parts(FEATURES, FEATURES_FILE, *_COLUMNS))
    return {sae.id: _dictionary(run, features.filter(pc.field("sae") == sae.id)) for sae in run.record.saes}


def _dictionary(run: RunDirectory, features: pa.Table) -> Dictionary:
    state = pc.call_function("coalesce", [features["state_out"], features["state_in"]])
    return Dictionary(
        ids=features["id"].to_numpy(),
        max=features["max"].to_numpy(),
        reference=of_thresholds(run.record.config, features),
        state=state.to_numpy(),
    )


def upstream(run: RunDirectory, pair: tuple[str, str], side: Dictionary, necessity: float) -> Upstream:
    """Return the groups of the features of a pair's upstream SAE.

    A feature whose best necessity is at most `necessity` is of low necessity, whatever its correlations: the paper's
    set.

    Args:
        run: the run.
        pair: ids of the upstream and the downstream SAE.
        side: the features of the upstream one.
        necessity: above which a feature does not vanish.
    """
    best, correlated = (
        best_on_edges(meeting_edges(run, pair, "source", name), "source", name, side.ids)
        for name in ("necessity", "pearson")
    )
    group = np.full(len(best), "other", dtype=object)
    group[correlated >= run.record.config["passed_through"]] = "passed_through"
    group[~(best > necessity)] = "low_necessity"
    for state in (RARE, DEAD):
        group[side.state == state] = state
    group[~(side.max > 0)] = DEAD
    return Upstream(necessity=best, group=group)
