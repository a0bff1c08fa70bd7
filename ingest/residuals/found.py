"""What was measured of the features of a run, one row a feature: what the graph holds, and what views show."""

from functools import reduce
from operator import or_
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest.residuals.settings import Group
from saedb.ingest.rundir import COPIES_FILE, RECOVERY_FILE, RunDirectory
from saedb.ingest.tables import COPIES, RECOVERY

_RECOVERY: Final = {
    "recovered": "recovered",
    "recovered_control": "control",
    "recovered_slope": "slope",
    "recovered_correlation": "correlation",
    "recovered_tokens": "tokens",
    "low_necessity": "feature_group",
}
_COPIES: Final = {"copied": "copied", "copied_ratio": "ratio"}
"""Columns of the tables by what a feature calls them."""
NAMES: Final = (*_RECOVERY, *_COPIES)
_VANISHES: Final[Group] = "low_necessity"
_UNKNOWN: Final[tuple[Group, ...]] = ("rare", "dead")


def of_features(run: RunDirectory, ids: pa.ChunkedArray) -> pa.Table:
    """Return the columns `NAMES` of features [features], null where nothing was measured.

    Of several SAEs that its own is paired with, a feature has the values of the one that its states are of.

    Args:
        run: the run.
        ids: of features [features].

    Raises:
        RunError: a table is missing or damaged.
    """
    recovery, copies = RECOVERY.schema.empty_table(), COPIES.schema.empty_table()
    if run.record.residuals is not None:
        recovery, copies = run.read(RECOVERY, RECOVERY_FILE), run.read(COPIES, COPIES_FILE)
    recovery = _of_pairs(recovery, "next_sae", _neighbours(run, "next"))
    copies = _of_pairs(copies, "previous_sae", _neighbours(run, "previous"))
    found = {**_placed(recovery, _RECOVERY, ids), **_placed(copies, _COPIES, ids)}
    return pa.table({**found, "low_necessity": _vanishes(found["low_necessity"])})


def _placed(rows: pa.Table, names: dict[str, str], ids: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    places = pc.SetLookupOptions(value_set=rows["feature"].combine_chunks())
    taken = rows.take(pc.call_function("index_in", [ids], places))  # null where there is no row
    return {name: taken[column] for name, column in names.items()}


def _vanishes(group: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return whether features are of low necessity; null of those that are dead or rare."""
    is_unknown = pc.call_function("is_in", [group], pc.SetLookupOptions(value_set=pa.array(_UNKNOWN)))
    vanishes = pc.call_function("equal", [group, pa.scalar(_VANISHES)])
    return pc.call_function("if_else", [is_unknown, pa.scalar(None, pa.bool_()), vanishes])


def _neighbours(run: RunDirectory, side: Literal["next", "previous"]) -> dict[str, str]:
    """Return the SAE that tells of the features of each SAE, as of `saedb.ingest.sources.SaeSet`."""
    saes = {sae.id: sae for sae in run.record.saes}
    found: dict[str, str] = {}
    for pair in run.record.pairs:
        own, other = (saes[id_] for id_ in (pair if side == "next" else pair[::-1]))

        def rank(id_: str, own: str = own.set) -> tuple[bool, int]:
            return saes[id_].set != own, saes[id_].depth * (1 if side == "next" else -1)

        if own.hook is None or own.hook != other.hook:
            found[own.id] = min((id_ for id_ in (found.get(own.id), other.id) if id_), key=rank)
    return found


def _of_pairs(rows: pa.Table, column: str, neighbours: dict[str, str]) -> pa.Table:
    """Return the rows whose two SAEs are neighbours."""
    pairs = [(pc.field("sae") == own) & (pc.field(column) == other) for own, other in neighbours.items()]
    return rows.filter(reduce(or_, pairs, pc.scalar(False)))
