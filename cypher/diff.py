"""Two runs of one server compared by feature id.

1. The features of both make one list, by depth and index, in which each has a number.
2. For so many of them at a time, the outgoing edges are read from both runs, as columns in one row: a row for each edge
   takes the driver several times as long. All are read, whatever their measures: an edge that counts in one run is
   looked for in the other, and memory holds no more than a part.
3. `comparison` counts them and keeps the strongest; labels are looked up for these alone.
"""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saedb.cypher import definitions, measured, names
from saedb.cypher.comparison import NAMES, Booleans, Comparison
from saedb.cypher.connection import Connection, Row
from saedb.cypher.defaults import DIFF_LIMIT, DIFF_MEASURE, DIFF_THRESHOLD
from saedb.cypher.difference import Difference
from saedb.cypher.frames import frame
from saedb.cypher.transitions import DIRECTIONS, counts_by_sae, in_one_list, transitions
from saedb.ingest.errors import InputError
from saedb.ingest.measures import Integers
from saedb.ingest.progress import Report, silent

_PART: Final = 2048
"""Features whose edges are read at once."""

_TYPES: Final = {
    "id": "STRING", "sae": "STRING", "depth": "INTEGER", "index": "INTEGER",
    "state_in": "STRING", "state_out": "STRING",
}  # fmt: skip
_FEATURES: Final = f"MATCH (f:Feature {{run: $run}}) RETURN {', '.join(f'f.{name} AS {name}' for name in _TYPES)}"
_PAIRS: Final = "MATCH (u:Sae {run: $run})-[:COMPARED_WITH]->(d:Sae) RETURN u.id AS source, d.id AS target"
_EDGES: Final = f"""
UNWIND range(0, size($ids) - 1) AS i
MATCH (u:Feature {{run: $run, id: $ids[i]}}) USING INDEX SEEK u:Feature(run, id)
MATCH (u)-[e:EVOLVES_TO]->(d:Feature)
RETURN collect(i) AS u, collect(d.id) AS d,
       {", ".join(f"collect(coalesce(e.{name}, $missing)) AS {name}" for name in NAMES)}
"""
_LABELS: Final = """
UNWIND $ids AS id
MATCH (f:Feature {run: $run, id: id}) USING INDEX SEEK f:Feature(run, id)
WHERE f.label IS NOT NULL
RETURN id, f.label AS label
"""

_ENDS: Final = {"source": "source_label", "target": "target_label", "feature": "label"}
"""Columns with ids, and what the columns with their labels are called."""

Pairs = set[tuple[str, str]]
Texts = NDArray[np.object_]


def diff(
    connection: Connection,
    a: str,
    b: str,
    *,
    measure: str = DIFF_MEASURE,
    threshold: float = DIFF_THRESHOLD,
    limit: int = DIFF_LIMIT,
    report: Report = silent,
) -> Difference:
    """Return how run `b` differs from run `a`.

    Args:
        connection: a server that holds both, ready.
        a: the run that is compared with.
        b: the run whose changes are told.
        measure: what makes an edge count.
        threshold: lowest value of an edge that counts.
        limit: examples of each kind of change, at least 1.
        report: progress, in features.

    Raises:
        InputError: a run is unknown or not ready, or lacks the measure; they have no feature in common; there is no
            such measure; or a number is out of range.
    """
    _check_parameters(measure, threshold, limit)
    a, b = names.run_id(connection, a), names.run_id(connection, b)
    for run in (a, b):
        measured.checked(connection, run, measure)
    report("reading features", 0, None)
    features = in_one_list(_features(connection, a), _features(connection, b))
    defined = definitions.definition(connection, a), definitions.definition(connection, b)
    if not np.any(features["in_a"] & features["in_b"]):
        models = " and ".join(f"run {run['id']} (model {run['model']})" for run in defined)
        raise InputError(f"no feature is in both {models}; only runs of the same model and SAEs can be compared")
    in_a, in_b = _pairs(connection, a), _pairs(connection, b)
    sae, common = _numbered(features.loc[:, "sae"], in_a & in_b)
    comparison = Comparison(measure=measure, threshold=threshold, limit=limit, sae=sae, common=common)
    for parts in _parts(connection, (a, b), features, {source for source, _ in in_a | in_b}, report):
        comparison.add(*parts)
    states, changed = transitions(features, limit)
    return Difference(
        a=a,
        b=b,
        measure=measure,
        threshold=threshold,
        warnings=(
            *definitions.warnings(*defined),
            *_only_in(a, in_a - in_b),
            *_only_in(b, in_b - in_a),
            *_lacking((a, b), comparison),
            *_stateless((a, b), features),
        ),
        features=counts_by_sae(features),
        edges=comparison.counts_table(),
        measures=comparison.moves_table(),
        states=states,
        **_examples(connection, (a, b), features, comparison, changed),
    )


def _check_parameters(measure: str, threshold: float, limit: int) -> None:
    measured.named(measure)
    if not math.isfinite(threshold):
        raise InputError(f"the threshold is {threshold}; it must be a number")
    if limit < 1:
        raise InputError(f"the limit is {limit}; it must be at least 1")


def _features(connection: Connection, run: str) -> pd.DataFrame:
    return frame(connection.columns(_FEATURES, run=run), _TYPES)


def _pairs(connection: Connection, run: str) -> Pairs:
    """Return the SAEs that a run compared: without that, a missing edge says nothing."""
    return {(row["source"], row["target"]) for row in connection.read(_PAIRS, run=run)}


def _numbered(saes: pd.Series, common: Pairs) -> tuple[Integers, Booleans]:
    """Return the number of each feature's SAE [features], and which SAEs both runs compared [upstream, downstream]."""
    numbers, found = pd.factorize(saes)
    place = {sae: number for number, sae in enumerate(found)}
    matrix = np.zeros((len(found), len(found)), np.bool_)
    for source, target in common:
        if source in place and target in place:
            matrix[place[source], place[target]] = True
    return numbers.astype(np.int64), matrix


def _parts(
    connection: Connection, runs: tuple[str, str], features: pd.DataFrame, sources: set[str], report: Report
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield the edges of both runs, those of some features at a time; their ends are the features' numbers."""
    ids, number = features["id"].tolist(), pd.Index(features["id"])
    upstream = np.flatnonzero(features["sae"].isin(list(sources)))
    with ThreadPoolExecutor(max_workers=len(runs)) as pool:  # the server takes longer than the comparison
        for start in range(0, len(upstream), _PART):
            part = upstream[start : start + _PART]
            read = partial(_read, connection, [ids[i] for i in part])
            a, b = (_edges(columns, part, number) for columns in pool.map(read, runs))
            yield a, b
            report("comparing edges", min(start + _PART, len(upstream)), len(upstream))


def _read(connection: Connection, ids: list[str], run: str) -> Row:
    return connection.read(_EDGES, run=run, ids=ids, missing=math.nan)[0]


def _edges(columns: Mapping[str, list[float]], part: Integers, number: pd.Index) -> pd.DataFrame:
    measures = {name: np.array(columns[name], np.float64) for name in NAMES}
    u = part[np.array(columns["u"], np.int64)]
    return pd.DataFrame({"u": u, "d": number.get_indexer(columns["d"]), **measures})


def _examples(
    connection: Connection, runs: tuple[str, str], features: pd.DataFrame, comparison: Comparison, changed: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the tables of examples by the name that they have in the result, with ids and labels."""
    ids = features["id"].to_numpy(object)
    found = {kind: _with_ids(edges, ids) for kind, edges in comparison.best.items()}
    found["kept"] = found["kept"].drop(columns="elsewhere")  # always above
    found["changed"] = changed
    shown = {id_ for table in found.values() for name in _ENDS if name in table for id_ in table[name]}
    labels: dict[str, str] = {}
    for run in runs:
        labels |= {row["id"]: row["label"] for row in connection.read(_LABELS, run=run, ids=sorted(shown))}
    return {kind: _with_labels(table, labels) for kind, table in found.items()}


def _with_ids(edges: pd.DataFrame, ids: Texts) -> pd.DataFrame:
    ends = {name: ids[edges[end]] for end, name in (("u", "source"), ("d", "target"))}
    return pd.DataFrame({**ends, "a": edges["a"], "b": edges["b"], "elsewhere": edges["elsewhere"]})


def _with_labels(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with the label of each feature behind its id."""
    columns: dict[str, Any] = {}
    for name in table.columns:
        columns[name] = table[name]
        if name in _ENDS:
            columns[_ENDS[name]] = pd.Series([labels.get(id_) for id_ in table[name]], table.index, "object")
    return pd.DataFrame(columns)


def _only_in(run: str, pairs: Pairs) -> Iterator[str]:
    if pairs:
        source, target = min(pairs)
        counted = (
            f"{len(pairs)} pairs of SAEs, such as {source} and {target},"
            if len(pairs) > 1
            else f"{source} and {target}"
        )
        yield f"{run} alone compared {counted}: their edges are neither lost nor gained"


def _lacking(runs: tuple[str, str], comparison: Comparison) -> Iterator[str]:
    """Yield which measures one run has and the other lacks."""
    known = [{name for name in NAMES if comparison.known[side][name]} for side in ("a", "b")]
    for run, there, others in zip(runs, known, reversed(known), strict=True):
        lacking = [name for name in NAMES if name in others - there]
        if there and lacking:
            yield f"{run} has no {', '.join(lacking)}: not compared"


def _stateless(runs: tuple[str, str], features: pd.DataFrame) -> Iterator[str]:
    """Yield which direction's states one run has and the other lacks."""
    for direction in DIRECTIONS:
        has = [bool(np.any(features[f"{direction}_{side}"].notna())) for side in ("a", "b")]
        if any(has) and not all(has):
            yield f"{runs[has.index(False)]} has no {direction}: not compared"
