"""What is known of a community from its members: size, layers, and the words that their labels share."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import log
from typing import Any, Final

import pyarrow as pa

from saedb.ingest.record import CommunitiesRecord

_WORDS: Final = 3
"""Words in a community's label."""
_WORD: Final = re.compile(r"[^\W_]{2,}")


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
