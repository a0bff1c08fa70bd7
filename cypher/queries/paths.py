"""Best paths from a feature to another, or to a layer.

A path follows edges along the model. Its score is the product of a measure over its edges, or the smallest value of
it: the strength of the weakest edge. The best paths are found exactly. Features that depend on the position are left
out, but for those named. A higher minimum makes it faster.

@group evolution
@param run: run  the run to search
@param source: feature  where the paths begin, such as 6/2320
@param target: feature = null  where they end
@param layer: layer = null  or the layer where they end; without either the last one
@param measure: measure = pearson  the measure of the edges
@param score: choice(product, minimum) = product  what makes a path's score of them
@param minimum: float = 0.3 in [0, inf]  lowest value of the measure on every edge
@param positional: boolean  take features that depend on the position in the context, too
@param limit: integer = 10 in [1, 1000]  most paths
@column score: float  product of the values, or the smallest
@column length: integer (features)  features on the path
@column features: feature[]  the features in order
@column labels: string[]  their labels
@column values: float[]  the measure on each edge, beside its source
@column support: integer[] (tokens)  tokens with both ends of each edge active, beside its source
@example 6/2320 --target 9/17
@example 6/2320 --layer 9 --measure necessity --score minimum
"""

from collections.abc import Iterator, Mapping

from saedb.cypher.connection import Connection, Row
from saedb.cypher.paths import Path, Place, Score, Sweeps, best_paths
from saedb.ingest.errors import InputError


def rows(
    connection: Connection,
    *,
    run: str,
    source: str,
    target: str | None,
    layer: int | None,
    measure: str,
    score: Score,
    minimum: float,
    positional: bool,
    limit: int,
) -> Iterator[Row]:
    """Yield one row for each path, the best first.

    Raises:
        InputError: both a target and a layer are given, or what is given does not come after the source.
    """
    if target is not None and layer is not None:
        raise InputError("paths end at a target or at a layer, not at both; leave one out")
    sweeps = Sweeps(connection=connection, run=run, measure=measure, minimum=minimum, positional=positional)
    begin = _place(connection, run, source)
    if target is not None:
        ends = [_place(connection, run, target)]
        _check_after(begin, ends[0], target)
        links = sweeps.between(begin, ends[0])
    else:
        depths = _depths(connection, run, layer)
        last = Place(max(depths), -1, "")
        _check_after(begin, last, f"layer {layer}" if layer is not None else "the last layer")
        links = sweeps.reaching(begin, last)
        ends = [link.target for link in links if link.target.depth in depths]
    paths = best_paths(links, begin, ends, limit, score)
    labels = _labels(connection, run, paths)
    for path in paths:
        yield {
            "score": path.score,
            "length": len(path.features),
            "features": [place.id for place in path.features],
            "labels": [labels[place.id] for place in path.features],
            "values": [link.value for link in path.links],
            "support": [link.support for link in path.links],
        }


def _place(connection: Connection, run: str, feature: str) -> Place:
    found = connection.read(
        "MATCH (f:Feature {run: $run, id: $id}) RETURN f.depth AS depth, f.index AS index", run=run, id=feature
    )[0]
    return Place(found["depth"], found["index"], feature)


def _check_after(source: Place, target: Place, name: str) -> None:
    if target.depth <= source.depth:
        raise InputError(f"{name} does not come after {source.id}, and paths lead along the model; exchange them")


def _depths(connection: Connection, run: str, layer: int | None) -> list[int]:
    """Return the depths of the SAEs of a layer, or of the last one.

    Raises:
        InputError: the run has no such layer.
    """
    saes = connection.read("MATCH (:Run {id: $run})-[:HAS_SAE]->(s) RETURN s.layer AS layer, s.depth AS depth", run=run)
    if layer is None:
        return [max(sae["depth"] for sae in saes)]
    depths = [sae["depth"] for sae in saes if sae["layer"] == layer]
    if not depths:
        raise InputError(f"run {run} has no layer {layer}; it has {', '.join(str(n) for n in _layers(saes))}")
    return depths


def _layers(saes: list[Row]) -> list[int]:
    return sorted({sae["layer"] for sae in saes})


def _labels(connection: Connection, run: str, paths: list[Path]) -> Mapping[str, str | None]:
    ids = sorted({place.id for path in paths for place in path.features})
    found = connection.read(
        "UNWIND $ids AS id MATCH (f:Feature {run: $run, id: id}) RETURN id, f.label AS label", ids=ids, run=run
    )
    return {row["id"]: row["label"] for row in found}
