"""The edges of two runs compared a part at a time, so that no more than a part has to be held.

Features are numbers here: places in one list of the features of both runs.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saedb.ingest.measures import MEASURES, Integers

NAMES: Final = tuple(measure.name for measure in MEASURES)

_CHANGES: Final = ("kept", "lost", "gained", "only_a", "only_b")
_ELSEWHERE: Final = ("above", "below", "unknown", "absent")
_TENTH: Final = 0.1
_SHOWN: Final = ["u", "d", "a", "b", "elsewhere"]

Booleans = NDArray[np.bool_]


@dataclass(slots=True)
class Moves:
    """How far one measure is apart on the edges so far."""

    edges: int = 0
    shift: float = 0.0
    """Sum of the differences b - a."""
    distance: float = 0.0
    """Sum of the absolute differences."""
    largest: float = 0.0
    over_tenth: int = 0

    def add(self, differences: pd.Series) -> None:
        """Add the differences on some edges; NaN is none."""
        known = differences.dropna()
        if known.empty:
            return
        distances = known.abs()
        self.edges += len(known)
        self.shift += float(known.sum())
        self.distance += float(distances.sum())
        self.largest = max(self.largest, float(distances.max()))
        self.over_tenth += int((distances > _TENTH).sum())


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What is known of the edges of two runs, a and b, after the parts that were added."""

    measure: str
    threshold: float
    """An edge counts where its measure reaches it."""
    limit: int
    """Examples of each kind."""
    sae: Integers
    """Number of each feature's SAE [features]."""
    common: Booleans
    """Whether both runs compared two SAEs [upstream, downstream]."""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Edges that count, by change and by what the other run has."""
    known: dict[str, Counter[str]] = field(default_factory=lambda: {"a": Counter(), "b": Counter()})
    """By run, on how many edges each measure has a value."""
    moves: dict[str, Moves] = field(default_factory=lambda: {name: Moves() for name in NAMES})
    """By measure, over the edges that both runs have and one counts."""
    best: dict[str, pd.DataFrame] = field(default_factory=dict)
    """The strongest edges kept, lost and gained, and those that moved most: their ends ``u`` and ``d``, their values
    ``a`` and ``b``, and ``elsewhere``."""

    def __post_init__(self) -> None:
        none = pd.DataFrame({"u": [], "d": [], "a": [], "b": [], "elsewhere": [], "strength": []})
        types = {"u": "int64", "d": "int64", "elsewhere": "object"}
        self.best = {kind: none.astype(types) for kind in ("kept", "lost", "gained", "moved")}

    def add(self, a: pd.DataFrame, b: pd.DataFrame) -> None:
        """Compare the edges of some features in both runs: columns ``u``, ``d`` and every measure, NaN for none."""
        for run, edges in (("a", a), ("b", b)):
            self.known[run].update({name: int(edges.loc[:, name].count()) for name in NAMES})
        edges = self._judged(a.merge(b, on=["u", "d"], how="outer", suffixes=("_a", "_b"), indicator="found"))
        change, value_a, value_b = (edges.loc[:, name] for name in ("change", "a", "b"))
        self.counts.update(zip(change, edges["elsewhere"], strict=True))
        shared = edges.loc[edges["found"] == "both"]
        for name in NAMES:
            self.moves[name].add(shared.loc[:, f"{name}_b"] - shared.loc[:, f"{name}_a"])
        self._keep("kept", edges.loc[change == "kept"], np.minimum(value_a, value_b))
        self._keep("lost", edges.loc[change == "lost"], value_a)
        self._keep("gained", edges.loc[change == "gained"], value_b)
        distance = np.abs(value_b - value_a)
        self._keep("moved", shared.loc[distance > 0], distance)

    def counts_table(self) -> pd.DataFrame:
        """Return the counts by ``change`` and ``elsewhere``, without those that are 0."""
        rows = [(c, e, self.counts[c, e]) for c in _CHANGES for e in _ELSEWHERE if self.counts[c, e]]
        return pd.DataFrame(rows, columns=["change", "elsewhere", "edges"]).astype({"edges": "int64"})

    def moves_table(self) -> pd.DataFrame:
        """Return a row for each measure that both runs know of a shared edge."""
        rows = [
            {
                "measure": measure.name,
                "unit": measure.unit,
                "edges": moves.edges,
                "mean_shift": moves.shift / moves.edges,
                "mean_move": moves.distance / moves.edges,
                "largest_move": moves.largest,
                "over_tenth": None if measure.high is None else moves.over_tenth,
            }
            for measure in MEASURES
            if (moves := self.moves[measure.name]).edges
        ]
        columns = ["measure", "unit", "edges", "mean_shift", "mean_move", "largest_move", "over_tenth"]
        return pd.DataFrame(rows, columns=columns).astype({"edges": "int64", "over_tenth": "Int64"})

    def _judged(self, joined: pd.DataFrame) -> pd.DataFrame:
        """Return the edges that count in a run, with their values, their change, and what the other run has."""
        a, b = joined[f"{self.measure}_a"], joined[f"{self.measure}_b"]
        in_a, in_b = a >= self.threshold, b >= self.threshold
        is_common = self.common[self.sae[joined["u"]], self.sae[joined["d"]]]
        change = np.select(
            [in_a & in_b, in_a & is_common, in_b & is_common, in_a], ["kept", "lost", "gained", "only_a"], "only_b"
        )
        other = b.where(in_a, a)
        elsewhere = np.select(
            [in_a & in_b, other.notna(), joined["found"] == "both"], ["above", "below", "unknown"], "absent"
        )
        return joined.assign(a=a, b=b, change=change, elsewhere=elsewhere).loc[in_a | in_b]

    def _keep(self, kind: str, edges: pd.DataFrame, strength: pd.Series) -> None:
        """Keep the strongest of these edges and of those before; of equal ones the first."""
        if edges.empty:
            return
        found = edges[_SHOWN].assign(strength=strength).nlargest(self.limit, "strength", keep="all")
        together = pd.concat([self.best[kind], found])
        in_order = together.sort_values(["strength", "u", "d"], ascending=[False, True, True], ignore_index=True)
        self.best[kind] = in_order.head(self.limit)
