"""How far a pass has come: the sums of the shards that are done, in one file that takes the place of the one before."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.checksums import read_sealed, write_sealed
from saedb.ingest.residuals.heatmaps import HeatMaps, Ranges
from saedb.ingest.residuals.measuring import Pair, PairSums
from saedb.ingest.residuals.sums import CopiedSums, RecoverySums
from saedb.ingest.rundir import make_folder

FILE: Final = "residuals/unfinished.npz"
"""Relative to the run directory."""
_RANGES: Final = ("x_high", "y_low", "y_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is known after some shards."""

    of: str
    """Hash of all that decides the result: of another one nothing is taken over."""
    shards: int
    """Those that are done."""
    ranges: Mapping[Pair, Ranges]
    sums: Mapping[Pair, PairSums]
    """Empty before the first shard."""

    @classmethod
    def read(cls, folder: Path, of: str) -> Self | None:
        """Return what a run directory has of this pass; None where there is nothing, or the file is damaged."""
        arrays = read_sealed(folder / FILE)
        if arrays is None or str(arrays["of"]) != of:
            return None
        pairs = [(str(u), str(d)) for u, d in arrays["pairs"]]
        of_pair = [_below(arrays, f"{number}/") for number in range(len(pairs))]
        shards = int(arrays["shards"])
        return cls(
            of=of,
            shards=shards,
            ranges={pair: _ranges(found) for pair, found in zip(pairs, of_pair, strict=True)},
            sums={pair: _sums(found) for pair, found in zip(pairs, of_pair, strict=True)} if shards else {},
        )

    def write(self, folder: Path) -> None:
        """Keep it in a run directory, in place of the one before."""
        arrays: dict[str, Any] = {"of": self.of, "shards": self.shards, "pairs": np.array(list(self.ranges))}
        for number, (pair, ranges) in enumerate(self.ranges.items()):
            arrays[f"{number}/ranges"] = np.array([getattr(ranges, name) for name in _RANGES])
            if pair in self.sums:
                arrays |= {f"{number}/{name}": values for name, values in _arrays(self.sums[pair]).items()}
        make_folder((folder / FILE).parent)
        write_sealed(folder / FILE, arrays, "table")


def remove(folder: Path) -> None:
    """Take away what is kept of a pass that is finished."""
    (folder / FILE).unlink(missing_ok=True)


def _below(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _ranges(arrays: Mapping[str, NDArray[Any]]) -> Ranges:
    return Ranges(**dict(zip(_RANGES, arrays["ranges"].tolist(), strict=True)))


def _arrays(sums: PairSums) -> dict[str, NDArray[Any]]:
    parts = {"recovery": sums.recovery.arrays(), "copied": sums.copied.arrays()}
    found = {f"{part}/{name}": values for part, arrays in parts.items() for name, values in arrays.items()}
    return {**found, "maps/cells": sums.maps.cells, "maps/outside": sums.maps.outside}


def _sums(arrays: Mapping[str, NDArray[Any]]) -> PairSums:
    return PairSums(
        recovery=RecoverySums.of_arrays(_below(arrays, "recovery/")),
        copied=CopiedSums.of_arrays(_below(arrays, "copied/")),
        maps=HeatMaps(**_below(arrays, "maps/")),
    )
