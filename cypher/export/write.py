"""A run, or what a query finds in it, goes into a file.

A graph is the features and the edges among them: of the whole run, or those that a query names. A table is the edges
or the features of the run, or the rows of the query as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

import pyarrow as pa

from saedb.cypher import library
from saedb.cypher.export import destination, memory, nodelink, table, xmlstream
from saedb.cypher.export.formats import TABLES, Format, format_of
from saedb.cypher.export.selection import EDGE_SCHEMA, FEATURE_SCHEMA, Selection, Size
from saedb.cypher.query import Query
from saedb.ingest.errors import InputError
from saedb.ingest.progress import Report, silent

if TYPE_CHECKING:
    from saedb.cypher.graph import Graph

Rows = Literal["edges", "features"]

_STREAMED: Final = {"graphml": xmlstream.write_graphml, "gexf": xmlstream.write_gexf}
_IN_MEMORY: Final = {"graphml": memory.write_graphml, "gexf": memory.write_gexf}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to take, where nothing says otherwise the whole newest run."""

    run: str | None = None
    query: str | None = None
    """Name of a query of the library, whose result is taken instead of the whole run."""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its parameters."""
    folders: tuple[Path, ...] = ()
    """Folders of the user's own queries."""
    rows: Rows | None = None
    """Which rows a table of the run has; edges by default."""
    measure: str | None = None
    min_similarity: float | None = None
    layers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    output: str
    format: Format
    run: str | None
    """None for the rows of a query that asks for none."""
    features: int
    edges: int
    rows: int
    """Of a query's table."""
    measure: str | None = None


@dataclass(slots=True)
class _Count:
    """Passes on parts and counts their rows."""

    stage: str
    total: int | None
    report: Report
    done: int = 0

    def of(self, parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
        for part in parts:
            yield part
            self.done += part.num_rows
            self.report(self.stage, self.done, self.total)


def export(
    graph: "Graph",
    output: str,
    request: Request,
    *,
    format_: str | None = None,
    overwrite: bool = False,
    report: Report = silent,
) -> Exported:
    """Write an export; the file is there whole or not at all.

    Raises:
        InputError: the output, format, query, run or a filter is not what it should be, or there is nothing to write.
        GraphError: the run changed meanwhile.
    """
    format_ = format_of(output, format_)
    destination.check(output, overwrite=overwrite)
    _check(request, format_)
    if request.query is None:
        chosen = _selection(graph, request)
        if format_ not in TABLES:
            return _graph(chosen, output, format_, report)
        return _table_of_run(chosen, output, format_, request.rows or "edges", report)
    query = library.find(request.query, request.folders)
    values = _values(request)
    if format_ in TABLES:
        return _table_of_query(graph, query, values, output, format_)
    run, ids = _found(graph, query, values)
    return _graph(_selection(graph, request, run, ids), output, format_, report)


def networkx_graph(graph: "Graph", request: Request) -> Any:
    """Return what `export` would write of the whole run as a ``networkx.DiGraph``."""
    chosen = _selection(graph, request)
    found = memory.digraph(_about(chosen), chosen.features(), chosen.edges(), chosen.measure)
    chosen.check_unchanged()
    return found


def _check(request: Request, format_: Format) -> None:
    """Refuse what would have no effect."""
    if request.values and request.query is None:
        raise InputError("parameters belong to a query; name it with --query, or leave them out")
    if request.rows is not None and (request.query is not None or format_ not in TABLES):
        raise InputError(f"--rows chooses among the tables of a whole run ({', '.join(TABLES)}); leave it out")
    given = {"--measure": request.measure, "--min-similarity": request.min_similarity, "--layers": request.layers}
    useless = [option for option, value in given.items() if value is not None]
    if request.query is not None and format_ in TABLES and useless:
        raise InputError(
            f"{useless[0]} filters the edges of a graph; the rows of {request.query} are taken as they are"
        )


def _selection(graph: "Graph", request: Request, run: str | None = None, ids: set[str] | None = None) -> Selection:
    return Selection(
        graph.connection,
        run or graph.run_id(request.run),
        measure=request.measure,
        min_similarity=request.min_similarity,
        layers=request.layers,
        features=ids,
    )


def _values(request: Request) -> dict[str, Any]:
    """Return the query's values, the run among them."""
    return {**request.values, **({} if request.run is None else {"run": request.run})}


def _found(graph: "Graph", query: Query, values: Mapping[str, Any]) -> tuple[str, set[str]]:
    """Return the run that a query searched, and the features that its result names."""
    columns = [column for column in query.columns if column.type == "feature"]
    if not columns:
        raise InputError(f"the result of {query.name} names no features; a table can be made of it: --format csv")
    rows = graph.rows(query, values)
    cells = [row[column.name] for row in rows for column in columns]
    ids = {id_ for cell in cells for id_ in (cell if isinstance(cell, list) else [cell]) if id_ is not None}
    if not ids:
        raise InputError(_nothing(query))
    searched = graph.resolved(query, values).get("run")
    return graph.run_id(None if searched is None else str(searched)), ids


def _nothing(query: Query) -> str:
    hint = query.nothing or f"see what to relax: saedb query {query.name} --help"
    return f"{query.name} finds nothing, so nothing is written; {hint}"


def _about(chosen: Selection) -> dict[str, Any]:
    """Return the attributes of the graph; the last two under the paper's names."""
    floor = {} if chosen.min_similarity is None else {"clamping_threshold": chosen.min_similarity}
    return {"run": chosen.run, "model": chosen.model, "measure_name": chosen.measure, **floor}


def _graph(chosen: Selection, output: str, format_: Format, report: Report) -> Exported:
    size = chosen.size()
    if not size.features:
        raise InputError(f"run {chosen.run} has none of these features in these layers, so nothing is written")
    features = _Count("writing features", size.features, report)
    edges = _Count("writing edges", size.edges if chosen.min_similarity is None else None, report)
    with destination.opened(output) as stream:
        write = _writer(format_, size)
        write(stream, _about(chosen), features.of(chosen.features()), edges.of(chosen.edges()), chosen.measure)
        chosen.check_unchanged()
    return Exported(
        output=output, format=format_, run=chosen.run, features=features.done, edges=edges.done, rows=0,
        measure=chosen.measure,
    )  # fmt: skip


def _writer(format_: Format, size: Size) -> Callable[..., None]:
    if format_ == "json":
        return nodelink.write
    if size.features + size.edges > memory.LARGEST:
        return _STREAMED[format_]

    def write(stream: BinaryIO, *parts: Any) -> None:
        _IN_MEMORY[format_](stream, memory.digraph(*parts))

    return write


def _table_of_run(chosen: Selection, output: str, format_: Format, rows: Rows, report: Report) -> Exported:
    size = chosen.size()
    total = size.features if rows == "features" else size.edges if chosen.min_similarity is None else None
    count = _Count(f"writing {rows}", total, report)
    columns, parts = (FEATURE_SCHEMA, chosen.features()) if rows == "features" else (EDGE_SCHEMA, chosen.edges())
    with destination.opened(output) as stream:
        table.write(stream, format_, columns, count.of(parts))
        chosen.check_unchanged()
        if not count.done:
            raise InputError(_no_rows(chosen, rows))
    written = {"features": 0, "edges": 0, rows: count.done}
    return Exported(output=output, format=format_, run=chosen.run, **written, rows=0, measure=chosen.measure)


def _no_rows(chosen: Selection, rows: Rows) -> str:
    if rows == "edges" and chosen.min_similarity is not None:
        floor = f"{chosen.measure} >= {chosen.min_similarity:g}"
        return f"no edge of run {chosen.run} in these layers has {floor}, so nothing is written; lower --min-similarity"
    return f"run {chosen.run} has no {rows} in these layers, so nothing is written"


def _table_of_query(graph: "Graph", query: Query, values: Mapping[str, Any], output: str, format_: Format) -> Exported:
    rows = graph.rows(query, values)
    if not rows:
        raise InputError(_nothing(query))
    content = table.of_rows(query, rows)
    searched = graph.resolved(query, values).get("run")
    with destination.opened(output) as stream:
        table.write(stream, format_, content.schema, [content])
    run = None if searched is None else str(searched)
    return Exported(output=output, format=format_, run=run, features=0, edges=0, rows=content.num_rows)
