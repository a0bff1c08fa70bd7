"""Two partitions in the graph, of one run or of two: what became of each community of the one in the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from saedb.cypher import names
from saedb.cypher.communities.agreement import Agreement, agreement
from saedb.cypher.communities.numbering import ALONE, SAME, Overlap
from saedb.cypher.connection import Connection
from saedb.ingest.errors import InputError
from saedb.ingest.measures import Integers

Kind = Literal["kept", "merged", "split", "dissolved"]
OUTCOMES: Final[tuple[Kind, ...]] = ("kept", "merged", "split", "dissolved")

_PART: Final = 0.1
"""Share of a community that counts as a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A partition as the graph has it."""

    partition: str
    number: pd.Series
    """Number of each feature's community, by the feature's id."""
    sizes: Mapping[int, int]
    labels: Mapping[int, str | None]

    def agreement(self, other: "Division") -> Agreement | None:
        """Return how like two partitions are; None where no feature is in a community."""
        return agreement(*_aligned(self, other))

    def within(self, features: pd.Index) -> "Division":
        """Return it with only some features, and the communities that have any of these."""
        number: pd.Series = self.number.loc[self.number.index.isin(features)]
        sizes: dict[int, int] = number.value_counts().to_dict()
        return replace(self, number=number, sizes=sizes, labels={n: self.labels[n] for n in sizes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a community."""

    community: int
    kind: Kind
    overlap: float
    """Jaccard with the one most like it; 0 where all its features are alone."""
    parts: Mapping[int, int]
    """Its features in the communities that hold a tenth of it and more, the largest part first."""


def division(connection: Connection, run: str, partition: str) -> Division:
    """Return a partition of a run."""
    rows = connection.read(
        "MATCH (c:Community {run: $run, partition: $partition}) "
        "RETURN c.number AS number, c.size AS size, c.label AS label, [(c)<-[:IN_COMMUNITY]-(f) | f.id] AS features",
        run=run, partition=partition,
    )  # fmt: skip
    ids = [feature for row in rows for feature in row["features"]]  # lists: the driver takes long for many rows
    numbers = [row["number"] for row in rows for _ in row["features"]]
    return Division(
        partition=partition,
        number=pd.Series(numbers, index=pd.Index(ids, dtype=object), dtype=np.int64),
        sizes={row["number"]: row["size"] for row in rows},
        labels={row["number"]: row["label"] for row in rows},
    )


def divisions(connection: Connection, one: tuple[str, str], other: tuple[str, str]) -> tuple[Division, Division]:
    """Return two partitions, given by run and name; of two runs only the features that both have."""
    first, second = division(connection, *one), division(connection, *other)
    if one[0] == other[0]:
        return first, second
    there = [_features(connection, run) for run, _ in (one, other)]
    return first.within(there[1]), second.within(there[0])


def _features(connection: Connection, run: str) -> pd.Index:
    rows = connection.read("MATCH (f:Feature {run: $run}) RETURN f.sae AS sae, collect(f.id) AS ids", run=run)
    return pd.Index([id_ for row in rows for id_ in row["ids"]])


def named(connection: Connection, run: str, partition: str, other: str | None) -> list[tuple[str, str]]:
    """Return run and name of the partitions that one is to be compared with: what the user named, or all of its run.

    Raises:
        InputError: there is no such run or partition, or it is the same one.
    """
    if other is None:
        rows = connection.read("MATCH (p:Partition {run: $run}) RETURN p.id AS id ORDER BY id", run=run)
        return [(run, row["id"]) for row in rows if row["id"] != partition]
    their_run, _, name = other.rpartition(":")
    their_run = names.run_id(connection, their_run) if their_run else run
    found = names.partition_id(connection, their_run, name)
    assert found is not None
    if (their_run, found) == (run, partition):
        raise InputError(f"{partition} cannot be compared with itself; name another partition, or RUN:PARTITION")
    return [(their_run, found)]


def outcomes(one: Division, other: Division) -> Iterator[Outcome]:
    """Yield what became of each community of `one`, the largest first."""
    overlap = Overlap.of(*_aligned(one, other))
    size, their_size = (
        np.array([sizes.get(int(number), 0) for number in numbers], np.int64)
        for sizes, numbers in ((one.sizes, overlap.one), (other.sizes, overlap.other))
    )
    jaccard = overlap.jaccard(size, their_size)
    for number in sorted(one.sizes, key=lambda number: (-one.sizes[number], number)):
        cells = slice(*np.searchsorted(overlap.one, [number, number + 1]))
        counts: dict[int, int] = dict(zip(overlap.other[cells].tolist(), overlap.count[cells].tolist(), strict=True))
        yield _outcome(number, one.sizes[number], counts, float(jaccard[cells].max(initial=0.0)))


def _outcome(number: int, size: int, counts: Mapping[int, int], overlap: float) -> Outcome:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = {other: count for other, count in ordered if count >= _PART * size}
    kind: Kind = "dissolved"
    if overlap > SAME:
        kind = "kept"
    elif parts and max(parts.values()) > size / 2:
        kind = "merged"
    elif len(parts) > 1 and sum(parts.values()) >= size / 2:
        kind = "split"
    return Outcome(community=number, kind=kind, overlap=overlap, parts=parts)


def _aligned(one: Division, other: Division) -> tuple[Integers, Integers]:
    """Return the numbers of all features of either, in the same order; `ALONE` where one is in no community."""
    features = one.number.index.union(other.number.index, sort=False)
    found: list[Any] = [d.number.reindex(features, fill_value=ALONE).to_numpy(np.int64) for d in (one, other)]
    return found[0], found[1]
