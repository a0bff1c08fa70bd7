"""Hashes do not depend on what has no order: labels, and the server's numbers of them."""

from collections.abc import Iterator
from typing import Any

from saedb.cypher import fingerprint
from saedb.cypher.connection import Connection


class Told(Connection):
    """A graph of one feature, whose labels come in some order."""

    def __init__(self, labels: list[str]) -> None:
        self._labels = labels

    def read(self, cypher: str, /, **parameters: Any) -> list[dict[str, Any]]:
        return [{"n": 1}, {"n": 0}] if "UNION" in cypher else [{"n": 0, "rows": []}]

    def columns(self, cypher: str, /, **parameters: Any) -> Iterator[dict[str, list[Any]]]:
        if "(x:Feature)" in cypher:
            yield {"its_run": ["r"], "its_labels": [self._labels], "its_size": [1], "id": ["m/0-a/0"]}


def test_the_order_of_labels_says_nothing() -> None:
    one, other = (fingerprint.of_graph(Told(labels)) for labels in (["Feature", "L00"], ["L00", "Feature"]))
    assert one == other
    assert one != fingerprint.of_graph(Told(["Feature", "L01"]))
