"""Which communities split or merged between partitions.

The largest first. What the words mean says saedb query compare-partitions --help.

@group communities
@param other: string  the partition to compare with, or RUN:PARTITION
@param run: run  the run to search
@param partition: partition  the partition (saedb query partitions)
@param outcome: choice(any, kept, merged, split, dissolved) = any  only communities that this became of; any: but kept
@param limit: integer = 100 in [1, 1000000]  most rows returned
@whole-graph
@column community: integer  a community of the first
@column label: string  what it is about
@column size: integer (features)  its features
@column outcome: string  kept, merged, split or dissolved
@column overlap: float  Jaccard with the one of the other partition that is most like it
@column others: integer[]  the communities that hold a tenth of it and more, the largest part first
@column parts: integer[] (features)  its features in each of these
@column other_labels: string[]  what these are about
@example main.consensus
@example yesterday:main --outcome split
"""

from collections.abc import Iterator
from itertools import islice

from saedb.cypher.communities.comparison import divisions, named, outcomes
from saedb.cypher.connection import Connection, Row


def rows(
    connection: Connection, *, other: str, run: str, partition: str | None, outcome: str, limit: int
) -> Iterator[Row]:
    """Yield one row for each community of the first partition that the other does not have.

    Raises:
        InputError: there is no such run or partition.
    """
    if partition is None:
        return
    ((other_run, name),) = named(connection, run, partition, other)
    one, two = divisions(connection, (run, partition), (other_run, name))
    found = (o for o in outcomes(one, two) if o.kind == outcome or (outcome == "any" and o.kind != "kept"))
    for changed in islice(found, limit):
        yield {
            "community": changed.community,
            "label": one.labels[changed.community],
            "size": one.sizes[changed.community],
            "outcome": changed.kind,
            "overlap": changed.overlap,
            "others": list(changed.parts),
            "parts": list(changed.parts.values()),
            "other_labels": [two.labels[number] for number in changed.parts],
        }
