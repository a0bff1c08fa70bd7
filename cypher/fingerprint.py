"""Whether a graph holds exactly what its runs' directories say: counts and order-free hashes of all that is stored.

A row's hash is made of its labels, its ends, its properties by name, and of how many properties it has, so that one
that nobody declared shows. The hashes of the rows of a run are added, which has no order.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.util import hash_array

from saedb.cypher import contents, schema
from saedb.cypher.connection import Connection
from saedb.cypher.schema import ARROW, BY_LABEL, NODES, RELATIONSHIPS, RUN, Node, Relationship
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_LOADS_OWN: Final = ("status", "owner", "claim", "heartbeat", "loading", "path", "loaded")
"""Properties of a Run node that another load of the same content gives other values."""
_SOURCES: Final = 2048
"""Nodes whose relationships are read at once."""

_COUNTS: Final = "MATCH (n) RETURN count(n) AS n UNION ALL MATCH ()-[e]->() RETURN count(e) AS n"

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Sum:
    """Rows of one kind."""

    count: int = 0
    total: int = 0
    """Sum of their hashes, modulo 2^64."""

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.count + other.count, (self.total + other.total) % 2**64)


Fingerprint = Mapping[tuple[str, str], Sum]
"""By run, and by label or relationship type."""


def of_run(run: RunDirectory) -> Fingerprint:
    """Return the fingerprint that the graph of a run has."""
    own = {name: [value] for name, value in contents.run_properties(run).items() if name not in _LOADS_OWN}
    found = {(run.record.id, RUN.label): _sum(_of_table(RUN, schema.rows(RUN, own), RUN.label))}
    for part in contents.parts(run):
        labels = _joined(part.labels) if isinstance(part.item, Node) else part.item.type
        key = (run.record.id, _name(part.item))
        found[key] = found.get(key, Sum()) + _sum(_of_table(part.item, part.rows, labels))
    return {key: sum_ for key, sum_ in found.items() if sum_.count}


def of_graph(connection: Connection, report: Report = silent, run: str | None = None) -> Fingerprint:
    """Return the fingerprint of everything in a graph that is of a declared kind, or of one run.

    Relationships are found from their sources; those that this misses count under no run.
    """
    total = sum(row["n"] for row in connection.read(_COUNTS))
    found: dict[tuple[str, str], Sum] = {}
    sources: dict[str, list[tuple[Any, Any]]] = {}
    done = 0

    def add(item: Node | Relationship, columns: Mapping[str, Sequence[Any]]) -> None:
        nonlocal done
        for name, sum_ in _by_run(item, columns):
            found[name, _name(item)] = found.get((name, _name(item)), Sum()) + sum_
            done += sum_.count
        report("comparing the graph with its runs", done, max(total, done))

    for node in NODES:
        for columns in connection.columns(_node_statement(node), left_out=[*_left_out(node), "run"], run=run):
            add(node, columns)
            known = sources.setdefault(node.label, [])
            known += zip(columns["its_run"], columns["id"], strict=True)
    for edge in RELATIONSHIPS:
        for columns in _relationships(connection, edge, sources.get(edge.source, [])):
            add(edge, columns)
        if run is None and (missed := _stored(connection, edge) - _seen(found, edge)):
            found["", edge.type] = Sum(missed)
    return found


def undeclared(connection: Connection) -> str | None:
    """Return what a graph holds that is of no declared kind, such as ``3 nodes``, or None."""
    nodes, relationships = (row["n"] for row in connection.read(_COUNTS))
    nodes -= sum(connection.read(f"MATCH (n:{node.label}) RETURN count(n) AS n")[0]["n"] for node in NODES)
    relationships -= sum(_stored(connection, edge) for edge in RELATIONSHIPS)
    if nodes:
        return f"{nodes} nodes"
    return f"{relationships} relationships" if relationships else None


def _stored(connection: Connection, edge: Relationship) -> int:
    return connection.read(f"MATCH ()-[e:{edge.type}]->() RETURN count(e) AS n")[0]["n"]


def _seen(found: Fingerprint, edge: Relationship) -> int:
    return sum(sum_.count for (_, kind), sum_ in found.items() if kind == edge.type)


def _name(item: Node | Relationship) -> str:
    return item.label if isinstance(item, Node) else item.type


def _left_out(item: Node | Relationship) -> tuple[str, ...]:
    return _LOADS_OWN if item is RUN else ()


def _properties(item: Node | Relationship) -> list[str]:
    """Return the properties of which a hash is made; the run is what hashes are added by."""
    return [p.name for p in item.properties if p.name not in (*_left_out(item), "run")]


_SIZE: Final = "size([k IN keys(x) WHERE NOT k IN $left_out])"


def _node_statement(node: Node) -> str:
    values = ", ".join(f"x.`{name}` AS `{name}`" for name in _properties(node))
    return (
        f"MATCH (x:{node.label}) WITH x, x.{node.key[0]} AS its_run WHERE $run IS NULL OR its_run = $run "
        f"RETURN its_run, labels(x) AS its_labels, {_SIZE} AS its_size, {values}"
    )


def _relationships(
    connection: Connection, edge: Relationship, sources: Sequence[tuple[Any, Any]]
) -> Iterator[dict[str, Sequence[Any]]]:
    """Yield the relationships of so many sources at a time, in one list: the driver takes long for many rows."""
    key = BY_LABEL[edge.source].key
    match = "{run: $run, id: id}" if "run" in key else "{id: id}"
    values = "".join(f", x.`{name}`" for name in _properties(edge))
    is_inside = "t.run = $run AND coalesce(x.run, $run) = $run"
    statement = (
        f"UNWIND $ids AS id MATCH (s:{edge.source} {match}) USING INDEX SEEK s:{edge.source}({', '.join(key)}) "
        f"MATCH (s)-[x:{edge.type}]->(t) "
        f"RETURN collect([id, t.id, {_SIZE} + CASE WHEN {is_inside} THEN 0 ELSE 1000 END{values}]) AS rows"
    )
    for run, group in groupby(sources, key=lambda source: source[0]):
        ids = [id_ for _, id_ in group if isinstance(run, str)]
        for start in range(0, len(ids), _SOURCES):
            part = ids[start : start + _SOURCES]
            rows = connection.read(statement, run=run, ids=part, left_out=["run"])[0]["rows"]
            if rows:
                names = ("source", "target", "its_size", *_properties(edge))
                columns = dict(zip(names, zip(*rows, strict=True), strict=True))
                yield {**columns, "its_run": [run] * len(rows), "its_labels": [[edge.type]] * len(rows)}


def _by_run(item: Node | Relationship, columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Sum]]:
    types = {p.name: ARROW[p.type] for p in item.properties}
    if isinstance(item, Relationship):
        types |= {end: schema.key_type(label) for end, label in (("source", item.source), ("target", item.target))}
    rows = {name: _column(columns[name], type_) for name, type_ in types.items() if name in columns}
    labels = np.array([_joined(names) for names in columns["its_labels"]], dtype=object)
    hashes = _mixed(rows, labels, np.array(columns["its_size"], dtype=np.int64))
    runs = [run if isinstance(run, str) else repr(run) for run in columns["its_run"]]  # it may lack, or be of any type
    codes, names = pd.factorize(np.array(runs, dtype=object))
    for code, name in enumerate(names):
        yield str(name), _sum(hashes[codes == code])


def _of_table(item: Node | Relationship, rows: pa.Table, labels: str) -> Hashes:
    """Return the hash of each row [rows] of a run's table."""
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    ends = ("source", "target") if isinstance(item, Relationship) else ()
    stored = [np.asarray(column.is_valid()) for name, column in columns.items() if name not in ends]
    size = sum(stored, np.zeros(rows.num_rows, dtype=np.int64))
    return _mixed(columns, np.full(rows.num_rows, labels, dtype=object), size)


def _mixed(columns: Mapping[str, pa.Array], labels: NDArray[np.object_], size: NDArray[np.int64]) -> Hashes:
    total = _scrambled(_text_hashes(labels) + size.astype(np.uint64))
    for name, column in columns.items():
        seed = np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
        total += np.where(np.asarray(column.is_valid()), _scrambled(_words(column) ^ seed), np.uint64(0))
    return _scrambled(total)


def _words(column: pa.Array) -> Hashes:
    """Return 64 bits for each value [rows]; those of nulls say nothing."""
    if pa.types.is_list(column.type):
        texts = ["\x1f".join(map(str, value)) if value is not None else "" for value in column.to_pylist()]
        return _text_hashes(np.array(texts, dtype=object))
    if pa.types.is_string(column.type):
        return _text_hashes(column.fill_null("").to_numpy(zero_copy_only=False).astype(object))
    values = column.fill_null(False if pa.types.is_boolean(column.type) else 0).to_numpy(zero_copy_only=False)
    return values.astype(np.uint64) if values.dtype == np.bool_ else values.view(np.uint64)


def _joined(labels: Sequence[str]) -> str:
    """Return labels as one text; the server has them in the order in which it came to know them."""
    return ":".join(sorted(labels))


def _text_hashes(texts: NDArray[np.object_]) -> Hashes:
    return hash_array(texts)  # pyright: ignore[reportCallIssue]  # pandas.util declares no types


def _column(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # somebody has stored another type
        return pa.array([None if value is None else repr(value) for value in values])


def _scrambled(words: Hashes) -> Hashes:
    """Return words whose every bit depends on every bit of those given (splitmix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _sum(hashes: Hashes) -> Sum:
    return Sum(len(hashes), int(hashes.sum(dtype=np.uint64)) if len(hashes) else 0)
