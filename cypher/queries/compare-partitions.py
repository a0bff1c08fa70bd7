"""How like partitions are to each other.

Partitions of one run, or of two, of which only the features count that both have. Compared are those that are in a
community of either; one that is in none counts as alone. A community is kept where it overlaps one of the other
partition by more than half (Jaccard). Else it merged where one of the others holds more than half of it; it split where
several hold half of it together, in parts of a tenth and more; and is dissolved otherwise.

@group communities
@param run: run  the run to search
@param partition: partition  the partition (saedb query partitions)
@param other: string = null  the one to compare it with, or RUN:PARTITION; without it every other one of the run
@whole-graph
@column partition: string  the first
@column other: string  the second
@column features: integer  features in a community of either
@column nmi: float  normalised mutual information, 1 for equal partitions
@column ari: float  adjusted Rand index, 0 as by chance, 1 for equal partitions
@column communities: integer  communities of the first
@column other_communities: integer  communities of the second
@column kept: integer  communities of the first that are found again
@column merged: integer  of which one other holds more than half
@column split: integer  that several others hold
@column dissolved: integer  none of these
@example --partition main --other main.consensus
@example --other yesterday:main
@nothing there is no other partition to compare it with; find one: saedb communities RUN --name NAME
"""

from collections import Counter
from collections.abc import Iterator

from saedb.cypher.communities.comparison import OUTCOMES, Division, divisions, named, outcomes
from saedb.cypher.connection import Connection, Row


def rows(connection: Connection, *, run: str, partition: str | None, other: str | None) -> Iterator[Row]:
    """Yield one row for each partition that this one is compared with.

    Raises:
        InputError: there is no such run or partition.
    """
    if partition is None:
        return
    for other_run, name in named(connection, run, partition, other):
        one, two = divisions(connection, (run, partition), (other_run, name))
        yield _row(one, two, f"{other_run}:{name}" if other_run != run else name)


def _row(one: Division, two: Division, name: str) -> Row:
    like = one.agreement(two)
    counts = Counter(outcome.kind for outcome in outcomes(one, two))
    return {
        "partition": one.partition,
        "other": name,
        "features": like.features if like else 0,
        "nmi": like.nmi if like else None,
        "ari": like.ari if like else None,
        "communities": len(one.sizes),
        "other_communities": len(two.sizes),
        **{kind: counts[kind] for kind in OUTCOMES},
    }
