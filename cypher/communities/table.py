"""The communities of a run on disk: reading the partitions that are there, and the rows of one that was found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher import contents, names
from saedb.cypher.communities.coherence import Coherence, coherence, label_similarity
from saedb.cypher.communities.naming import Words
from saedb.cypher.communities.numbering import ALONE, Earlier, Numbered, alone_apart
from saedb.cypher.communities.quality import modularity, ties
from saedb.cypher.communities.stability import Stability
from saedb.cypher.communities.weighted import Weighted, strengths
from saedb.ingest import rundir, tables
from saedb.ingest.directions import Directions, read_directions
from saedb.ingest.errors import RunError
from saedb.ingest.measures import Floats, Integers
from saedb.ingest.progress import Report
from saedb.ingest.rundir import RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """What is the same for all communities of a partition; the columns of `tables.PARTITION`."""

    partition: str
    is_default: bool
    base: str | None = None
    level: int = 0
    algorithm: str
    engine: str
    measure: str
    min_similarity: float
    resolution: float | None = None
    seed: int | None = None
    fast: bool = False
    runs: int = 1
    communities: int = 0
    features: int = 0
    modularity: float = float("nan")
    mean_stability: float | None = None
    label_chance: float | None = None
    next_number: int = 0

    @property
    def family(self) -> str:
        """Name of the partition that this is, or is a level or the consensus of: they come and go together."""
        return self.base or self.partition


class Communities:
    """The table of communities of a run."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    @classmethod
    def of(cls, run: RunDirectory) -> Self:
        """Return what a run has.

        Raises:
            RunError: the table is damaged.
        """
        if rundir.COMMUNITIES_FILE not in run.record.files:
            return cls(tables.COMMUNITIES.schema.empty_table())
        return cls(run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE))

    @property
    def partitions(self) -> list[Partition]:
        """The partitions in the order in which they came."""
        columns = [field.name for field in fields(Partition)]
        seen: dict[str, Partition] = {}
        for row in self.rows.select(columns).to_pylist():
            seen.setdefault(row["partition"], Partition(**row))
        return list(seen.values())

    def partition(self, name: str, run: str) -> Partition:
        """Return the partition of this name; `run` is named where there is none.

        Raises:
            InputError: there is none.
        """
        known = {partition.partition: partition for partition in self.partitions}
        if name not in known:
            raise names.no_partition(run, name, known)
        return known[name]

    def earlier(self, name: str, graph: Weighted) -> Earlier | None:
        """Return the numbers that a partition gave to the features of a graph; None where there is no such."""
        rows = self.rows.filter(pc.field("partition") == name)
        if not rows.num_rows:
            return None
        features, owner = contents.members(rows)
        place = pd.Index(graph.features["id"]).get_indexer(features.to_pandas())
        number = np.full(graph.size, ALONE)
        number[place[place >= 0]] = rows["number"].to_numpy()[owner.to_numpy()[place >= 0]]
        sizes = dict(zip(rows["number"].to_pylist(), rows["size"].to_pylist(), strict=True))
        return Earlier(number=number, sizes=sizes, next_number=rows["next_number"][0].as_py())

    def without(self, family: str) -> Self:
        """Return it without a partition, its levels and its consensus."""
        return type(self)(self.rows.filter(pc.call_function("not_equal", [_families(self.rows), pa.scalar(family)])))

    def replaced(self, family: str, parts: Sequence[pa.Table]) -> Self:
        """Return it with other rows for a partition, its levels and its consensus, which keep their place."""
        order = [partition.family for partition in self.partitions]
        rows = pa.concat_tables([self.without(family).rows, *parts])
        families = _families(rows).to_pylist()
        place = [order.index(name) if name in order else len(order) for name in families]
        return type(self)(rows.take(pa.array(np.argsort(place, kind="stable"))))

    def defaulting(self, name: str) -> Self:
        """Return it with another partition as the default."""
        column = pc.call_function("equal", [self.rows["partition"], pa.scalar(name)])
        place = self.rows.schema.get_field_index("is_default")
        return type(self)(self.rows.set_column(place, self.rows.schema.field("is_default"), column))

    def write(self, run: RunDirectory) -> None:
        """Replace the table of a run."""
        run.write(tables.COMMUNITIES, rundir.COMMUNITIES_FILE, [self.rows])


def _families(rows: pa.Table) -> pa.ChunkedArray:
    """Return the name of the partition that each row is, or is a level or the consensus of [rows]."""
    return pc.call_function("coalesce", [rows["base"], rows["partition"]])


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What communities of one graph are described by, read once for all its partitions."""

    run: RunDirectory
    graph: Weighted
    words: Words
    weights: Any
    """Of the words of each feature, sparse [n, words]."""
    directions: Mapping[str, Directions]
    """By SAE; of those that are known."""
    places: Mapping[str, Integers]
    """Of the features of each SAE, by index."""

    @classmethod
    def of(cls, run: RunDirectory, graph: Weighted) -> Self:
        """Return what is known of a run.

        Raises:
            RunError: a file is damaged.
        """
        places = {str(sae): group.index.to_numpy() for sae, group in graph.features.groupby("sae", sort=False)}
        found = {sae.id: read_directions(run, sae.id) for sae in run.record.saes}
        known = {sae: rows for sae, rows in found.items() if rows is not None}
        for sae, rows in known.items():
            if len(rows) != len(places.get(sae, ())):
                raise RunError(f"{run.path} has directions of {sae} that are not of its features; compute it again")
        words = Words(graph.features)
        return cls(run=run, graph=graph, words=words, weights=words.weighted(), directions=known, places=places)

    def rows(
        self,
        partition: Partition,
        found: Numbered,
        stable: Stability | None,
        report: Report,
        parents: Integers | None = None,
        parent: str | None = None,
    ) -> pa.Table:
        """Return the rows of a partition, by number.

        Args:
            partition: how it was found; what is counted here is filled in.
            found: its communities.
            stable: how they fared in other runs.
            report: progress.
            parents: number of each feature's community in the coarser level [n].
            parent: name of that.
        """
        number, graph = found.number, self.graph
        members = np.flatnonzero(number != ALONE)
        members = members[np.argsort(number[members], kind="stable")]
        given, first, size = np.unique(number[members], return_index=True, return_counts=True)
        edges = ties(graph, number)
        inner = _inner_strength(graph, number)
        judged = coherence(number, self.places, self.directions, partition.seed or 0, report)
        alike, label_chance = label_similarity(number, self.weights)
        labels = self.words.labels(number, inner)
        filled = {
            **asdict(partition),
            "communities": len(given),
            "features": len(members),
            "modularity": modularity(graph, alone_apart(number)),
            "mean_stability": _mean(stable.feature[members]) if stable else None,
            "label_chance": None if np.isnan(label_chance) else label_chance,
            "next_number": found.next_number,
        }
        stays = stable.feature if stable else np.full(graph.size, np.nan)
        layers, layer_sizes = _layers(graph, number, members, given)
        columns: dict[str, Any] = {
            **{name: [value] * len(given) for name, value in filled.items()},
            "id": [f"{partition.partition}/{n}" for n in given],
            "number": given,
            "parent": [None if parents is None else f"{parent}/{parents[members[place]]}" for place in first],
            "size": size,
            "layers": layers,
            "layer_sizes": layer_sizes,
            "label": [labels[n] for n in given],
            "weight": edges.inside[given],
            "conductance": edges.conductance[given],
            **_coherence_columns(judged, given),
            "label_similarity": alike[given],
            "stability": np.add.reduceat(stays[members], first) / size if len(given) else [],
            "recovery": stable.recovery[given] if stable else np.full(len(given), np.nan),
            "members": _lists(graph.features["id"].to_numpy()[members], first),
            "inside": _lists(inner[members], first),
            "outside": _lists(np.maximum(graph.strength - inner, 0.0)[members], first),
            "stabilities": _lists(stays[members], first),
        }
        return tables.rows(tables.COMMUNITIES, columns)


def _coherence_columns(judged: Coherence | None, given: Integers) -> dict[str, Floats]:
    unknown = np.full(len(given), np.nan)
    return {
        "coherence": judged.observed[given] if judged else unknown,
        "coherence_chance": judged.chance[given] if judged else unknown,
        "coherence_rank": judged.rank[given] if judged else unknown,
    }


def _inner_strength(graph: Weighted, number: Integers) -> Floats:
    """Return the weight of each feature's edges inside its community [n]."""
    same = (number[graph.source] == number[graph.target]) & (number[graph.source] != ALONE)
    return strengths(graph.source[same], graph.target[same], graph.weight[same], graph.size)


def _layers(
    graph: Weighted, number: Integers, members: Integers, given: Integers
) -> tuple[list[list[int]], list[list[int]]]:
    """Return the layers of each community in order, and the features of each of them."""
    layer = graph.features["layer"].to_numpy()[members]
    width = int(layer.max(initial=0)) + 1
    cells, count = np.unique(number[members] * width + layer, return_counts=True)
    owner, found = np.divmod(cells, width)
    first = np.searchsorted(owner, given)
    return _lists(found, first), _lists(count, first)


def _lists(values: Any, first: Integers) -> list[list[Any]]:
    """Return values cut into lists that begin at the places `first`."""
    return [part.tolist() for part in np.split(values, first[1:])] if len(first) else []


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
