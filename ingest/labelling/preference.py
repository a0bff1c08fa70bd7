"""The order of the labels of a feature, by the rule of `rule`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.ingest.errors import InputError
from saedb.ingest.labelling.rule import AUTO
from saedb.ingest.naming import quoted


def ranks(labels: pa.Table, feature: NDArray[np.int64], preference: Sequence[str]) -> tuple[pa.Array, pa.Array]:
    """Return the order of labels, by feature and then as preferred, and their ranks in it, from 0 for each feature.

    Args:
        labels: rows of the table of labels, whatever their ranks.
        feature: number of the feature of each [labels].
        preference: what is preferred to all else, best first.
    """
    keys = pa.table(
        {
            "feature": feature,
            "asked": _places(labels, preference),
            "auto": pc.call_function("equal", [labels["source"], pa.scalar(AUTO)]).cast(pa.int8()),
            "score": labels["score"],
            "imported": labels["imported"],
            **{name: labels[name] for name in ("text", "source", "author", "method")},
        }
    )
    descending = ("score", "imported")
    by = [(name, "descending" if name in descending else "ascending") for name in keys.column_names]
    order = pc.call_function("sort_indices", [keys], pc.SortOptions(by))
    ordered = feature[order.to_numpy()]
    place = np.arange(len(ordered))
    return order, pa.array(place - np.searchsorted(ordered, ordered))


def check(preference: Sequence[str], labels: pa.Table) -> None:
    """Check that there are labels of what is to be preferred.

    Raises:
        InputError: there are none.
    """
    pairs = labels.group_by(["source", "author"]).aggregate([]).to_pylist()
    authors = {f"{row['source']}:{row['author']}" for row in pairs if row["author"]}
    known = sorted({row["source"] for row in pairs} | authors)
    for name in preference:
        if name not in known:
            raise InputError(
                f"there are no labels of {quoted(name)} to prefer; there are those of {', '.join(known) or 'nobody'}"
            )


def _places(labels: pa.Table, preference: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each label [labels] among what is preferred; after all of it for others."""
    source, author = (pd.Series(labels[name].to_pandas(), dtype=object) for name in ("source", "author"))
    place: Any = np.full(labels.num_rows, len(preference), np.int64)
    for number, name in reversed(list(enumerate(preference))):
        of_source, colon, of_author = name.partition(":")
        is_meant: Any = source == of_source
        place[is_meant & (author == of_author) if colon else is_meant] = number
    return place
