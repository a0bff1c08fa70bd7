"""The largest values of a stream, by feature: tables [features, n] of values, largest first, and of their keys."""

from typing import Any

from saedb.ingest.compiled import inlined


@inlined
def rise(values: Any, keys: Any, feature: int, place: int, value: Any, key: Any) -> None:
    """Put a value in the stead of the lower one at `place`, and up to where it belongs: after those that equal it."""
    while place > 0 and values[feature, place - 1] < value:
        values[feature, place] = values[feature, place - 1]
        keys[feature, place] = keys[feature, place - 1]
        place -= 1
    values[feature, place] = value
    keys[feature, place] = key
