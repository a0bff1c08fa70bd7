"""The effects that a run has: those of its table, and those of an ablation that was stopped.

What an ablation finds is kept in a file of its own until it is done, and only then becomes a part of the run: so that a
graph, which holds the run as it is on disk, needs no change before. The file is named by the settings, and the same
ablation takes it up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from saedb.ingest import rundir, tables
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.rundir import EFFECTS_FILE, RunDirectory, replacing
from saedb.ingest.tables import EFFECTS

Pair = tuple[str, str]
"""Ids of source and target."""

_ORDER: Final = [("source", "ascending"), ("target", "ascending")]


class Effects:
    """The effects by some settings; the caller holds the run's lock."""

    def __init__(self, run: RunDirectory, settings: AblationSettings, device: str) -> None:
        """Take the settings, and the device that the model is on: ``cpu`` or ``cuda``, whose rounding differs."""
        self._run = run
        edges = {name: run.record.files[name].sha256 for name in run.edge_files}
        self.digest = rundir.digest({**asdict(settings), "edges": edges, "device": device})
        """Of the settings, of the edges and of the device: effects of others are computed again."""
        self._file = run.path / f".effects-{self.digest[:16]}.parquet"

    @property
    def recorded(self) -> set[Pair]:
        """The edges whose effect by these settings is a part of the run."""
        return _ends(self._table.filter(pc.field("settings") == self.digest))

    @property
    def known(self) -> set[Pair]:
        """The edges that have their effect by these settings."""
        return self.recorded | _ends(self._unfinished)

    def keep(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of the table to those that are not yet a part of the run."""
        rows = tables.rows(EFFECTS, {c.name: [row[c.name] for row in found] for c in EFFECTS.columns})
        with replacing(self._file, "table") as temporary:
            pq.write_table(pa.concat_tables([self._unfinished, rows]), temporary, write_page_checksum=True)

    def finish(self) -> None:
        """Make what was kept a part of the run's table, in place of other effects of the same edges."""
        new = self._unfinished
        if new.num_rows:
            is_replaced = _ends(new)
            there = self._table
            kept = there.filter(pa.array([edge not in is_replaced for edge in _pairs(there)], pa.bool_()))
            self._run.write(EFFECTS, EFFECTS_FILE, [pa.concat_tables([kept, new]).sort_by(_ORDER)])
        self._file.unlink(missing_ok=True)

    @property
    def _table(self) -> pa.Table:
        if EFFECTS_FILE not in self._run.record.files:
            return EFFECTS.schema.empty_table()
        return self._run.read(EFFECTS, EFFECTS_FILE).cast(EFFECTS.schema)

    @property
    def _unfinished(self) -> pa.Table:
        return (
            tables.read(EFFECTS, self._file).cast(EFFECTS.schema)
            if self._file.exists()
            else EFFECTS.schema.empty_table()
        )


def _pairs(rows: pa.Table) -> list[Pair]:
    return list(zip(rows["source"].to_pylist(), rows["target"].to_pylist(), strict=True))


def _ends(rows: pa.Table) -> set[Pair]:
    return set(_pairs(rows))
