"""The query ``layer-profile``, answered from the run directory: the same counts, ten times as fast."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.cypher.connection import Row
from saedb.ingest import rundir, tables
from saedb.ingest.residuals import found as residuals
from saedb.ingest.residuals.summary import MIN_TOKENS, REBUILT
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.states import DEAD, RARE

_COLUMNS: Final = ("id", "sae", "state_in", "state_out", "best_in", "best_out")

_RECOVERED: Final = ("recovered", "recovered_control", "recovered_slope")

Booleans = NDArray[np.bool_]
Floats = NDArray[np.float64]


def profile(
    run: RunDirectory,
    *,
    passed: float,
    vanishing: float,
    dead_and_rare: bool,
    rebuilt: float = REBUILT,
    min_tokens: int = MIN_TOKENS,
) -> Iterator[Row]:
    """Yield one row for each SAE along the model, with the columns of the query."""
    features = _features(run.path, run.content_hash)
    edges = {pair: run.record.files[rundir.edges_file(*pair)].rows for pair in run.record.pairs}
    for sae in run.record.saes:
        own = features.filter(pc.field("sae") == sae.id)
        state = pc.call_function("coalesce", [own["state_out"], own["state_in"]])
        dead, rare = _is(state, DEAD), _is(state, RARE)
        kept = np.full(len(own), True) if dead_and_rare else ~(dead | rare)
        known = state.null_count < len(own)
        outgoing = [number for (source, _), number in edges.items() if source == sae.id]
        has_incoming = any(target == sae.id for _, target in edges)
        back = has_incoming and (known or own["best_in"].null_count < len(own))
        ahead = bool(outgoing) and (known or own["best_out"].null_count < len(own))
        before = _states(own["best_in"], kept, passed, vanishing) if back else (None,) * 3
        after = _states(own["best_out"], kept, passed, vanishing) if ahead else (None,) * 3
        yield {
            "layer": sae.layer, "sae": sae.id, "features": len(own),
            "dead": int(dead.sum()) if known else None, "rare": int(rare.sum()) if known else None,
            **dict(zip(("passed_in", "transformed_in", "appearing"), before, strict=True)),
            **dict(zip(("passed_on", "transformed", "disappearing"), after, strict=True)),
            "edges_out": sum(outgoing) if outgoing else None,
            **(_copies(own, kept, passed, rebuilt) if back else {"copied": None, "rebuilt": None}),
            **_recovery(own, min_tokens),
        }  # fmt: skip


@lru_cache(maxsize=2)
def _features(path: Path, content: str) -> pa.Table:
    """Return the features of a run with this content; a slider, or a curve, asks for them again and again."""
    del content
    run = RunDirectory.open(path)
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE, *_COLUMNS)
    measured = residuals.of_features(run, features["id"])
    return pa.Table.from_arrays([*features.columns, *measured.columns], [*_COLUMNS, *measured.column_names])


def _is(state: Any, name: str) -> Booleans:
    return pc.call_function("equal", [state, pa.scalar(name)]).fill_null(False).to_numpy()


def _states(best: Any, kept: Booleans, passed: float, vanishing: float) -> tuple[int, int, int]:
    """Return how many features are passed through, transformed, and without a counterpart."""
    value: Floats = best.fill_null(-1.0).to_numpy()[kept]
    is_passed, is_alone = value >= passed, (value < vanishing) & (value < passed)
    return int(is_passed.sum()), int((~is_passed & ~is_alone).sum()), int(is_alone.sum())


def _copies(own: pa.Table, kept: Booleans, passed: float, rebuilt: float) -> dict[str, float | None]:
    """Return the median copy of features that carry on one of the layer before, and the share of rebuilt ones."""
    is_passed = kept & (own["best_in"].fill_null(-1.0).to_numpy() >= passed)
    copied, ratio = (own[name].to_numpy()[is_passed] for name in ("copied", "copied_ratio"))
    # what the stream has nothing of has no correlation either
    seen = np.where(np.isnan(copied) & (ratio == 0), -1.0, copied)
    compared = int((~np.isnan(ratio)).sum())
    return {"copied": _median(copied), "rebuilt": int((seen < rebuilt).sum()) / compared if compared else None}


def _recovery(own: pa.Table, min_tokens: int) -> dict[str, float | None]:
    """Return medians over the features of low necessity that were active on enough tokens."""
    is_low = own["low_necessity"].fill_null(False).to_numpy()
    is_known = is_low & (own["recovered_tokens"].fill_null(0).to_numpy() >= min_tokens)
    return {name: _median(own[name].to_numpy()[is_known]) for name in _RECOVERED}


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None
