"""Which examples of a motif are shown: what the query library lists first, in a form that can be drawn."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import pandas as pd

from saedb.cli.gate_text import truth_table
from saedb.cli.report.asked import Asked
from saedb.cli.wording import short_id
from saedb.cypher.explore.edges import Side, edges

SHOWN: Final = 4
"""Examples of a motif."""
_CHAINS: Final = 4
_NEIGHBOURS: Final = 2
_SPECIAL: Final = 3
"""Special features of one general one."""
_CANDIDATES: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Features, of which all edges among them are drawn that reach a floor."""

    caption: str
    features: tuple[str, ...]
    focus: frozenset[str] = field(default=frozenset())
    """Those that it is about."""
    measure: str
    floor: float = 0.0


def chains(asked: Asked) -> list[Example]:
    """Return the longest chains, side by side."""
    rows = asked.rows("pass-through-chains", min_pearson=asked.passed, limit=_CHAINS)
    if not rows:
        return []
    features = tuple(dict.fromkeys(feature for row in rows for feature in row["features"]))
    firsts = ", ".join(f"{short_id(row['features'][0])} ({row['length']} layers)" for row in rows)
    lowest = min(row["lowest_pearson"] for row in rows)
    return [
        Example(
            caption=f"Chains that begin with {firsts}. Lines: Pearson.",
            features=features,
            measure="pearson",
            floor=lowest,
        )
    ]


def appearing(asked: Asked) -> list[Example]:
    """Return the most active features that appear, each of another layer."""
    rows = _by_layer(asked.rows("appearing", max_pearson=asked.vanishing, limit=_CANDIDATES))
    return [_alone(asked, row, "inputs", "appears") for row in rows]


def disappearing(asked: Asked) -> list[Example]:
    """Return the most active features that disappear, each of another layer."""
    rows = _by_layer(asked.rows("disappearing", max_pearson=asked.vanishing, limit=_CANDIDATES))
    return [_alone(asked, row, "outputs", "disappears") for row in rows]


def gates(asked: Asked, kind: str) -> list[Example]:
    """Return the best gates of a kind."""
    rows = asked.rows("gates", kind=kind, limit=SHOWN)
    measure = "sufficiency" if kind == "OR" else "necessity"
    return [
        Example(
            caption=f"F1 {_two(row['f1'])}, gain {_two(row['gain'])}. Tokens / with {short_id(row['output'])} active: "
            f"{', '.join(truth_table(row['tokens'], row['active']))}. Lines: {measure}.",
            features=(*row["inputs"], row["output"]), focus=frozenset([row["output"]]), measure=measure,
        )
        for row in rows
    ]  # fmt: skip


def specialisations(asked: Asked) -> list[Example]:
    """Return general features with the special ones that are listed first."""
    by_general: dict[str, list[Mapping[str, Any]]] = {}
    for row in asked.rows("specialisation", limit=_CANDIDATES):
        by_general.setdefault(row["general"], []).append(row)
    found: list[Example] = []
    several = sorted(by_general.items(), key=lambda item: len(item[1]) == 1)  # those with several first, else in order
    for general, rows in several[:SHOWN]:
        shown = rows[:_SPECIAL]
        of = ", ".join(f"{short_id(row['special'])} ({_two(row['sufficiency'])})" for row in shown)
        caption = (
            f"Share of the tokens of {short_id(general)} on which the special ones are active: {of}. Lines: necessity."
        )
        features = (general, *(row["special"] for row in shown))
        found.append(Example(caption=caption, features=features, focus=frozenset([general]), measure="necessity"))
    return found


def splits(asked: Asked) -> list[Example]:
    """Return the best splits."""
    return [
        Example(
            caption=f"The parts cover {row['coverage']:.0%} of {short_id(row['parent'])}, {row['overlap']:.0%} of that "
            "several at once. Lines: sufficiency.",
            features=(row["parent"], *row["children"]), focus=frozenset([row["parent"]]), measure="sufficiency",
        )
        for row in asked.rows("splits", limit=SHOWN)
    ]  # fmt: skip


def numbered(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the numbers of several examples in one table, with the number of the example, from 1."""
    parts = [rows.assign(example=number) for number, rows in enumerate(tables, 1)]
    found = pd.concat(parts, ignore_index=True)
    return found.reindex(columns=["example", *found.columns.drop("example")])


def _by_layer(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the first feature of each SAE, up to as many as are shown."""
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(short_id(row["feature"]).split("/")[0], row)
    return islice(iter(first.values()), SHOWN)


def _alone(asked: Asked, row: Mapping[str, Any], without: Side, said: str) -> Example:
    """Return a feature that has no counterpart on one side, with the strongest edges on both."""
    feature = row["feature"]
    near = [other for side in ("inputs", "outputs") for other in _neighbours(asked, feature, side)]
    best = row["best_pearson"]
    where = "before" if without == "inputs" else "after"
    known = (
        f"no edge to the layer {where}" if best is None else f"its best Pearson with the layer {where} is {best:.2f}"
    )
    active = "" if row["active"] is None else f"; active on {row['active']:,} tokens"
    return Example(
        caption=f"{short_id(feature)} {said}: {known}{active}. Lines: Pearson.", features=(feature, *near),
        focus=frozenset([feature]), measure="pearson",
    )  # fmt: skip


def _neighbours(asked: Asked, feature: str, side: Side) -> list[str]:
    found = edges(asked.connection, asked.run, feature, side, measure="pearson", floor=0.0, limit=_NEIGHBOURS)
    return [edge.id for edge in found.shown]


def _two(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"
