"""The tables on communities: as the query library gives them, and as a page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from saedb.cli.report.page import Table
from saedb.cli.wording import short_id
from saedb.cypher.frames import records

if TYPE_CHECKING:
    from saedb.cypher.graph import Graph
    from saedb.ingest.progress import Report

_ALL: Final = 1_000_000
_SPANNED: Final = 40
"""Communities that are asked for their layers."""
_LISTED: Final = 20
"""Rows of a list."""
LARGE: Final = 10
"""Features from which on a community is listed among the most coherent."""
_PARTITION_HEADS: Final = {
    "partition": "partition", "algorithm": "algorithm", "measure": "measure", "min_similarity": "floor",
    "resolution": "resolution", "runs": "runs",
    "communities": "communities", "modularity": "modularity", "stability": "stability", "coherent": "coherent",
}  # fmt: skip
_LIKENESS_HEADS: Final = {
    "other": "partition", "features": "features", "nmi": "NMI", "ari": "ARI", "other_communities": "communities",
    "kept": "kept", "merged": "merged", "split": "split", "dissolved": "dissolved",
}  # fmt: skip
_COMMUNITY_HEADS: Final = {
    "community": "number", "label": "label", "size": "size", "layers": "layers", "coherence": "coherence",
    "stability": "stability", "recovery": "recovery", "conductance": "conductance",
}  # fmt: skip
_BRIDGE_HEADS: Final = {
    "feature": "feature", "label": "label", "inside": "inside", "community": "its community", "outside": "outside",
    "to_other": "to the other", "other": "other community", "stability": "stability",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the query library says of one partition, a frame a query."""

    run: str
    partition: Mapping[str, Any]
    """Its row of `partitions`; None for what is not known."""
    partitions: pd.DataFrame
    likeness: pd.DataFrame
    communities: pd.DataFrame
    """The largest first, with their ``rank``, from 1."""
    evolution: pd.DataFrame
    """Layers of the largest, with the number of the ``community``."""
    resolutions: pd.DataFrame
    bridges: pd.DataFrame
    saes: pd.DataFrame
    """The layers of the run, by depth."""

    @property
    def name(self) -> str:
        """Name of the partition."""
        return str(self.partition["partition"])

    def known(self, column: str) -> list[float]:
        """Return the values of a column of the communities, as far as they are known."""
        values = self.communities[column]
        return values.to_numpy()[values.notna()].tolist()


def asked(graph: "Graph", run: str, partition: str | None, report: "Report") -> Answers | None:
    """Return what is known of a partition of a run, which must exist; None: of its default, if it has any."""
    partitions = graph.query("partitions", run=run)
    if partitions.empty:
        return None
    rows = {row["partition"]: row for row in records(partitions)}
    chosen = partition or next(name for name, row in rows.items() if row["is_default"])
    of = {"run": run, "partition": chosen}
    communities = graph.query("communities", **of, min_size=1, limit=_ALL)
    return Answers(
        run=run,
        partition=rows[chosen],
        partitions=partitions,
        likeness=graph.query("compare-partitions", **of),
        communities=communities.assign(rank=range(1, len(communities) + 1)),
        evolution=_evolution(graph, of, communities.head(_SPANNED), report),
        resolutions=graph.query("resolutions", **of),
        bridges=graph.query("bridges", **of, limit=_LISTED),
        saes=graph.query("layer-profile", run=run),
    )


def layers(answers: Answers) -> pd.DataFrame:
    """Return the number of features by community, the largest first, and layer of the run; NaN where it has none."""
    is_layer_unique = answers.saes["layer"].is_unique
    names = answers.saes["layer"].astype(str) if is_layer_unique else answers.saes["sae"]
    counts = answers.evolution.pivot_table(index="community", columns="sae", values="features", aggfunc="sum")
    largest = answers.communities["community"].head(_SPANNED)
    ordered = counts.reindex(index=largest, columns=answers.saes["sae"]).astype(float)
    return ordered.set_axis(names.tolist(), axis="columns")


def partition_tables(answers: Answers) -> tuple[Table, ...]:
    """Return the run's partitions and, where there are others, how like they are to this one."""
    settings = {
        name: answers.partitions[name].map("{:g}".format, "ignore") for name in ("min_similarity", "resolution")
    }
    rows = _headed(answers.partitions.assign(**settings), _PARTITION_HEADS)
    partitions = Table(title="Partitions of this run", rows=rows)
    if answers.likeness.empty:
        return (partitions,)
    return partitions, Table(title=f"Likeness to {answers.name}", rows=_headed(answers.likeness, _LIKENESS_HEADS))


def partition_numbers(answers: Answers) -> pd.DataFrame:
    """Return the run's partitions with how like they are to this one, in one table."""
    like = answers.likeness.drop(columns=["partition", "communities", "other_communities"])
    return answers.partitions.merge(like.rename(columns={"other": "partition"}), "left", "partition")


def community_tables(answers: Answers) -> tuple[Table, ...]:
    """Return lists of the largest communities and, as far as is known, of the most coherent and least stable."""
    known = records(answers.communities)
    coherent = [row for row in known if row["size"] >= LARGE and row["coherence"] is not None]
    unstable = [row for row in known if row["stability"] is not None]
    lists = {
        "The largest": known,
        f"The most coherent of {LARGE} features and more": sorted(coherent, key=lambda row: -row["coherence"]),
        "The least stable, by recovery": sorted(unstable, key=lambda row: row["recovery"]),
    }
    return tuple(Table(title=title, rows=_communities(rows[:_LISTED])) for title, rows in lists.items() if rows)


def bridge_table(answers: Answers) -> Table:
    """Return the features between communities."""
    rows = answers.bridges.assign(
        feature=answers.bridges["feature"].map(short_id),
        community=_numbered(answers.bridges, "community", "community_label"),
        other=_numbered(answers.bridges, "other", "other_label"),
    )
    return Table(title="Features between communities", rows=_headed(rows, _BRIDGE_HEADS))


def _evolution(graph: "Graph", of: Mapping[str, str], largest: pd.DataFrame, report: "Report") -> pd.DataFrame:
    """Return the layers of communities, one below the other."""
    parts: list[pd.DataFrame] = []
    for done, number in enumerate(largest["community"]):
        report("layers of communities", done, len(largest))
        rows = graph.query("community-evolution", **of, community=int(number))
        rows.insert(0, "community", int(number))
        parts.append(rows)
    report("layers of communities", len(largest), len(largest))
    return pd.concat(parts, ignore_index=True)


def _communities(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return _headed(pd.DataFrame([{**row, **_written(row)} for row in rows]), _COMMUNITY_HEADS)


def _written(community: Mapping[str, Any]) -> dict[str, str]:
    """Return the number of a community, which is no quantity, and its layers."""
    first, last = community["first_layer"], community["last_layer"]
    return {
        "community": str(community["community"]),
        "layers": str(first) if first == last else f"{first} to {last}",
    }


def _numbered(rows: pd.DataFrame, number: str, label: str) -> list[str | None]:
    """Return communities as their number and label; None where there is none."""
    return [None if row[number] is None else f"{row[number]} {row[label] or ''}".rstrip() for row in records(rows)]


def _headed(rows: pd.DataFrame, heads: Mapping[str, str]) -> pd.DataFrame:
    """Return columns under the heads of a page, without those of which no value is known."""
    filled = rows.dropna(axis="columns", how="all")
    known = [name for name in heads if name in filled]
    return filled.reindex(columns=known).set_axis([heads[name] for name in known], axis="columns")
