"""Communities of features across layers, by Leiden on the server's Graph Data Science library or on this machine.

1. The server projects the edges of one run from a floor on into memory, undirected, weighted by one measure. Several
   runs lie in one graph, so the projection is a query; it is dropped whatever happens.
2. Leiden with a seed, on one thread: with more the same seed gives another partition. Where the server lacks the
   library, `leiden` does both with the edges of the run directory.
3. Communities are numbered by size, then by their first feature. Features that are alone are left out.
4. The table and the record go into the run directory; from there they replace what the graph had (`replacement`).
"""

import logging
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher.connection import Connection
from saedb.cypher.defaults import ENGINE, MEASURE, MIN_SIMILARITY, RESOLUTION, SEED, Engine
from saedb.cypher.nearest import suggestion
from saedb.cypher.replacement import renew
from saedb.cypher.schema import COMMUNITY
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME, MEASURES, Integers
from saedb.ingest.progress import Report, silent
from saedb.ingest.record import CommunitiesRecord
from saedb.ingest.rundir import RunDirectory

if TYPE_CHECKING:
    from graphdatascience import GraphDataScience
    from graphdatascience.graph.graph_api import Graph

_log = logging.getLogger(__name__)

METHODS: Final[Mapping[Engine, str]] = {"gds": "leiden", "local": "leiden (leidenalg)"}
"""How communities say that they were found, by engine."""

# Leiden's result depends on the order of the nodes, and that of the edges is another after each load.
_NODES: Final = "MATCH (s:Feature {run: $run}) WITH s ORDER BY s.id RETURN s, null AS t, 0.0 AS weight"


def detect(
    connection: Connection,
    run: RunDirectory,
    *,
    engine: Engine = ENGINE,
    measure: str = MEASURE,
    min_similarity: float = MIN_SIMILARITY,
    resolution: float = RESOLUTION,
    seed: int = SEED,
    report: Report = silent,
) -> CommunitiesRecord:
    """Return how the communities were found and how many, after they replaced the run's earlier ones.

    Writes ``communities.parquet`` and the record into the run directory first, and then the graph: Community nodes,
    IN_COMMUNITY and the features' ``community``.

    Args:
        connection: a server that holds the run, and for the engine ``gds`` has Graph Data Science.
        run: the run directory.
        engine: ``gds`` is Graph Data Science; ``local`` is leidenalg, on any server.
        measure: weight of the edges, which must be positive.
        min_similarity: lowest weight of an edge that counts; higher leaves more features out.
        resolution: higher finds more and smaller communities (Leiden's gamma).
        seed: random seed.
        report: progress.

    Raises:
        InputError: a parameter is out of range, or the run has no such edges.
        GraphError: the graph does not hold this content of the run, holds additions of the user's to its communities,
            or the server lacks Graph Data Science.
    """
    if engine not in METHODS:
        raise InputError(f"there is no engine {engine!r}; {suggestion(engine, METHODS)}")
    _check_parameters(run, measure, min_similarity, resolution, seed)

    def find() -> CommunitiesRecord:
        report("finding communities", 0, None)
        if engine == "gds":
            found, modularity = _leiden(connection, run.record.id, measure, min_similarity, resolution, seed)
        else:
            from saedb.cypher import leiden  # and with it igraph, which most servers do without

            found, modularity = leiden.partition(run, measure, min_similarity, resolution, seed, report)
        rows = _members(run, found, report)
        record = CommunitiesRecord(
            method=METHODS[engine],
            measure=measure,
            min_similarity=min_similarity,
            resolution=resolution,
            seed=seed,
            count=len(rows["community"].unique()),
            modularity=modularity,
        )
        run.write(tables.COMMUNITIES, rundir.COMMUNITIES_FILE, [rows], communities=record)
        _log.info("%d communities, modularity %.3f", record.count, modularity)
        return record

    return renew(connection, run, COMMUNITY, find, report)


def _members(run: RunDirectory, found: pd.DataFrame, report: Report) -> pa.Table:
    """Return the members of communities of two and more."""
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE)["id"]
    place, number = numbered(_places(found["feature"].tolist(), features), found["community"].to_numpy(np.int64))
    report("finding communities", len(place), len(place))
    _log.info("%d features are in no community", len(features) - len(place))
    return tables.rows(tables.COMMUNITIES, {"feature": features.take(pa.array(place)), "community": number})


def numbered(place: Integers, community: Integers) -> tuple[Integers, Integers]:
    """Return the members of communities of two and more: their places and their communities' numbers, in order.

    Communities are numbered by size, the largest first, then by their first member.

    Args:
        place: rank of each feature among the features of the run [found], each once.
        community: its community's number, as it came [found].
    """
    order = np.argsort(place)
    place, community = place[order], community[order]
    _, first, group, size = np.unique(community, return_index=True, return_inverse=True, return_counts=True)
    ranking = np.lexsort((first, -size))
    number = np.argsort(ranking)[group]
    kept = size[group] > 1
    by_number = np.argsort(number[kept], kind="stable")
    return place[kept][by_number], number[kept][by_number]


def _places(ids: list[str], features: pa.ChunkedArray) -> Integers:
    return pd.Index(features.to_pandas()).get_indexer(ids).astype(np.int64)


def _check_parameters(run: RunDirectory, measure: str, min_similarity: float, resolution: float, seed: int) -> None:
    if measure not in BY_NAME:
        raise InputError(f"there is no measure {measure!r}; {suggestion(measure, BY_NAME)}")
    if not min_similarity > 0:
        raise InputError(f"the lowest similarity is {min_similarity}; weights must be positive")
    if not resolution > 0:
        raise InputError(f"the resolution is {resolution}; it must be positive")
    if not 0 <= seed < 2**63:
        raise InputError(f"the seed is {seed}; it should be in [0, 2^63)")
    highest = _highest(run, measure)
    if highest is None:
        there = measures_of(run)
        if not there:
            raise InputError(f"run {run.record.id} has no edges, so it has no communities")
        raise InputError(
            f"run {run.record.id} has no {measure}; it has {', '.join(there)}: choose with --measure {there[0]}"
        )
    if highest < min_similarity:
        raise InputError(f"run {run.record.id} has no edge with {measure} >= {min_similarity}; lower --min-similarity")


def measures_of(run: RunDirectory) -> list[str]:
    """Return the measures that edges of a run have values of."""
    return [m.name for m in MEASURES if _highest(run, m.name) is not None]


def _highest(run: RunDirectory, measure: str) -> float | None:
    """Return the highest value of a measure on an edge of the run, or None where no edge has one."""
    parts = (part[measure] for name in run.edge_files for part in run.parts(tables.EDGES, name, measure))
    found = (pc.call_function("max", [part]).as_py() for part in parts)
    return max((value for value in found if value is not None), default=None)


def _leiden(
    connection: Connection, run: str, measure: str, min_similarity: float, resolution: float, seed: int
) -> tuple[pd.DataFrame, float]:
    """Return each projected feature with its community's number, and the modularity of the partition."""
    edges = (
        "MATCH (s:Feature {run: $run})-[e:EVOLVES_TO]->(t:Feature) "
        f"WHERE e.run = $run AND e.{measure} >= $min_similarity"
    )
    values = {"run": run, "min_similarity": min_similarity}
    rows = f"{_NODES} UNION ALL {edges} RETURN s, t, e.{measure} AS weight"
    with connection.data_science() as gds, _projected(gds, rows, values) as graph:
        result = gds.leiden.mutate(
            graph,
            "community",
            relationship_weight_property="weight",
            gamma=resolution,
            random_seed=seed,
            concurrency=1,
        )
        stream = gds.graph.node_properties.stream(graph, "community", db_node_properties=["id"])
    return stream.rename(columns={"id": "feature"}), result.modularity


@contextmanager
def _projected(gds: "GraphDataScience", rows: str, values: Mapping[str, Any]) -> Generator["Graph"]:
    """Yield the edges of a query with columns s, t, weight, in the server's memory until the block ends."""
    name = f"saedb-{uuid.uuid4().hex}"
    projection = (
        f"CALL () {{ {rows} }} RETURN gds.graph.project($name, s, t, {{relationshipProperties: {{weight: weight}}}}, "
        "{undirectedRelationshipTypes: ['*'], readConcurrency: 1})"
    )
    try:
        yield gds.graph.project.cypher(projection, name=name, **values).graph
    finally:
        gds.graph.drop(name, fail_if_missing=False)
