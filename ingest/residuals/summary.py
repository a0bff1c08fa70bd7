"""Recovery and copies of a run, layer by layer: medians over features, beside those of what they are compared with."""

from collections import Counter
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest.rundir import COPIES_FILE, FEATURES_FILE, RECOVERY_FILE, RunDirectory
from saedb.ingest.states import APPEARING, PASSED_THROUGH, TRANSFORMED
from saedb.ingest.tables import COPIES, FEATURES, RECOVERY

MIN_TOKENS: Final = 10
"""Features with fewer are left out of medians: their numbers are of hardly anything. Likewise of the queries
``layer-profile`` and ``recovered``, by default."""
REBUILT: Final = 0.5
"""A passed-through feature that is copied less than this is rebuilt: the default of the query ``rebuilt``."""
STATES: Final = (PASSED_THROUGH, TRANSFORMED, APPEARING)
"""Of features, looking back, whose copies are told apart."""
_CHANCE: Final = 0.95
"""Quantile of what random directions give, above which a feature is more than chance."""
_CONTROLS: Final = {"recovered": "control", "slope": "control_slope", "correlation": "control_correlation"}
_MEASURES: Final = tuple(_CONTROLS)

Row = dict[str, Any]


def recovery(run: RunDirectory) -> list[Row]:
    """Return a row for each pair of SAEs; what is not known is None."""
    table = run.read(RECOVERY, RECOVERY_FILE)
    ends = list(zip(table["sae"].to_pylist(), table["next_sae"].to_pylist(), strict=True))
    return [_recovery(table.filter(pa.array([end == pair for end in ends])), *pair) for pair in run.record.pairs]


def _recovery(table: pa.Table, sae: str, next_sae: str) -> Row:
    groups = Counter(table["feature_group"].to_pylist())
    group = table["feature_group"].to_numpy()
    known = table["tokens"].to_numpy() >= MIN_TOKENS
    low, passed = (known & (group == name) for name in ("low_necessity", "passed_through"))
    found: Row = {"sae": sae, "next_sae": next_sae, "low_necessity": groups["low_necessity"]}
    for name in _MEASURES:
        own, random = (table[column].to_numpy() for column in (name, _CONTROLS[name]))
        found[name] = _quantile(own[low], 0.5)
        found[f"random_{name}"] = _quantile(random[low], 0.5)
        found[f"passed_{name}"] = _quantile(own[passed], 0.5)
    chance = _quantile(table["control"].to_numpy()[low], _CHANCE)
    above = table["recovered"].to_numpy()[low] > (0.0 if chance is None else chance)
    found["above_random"] = None if chance is None else float(above.mean())
    found["passed_through"] = groups["passed_through"]
    found["dead_or_rare"] = groups["dead"] + groups["rare"]
    found["all_tokens"] = _pooled(table)
    return found


def _pooled(table: pa.Table) -> float | None:
    """Return what is recovered of all features together, each token of each feature by its activation."""
    weights = table["mean"].to_numpy() * table["tokens"].to_numpy()
    total = float(np.nansum(weights))
    return float(np.nansum(table["recovered"].to_numpy() * weights)) / total if total else None


def copies(run: RunDirectory) -> list[Row]:
    """Return a row for each pair of SAEs and state of the downstream features, looking back."""
    table = run.read(COPIES, COPIES_FILE)
    features = run.read(FEATURES, FEATURES_FILE)
    states = dict(zip(features["id"].to_pylist(), features["state_in"].to_pylist(), strict=True))
    keys = [
        (previous, sae, states[feature])
        for previous, sae, feature in zip(
            *(table[name].to_pylist() for name in ("previous_sae", "sae", "feature")), strict=True
        )
    ]
    return [
        _copies(table.filter(pa.array([key == (*pair, state) for key in keys], pa.bool_())), *pair, state)
        for pair in run.record.pairs
        for state in STATES
    ]


def _copies(table: pa.Table, previous_sae: str, sae: str, state: str) -> Row:
    copied, ratio = table["copied"].to_numpy(), table["ratio"].to_numpy()
    known = ~np.isnan(ratio)
    return {
        "previous_sae": previous_sae,
        "sae": sae,
        "state": state,
        "features": len(copied),
        **{f"copied_{q}": _quantile(copied, q / 100) for q in (10, 25, 50, 75, 90)},
        # what the stream has nothing of has no correlation either
        "rebuilt": float((np.nan_to_num(copied[known], nan=-1.0) < REBUILT).mean()) if known.any() else None,
        "ratio": _quantile(ratio, 0.5),
    }


def _quantile(values: NDArray[np.float64], share: float) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, share)) if len(known) else None
