"""A run, or what a query finds in it, goes into a file.

A graph is the features and the edges among them: of the whole run, or those that a query names. A table is the edges
or the features of the run, or the rows of the query as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import pyarrow as pa

from saedb.cypher.export import destination, memory, nodelink, table, xmlstream
from saedb.cypher.export.answer import Answer, Queried, ask
from saedb.cypher.export.formats import TABLES, Format, format_of
from saedb.cypher.export.selection import EDGE_SCHEMA, FEATURE_SCHEMA, Selection, Size
from saedb.ingest.errors import InputError
from saedb.ingest.progress import Report, silent

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
    features: int = 0
    edges: int = 0
    rows: int = 0
    """Of a query's table."""
    measure: str | None = None
    """What the similarity of edges is."""
    is_cut: bool = False
    """Whether the limit of a query was reached, so that there may be more."""


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
    graph: Queried,
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
    values = {**request.values, **({} if request.run is None else {"run": request.run})}
    answer = ask(graph, request.query, values, request.folders)
    if format_ in TABLES:
        return _table_of_query(answer, output, format_)
    written = _graph(_selection(graph, request, answer), output, format_, report)
    return replace(written, is_cut=answer.is_cut)


def networkx_graph(graph: Queried, request: Request) -> Any:
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


def _selection(graph: Queried, request: Request, answer: Answer | None = None) -> Selection:
    searched = None if answer is None else answer.run
    return Selection(
        graph.connection,
        searched or graph.run_id(request.run),
        measure=request.measure,
        min_similarity=request.min_similarity,
        layers=request.layers,
        features=None if answer is None else answer.features(),
    )


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
        output=output, format=format_, run=chosen.run, features=features.done, edges=edges.done, measure=chosen.measure
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
    written = Exported(output=output, format=format_, run=chosen.run, measure=chosen.measure)
    return replace(written, features=count.done) if rows == "features" else replace(written, edges=count.done)


def _no_rows(chosen: Selection, rows: Rows) -> str:
    if rows == "edges" and chosen.min_similarity is not None:
        floor = f"{chosen.measure} >= {chosen.min_similarity:g}"
        return f"no edge of run {chosen.run} in these layers has {floor}, so nothing is written; lower --min-similarity"
    return f"run {chosen.run} has no {rows} in these layers, so nothing is written"


def _table_of_query(answer: Answer, output: str, format_: Format) -> Exported:
    content = table.of_rows(answer.query, answer.rows)
    with destination.opened(output) as stream:
        table.write(stream, format_, content.schema, [content])
    return Exported(output=output, format=format_, run=answer.run, rows=content.num_rows, is_cut=answer.is_cut)
