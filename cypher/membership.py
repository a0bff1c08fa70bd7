"""The communities of a run in the graph.

(:Feature)-[:IN_COMMUNITY]->(:Community)
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import log
from typing import Any, Final

import pyarrow as pa

from saedb.cypher.batches import BATCH, batches
from saedb.cypher.claim import Claim
from saedb.ingest import rundir, tables
from saedb.ingest.progress import Report, silent
from saedb.ingest.record import CommunitiesRecord
from saedb.ingest.rundir import RunDirectory

_WORDS: Final = 3
"""Words in a community's label."""
_WORD: Final = re.compile(r"[^\W_]{2,}")

_CREATE: Final = """
UNWIND $rows AS row
CREATE (c:Community)
SET c = row, c.run = $run
RETURN count(*) AS n
"""
_JOIN: Final = """
UNWIND range(0, size($feature) - 1) AS i
MATCH (f:Feature {run: $run, id: $feature[i]}) USING INDEX SEEK f:Feature(run, id)
MATCH (c:Community {run: $run, id: $community[i]}) USING INDEX SEEK c:Community(run, id)
CREATE (f)-[:IN_COMMUNITY]->(c)
SET f.community = c.id
RETURN count(*) AS n
"""
_LEAVE: Final = """
MATCH (c:Community {run: $run})<-[m:IN_COMMUNITY]-(f)
WITH f, m LIMIT $batch
REMOVE f.community
DELETE m
RETURN count(*) AS n
"""
_DELETE: Final = """
MATCH (c:Community {run: $run})
DELETE c
RETURN count(*) AS n
"""


def load_communities(claim: Claim, run: RunDirectory, report: Report = silent) -> dict[str, int | float]:
    """Return the Run node's properties of the communities that were loaded: none, where the run has none."""
    record = run.record.communities
    if record is None:
        return {}
    members = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE)
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE).select(["id", "layer", "label"])
    rows = community_rows(members, features, record)
    claim.write(_CREATE, rows=rows, expected=len(rows))
    done = 0
    for part in batches(members):
        claim.write(_JOIN, expected=part.num_rows, **part.to_pydict())
        done += part.num_rows
        report("loading communities", done, members.num_rows)
    return {"communities": record.count, "modularity": record.modularity}


def remove_communities(claim: Claim) -> None:
    """Delete the claimed run's communities from the graph."""
    while claim.write(_LEAVE, batch=BATCH):
        pass
    claim.write(_DELETE)


def community_rows(members: pa.Table, features: pa.Table, record: CommunitiesRecord) -> list[dict[str, Any]]:
    """Return the properties of each Community, largest first.

    Args:
        members: columns ``feature`` and ``community``.
        features: columns ``id``, ``layer`` and ``label``, one row for every feature of the run.
        record: how the communities were found.
    """
    common = {k: v for k, v in asdict(record).items() if k != "count"}
    frequencies = word_counts(text for text in features["label"].to_pylist() if text)
    layers: dict[int, list[int]] = defaultdict(list)
    labels: dict[int, list[str]] = defaultdict(list)
    joined = members.join(features, "feature", "id")
    for number, layer, label in zip(
        *(joined[name].to_pylist() for name in ("community", "layer", "label")), strict=True
    ):
        layers[number].append(layer)
        labels[number].extend([label] if label else [])
    return [
        {
            **common,
            "id": number,
            "size": len(layers[number]),
            "layers": sorted(set(layers[number])),
            "label": shared_words(labels[number], frequencies, len(features) - features["label"].null_count),
        }
        for number in sorted(layers)
    ]


def word_counts(labels: Iterable[str]) -> Counter[str]:
    """Return in how many of the labels each word occurs."""
    return Counter(word for label in labels for word in set(_WORD.findall(label.lower())))


def shared_words(labels: Sequence[str], frequencies: Mapping[str, int], total: int) -> str | None:
    """Return the words that most tell these labels from all, best first; None where they share no word.

    A word's weight is its share among these labels times the squared logarithm of its lift, how much larger that is
    than its share among all labels: so "phrases related to" is no community's name.

    Args:
        labels: labels of the community's features.
        frequencies: in how many labels of the run each word occurs.
        total: number of labels in the run.
    """
    weights: dict[str, float] = {}
    for word, count in word_counts(labels).items():
        share = count / len(labels)
        lift = share * total / frequencies[word]
        if count > 1 and lift > 1:
            weights[word] = share * log(lift) ** 2
    return ", ".join(sorted(weights, key=lambda word: (-weights[word], word))[:_WORDS]) or None
