"""Which feature of a run a label in a file is of."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest import tables
from saedb.ingest.errors import InputError
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory


class Targets:
    """The features of a run, by how files name them: by model and SAE, by SAE, or by layer where that has one SAE."""

    def __init__(self, record: RunRecord, sae: Sequence[str], index: NDArray[np.int64]) -> None:
        """Take the SAE and the index of each feature, [features]."""
        self.run = record.id
        self._model = record.model
        self._layers: defaultdict[str, list[str]] = defaultdict(list)
        self._rows: dict[str, list[int]] = {}
        saes = np.asarray(sae, dtype=object)
        for one in record.saes:
            rows = np.full(one.d_sae, -1, np.int64)
            own = np.flatnonzero(saes == one.id)
            rows[index[own]] = own
            self._layers[str(one.layer)].append(one.id)
            for name in (f"{record.model}/{one.id}", one.id):
                self._rows[name] = rows.tolist()

    @classmethod
    def of(cls, run: RunDirectory) -> Self:
        """Return the features of a run directory.

        Raises:
            RunError: the table is missing or damaged.
        """
        features = run.read(tables.FEATURES, FEATURES_FILE).select(["sae", "index"])
        return cls(run.record, features["sae"].to_pylist(), features["index"].to_numpy())

    def row(self, sae: str, index: int) -> int:
        """Return the row of a feature in the feature table, -1 where the run has none such.

        Raises:
            InputError: only a layer is given, and several SAEs are of it.
        """
        rows = self._rows.get(sae)
        if rows is None:
            rows = self._rows[sae] = self._rows[name] if (name := self._of_layer(sae)) else []
        return rows[index] if 0 <= index < len(rows) else -1

    def name(self, sae: str, index: int) -> str:
        """Return the whole id that a feature has, or would have if the run had it; as it was given where none is."""
        known = self._of_layer(sae) or sae
        own = f"{self._model}/" if any(known in saes for saes in self._layers.values()) else ""
        return f"{own}{known}/{index}"

    def example(self) -> str:
        """Return what the ids of the run look like."""
        return " and ".join(f"{self._model}/{sae}/0" for saes in list(self._layers.values())[:2] for sae in saes[:1])

    def _of_layer(self, layer: str) -> str | None:
        saes = self._layers.get(layer.strip(), [])
        if len(saes) > 1:
            raise InputError(
                f"layer {layer} of run {self.run} has {len(saes)} SAEs ({', '.join(saes)}); name one of them in place "
                "of the layer"
            )
        return saes[0] if saes else None
