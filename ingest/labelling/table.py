"""The labels of a run. Before any were imported these are the automatic ones of its feature table.

From then on the table of labels has all of them, the automatic ones too, with their order: what it says needs no other
file, so a table that a killed process had not recorded can be adopted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest import tables
from saedb.ingest.labelling import preference as preferences
from saedb.ingest.labelling.rule import AUTO
from saedb.ingest.rundir import FEATURES_FILE, LABELS_FILE, RunDirectory

_OWN: Final = ("feature", "source", "author", "method")
"""A label takes the place of those that have the same of these."""
_CONTENT: Final = (*_OWN, "text", "score", "file")
_SEPARATOR: Final = "\x1f"
"""In no text: labels and names are cleaned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The labels of features as a graph shows them; each [features], null where there is no label."""

    label: pa.Array
    """The preferred one."""
    source: pa.Array
    """Of the preferred one, in words."""
    labels: pa.Array
    """All, the preferred one first."""
    sources: pa.Array
    """Of each of these."""


class Labels:
    """The table of labels of a run; rows by feature, in the order of the feature table, and then by rank."""

    def __init__(self, rows: pa.Table, features: pa.ChunkedArray) -> None:
        self.rows = rows
        self._features = features
        """Ids of all features of the run."""

    @classmethod
    def of(cls, run: RunDirectory) -> Self:
        """Return what a run has.

        Raises:
            RunError: a table is missing or damaged.
        """
        features = run.read(tables.FEATURES, FEATURES_FILE).select(["id"])
        if LABELS_FILE in run.record.files:
            return cls(run.read(tables.LABELS, LABELS_FILE), features["id"])
        return cls(automatic(run), features["id"])

    @property
    def preference(self) -> list[str]:
        """What was asked to be preferred, best first."""
        return self.rows["preference"][0].as_py() if self.rows.num_rows else []

    @property
    def features(self) -> list[str]:
        """Ids of all features of the run, those without a label too."""
        return self._features.to_pylist()

    def write(self, run: RunDirectory) -> None:
        """Replace the table of a run."""
        run.write(tables.LABELS, LABELS_FILE, [self.rows])

    def merged(self, new: pa.Table) -> Self:
        """Return it with more labels, in place of those of the same feature, source, author and method.

        A label that was there already keeps the time of its import.
        """
        new = new.take(pa.array(_firsts(new)))
        earlier = pc.call_function("index_in", [_keys(new, _CONTENT)], _among(_keys(self.rows, _CONTENT)))
        imported = pc.call_function("coalesce", [self.rows["imported"].take(earlier), new["imported"]])
        new = new.set_column(new.schema.get_field_index("imported"), "imported", imported)
        goes = pc.call_function("is_in", [_keys(self.rows, _OWN)], _among(_keys(new, _OWN)))
        kept = self.rows.filter(pc.call_function("invert", [goes]))
        rows = pa.concat_tables([kept, new.cast(self.rows.schema)])
        return self._ordered(rows, self.preference)

    def without(self, source: str) -> Self:
        """Return it without the labels of a source."""
        kept = [name for name in self.preference if name.partition(":")[0] != source]
        return self._ordered(self.rows.filter(pc.field("source") != source), kept)

    def preferring(self, preference: Sequence[str]) -> Self:
        """Return it with another preference.

        Raises:
            InputError: there are no labels of what is to be preferred.
        """
        preferences.check(preference, self.rows)
        return self._ordered(self.rows, list(dict.fromkeys(preference)))

    def shown(self) -> Shown:
        """Return the labels of each feature of the run."""
        counts = np.bincount(self._numbers(self.rows), minlength=len(self._features))
        first, is_none = np.concatenate([[0], np.cumsum(counts)]), pa.array(counts == 0)
        texts, sources = self.rows["text"].combine_chunks(), in_words(self.rows)
        of_first = pa.array(first[:-1], pa.int64(), mask=counts == 0)
        offsets = pa.array(first, pa.int32())
        return Shown(
            label=texts.take(of_first),
            source=sources.take(of_first),
            labels=pa.ListArray.from_arrays(offsets, texts, mask=is_none),
            sources=pa.ListArray.from_arrays(offsets, sources, mask=is_none),
        )

    def by_source(self) -> list[dict[str, Any]]:
        """Return one row for each source, author and method: its labels, features, and those where it is preferred."""
        first = pc.call_function("equal", [self.rows["rank"], pa.scalar(0)]).cast(pa.int64())
        counts = [("feature", "count"), ("feature", "count_distinct"), ("first", "sum"), ("score", "count")]
        own = self.rows.append_column("first", first).group_by(list(_OWN[1:]))
        found = own.aggregate([*counts, ("imported", "max")])
        names = [*_OWN[1:], "labels", "features", "preferred", "scored", "imported"]
        return found.rename_columns(names).sort_by([(name, "ascending") for name in _OWN[1:]]).to_pylist()

    @property
    def labelled(self) -> int:
        """Number of the features that have a label."""
        return int((self.rows["rank"].to_numpy() == 0).sum())

    def _ordered(self, rows: pa.Table, preference: Sequence[str]) -> Self:
        order, ranks = preferences.ranks(rows, self._numbers(rows), preference)
        rows = rows.take(order)
        columns = {name: rows[name] for name in rows.column_names}
        columns |= {"rank": ranks, "preference": [list(preference)] * rows.num_rows}
        return type(self)(tables.rows(tables.LABELS, columns), self._features)

    def _numbers(self, rows: pa.Table) -> Any:
        """Return the row of each label's feature in the feature table [labels]."""
        return pd.Index(self._features.to_pandas()).get_indexer(rows["feature"].to_pandas())


def automatic(run: RunDirectory) -> pa.Table:
    """Return the labels that the feature table of a run holds, which were made when the run was."""
    features = run.read(tables.FEATURES, FEATURES_FILE).select(["id", "label"])
    own = features.filter((pc.field("label").is_valid()) & (pc.field("label") != ""))
    count = own.num_rows
    columns = {
        "feature": own["id"],
        "rank": [0] * count,
        "text": own["label"],
        "source": [AUTO] * count,
        "imported": [run.record.created] * count,
        "preference": [[]] * count,
    }
    return tables.rows(tables.LABELS, columns)


def in_words(rows: pa.Table) -> pa.Array:
    """Return where each label [labels] is from: ``neuronpedia gpt-4o-mini (oai_token-act-pair)``."""
    source, author, method = (rows[name].combine_chunks() for name in _OWN[1:])
    null = pa.scalar(None, pa.string())
    in_brackets = pc.call_function("binary_join_element_wise", [pa.scalar("("), method, pa.scalar(")"), pa.scalar("")])
    options = pc.JoinOptions(null_handling="skip")
    parts = [source, author, pc.call_function("if_else", [method.is_valid(), in_brackets, null]), pa.scalar(" ")]
    return pc.call_function("binary_join_element_wise", parts, options)


def _keys(rows: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """Return what labels have in some columns as one text each [labels]."""
    options = pc.JoinOptions(null_handling="replace", null_replacement="")
    columns = [rows[name].cast(pa.string()) for name in names]
    return pc.call_function("binary_join_element_wise", [*columns, pa.scalar(_SEPARATOR)], options)


def _among(keys: pa.ChunkedArray) -> pc.SetLookupOptions:
    return pc.SetLookupOptions(keys.combine_chunks())


def _firsts(rows: pa.Table) -> Any:
    """Return the places of labels that say what none before them says."""
    codes = _keys(rows, (*_OWN, "text")).combine_chunks().dictionary_encode().indices
    return np.sort(np.unique(codes.to_numpy(), return_index=True)[1])
