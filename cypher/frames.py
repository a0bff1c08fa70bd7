"""Rows of a statement as a pandas table, and back."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pandas import DataFrame

_DTYPES: Final = {
    "INTEGER": "Int64", "integer": "Int64", "FLOAT": "float64", "float": "float64",
    "BOOLEAN": "boolean", "boolean": "boolean",
}  # fmt: skip
"""pandas' type for a property or column; the others, and lists, stay Python objects."""


def frame(parts: Iterable[Mapping[str, list[Any]]], types: Mapping[str, str]) -> "DataFrame":
    """Return parts of columns as one table whose columns have their types even where it is empty or values are missing.

    Args:
        parts: values by column, as `Connection.columns` yields them.
        types: type of each column, as the schema or a query's header names it.
    """
    import pandas as pd

    dtypes = {name: _DTYPES.get(type_, "object") for name, type_ in types.items()}
    empty: dict[str, list[Any]] = {name: [] for name in types}
    frames = [
        pd.DataFrame({name: pd.Series(part[name], dtype=dtype) for name, dtype in dtypes.items()})
        for part in (empty, *parts)
    ]
    return pd.concat(frames, ignore_index=True)


def records(table: "DataFrame") -> list[dict[str, Any]]:
    """Return the rows of a table as Python's own values; what is missing is None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
