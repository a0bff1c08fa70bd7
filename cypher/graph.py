"""The graph as researchers use it: runs, features, edges and library queries as pandas tables, one feature as a record.

    from saedb.cypher import connect

    graph = connect()
    graph.query("and-gates", min_support=50)

The command line is made of these calls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from saedb.cypher import library, names, program, schema
from saedb.cypher.connection import Connection, Row, resolve
from saedb.cypher.defaults import DIFF_LIMIT, DIFF_MEASURE, DIFF_THRESHOLD
from saedb.cypher.feature import FeatureRecord, feature_record
from saedb.cypher.frames import frame
from saedb.cypher.nearest import suggestion
from saedb.cypher.parameter import Value
from saedb.cypher.query import Query
from saedb.ingest.errors import InputError
from saedb.ingest.measures import ASKED

if TYPE_CHECKING:
    from networkx import DiGraph
    from pandas import DataFrame

    from saedb.cypher.difference import Difference
    from saedb.cypher.export.write import Exported

_LOADERS_OWN: Final = ("status", "owner", "claim", "heartbeat")
_RUN_PROPERTIES: Final = tuple(p for p in schema.RUN.properties if p.name not in _LOADERS_OWN)
_FEATURE_PROPERTIES: Final = tuple(p for p in schema.FEATURE.properties if p.name != "run")
_EDGE_PROPERTIES: Final = tuple(p for p in schema.EVOLVES_TO.properties if p.name != "run")


def connect(
    uri: str | None = None,
    username: str | None = None,
    password: str | None = None,
    database: str | None = None,
    home: str | Path | None = None,
    queries: Sequence[Path] = (),
) -> "Graph":
    """Return the graph on the server that the arguments name, else of ``NEO4J_*``, else the local one.

    It is a context manager; outside of ``with``, end it by `close`. `queries` are folders of the user's own queries.

    Raises:
        GraphError: the server does not answer or refuses the login, or no password is known.
    """
    folder = Path(home).expanduser().absolute() if home is not None else None
    address = resolve(uri=uri, username=username, password=password, database=database, home=folder)
    with ExitStack() as stack:
        connection = stack.enter_context(Connection(address))
        return Graph(connection, queries=queries, close=stack.pop_all().close)


class Graph:
    """The ready runs of one database. Every method that takes a `run` uses the newest where none is given."""

    def __init__(
        self, connection: Connection, *, queries: Sequence[Path] = (), close: Callable[[], object] | None = None
    ) -> None:
        self.connection = connection
        self._folders = tuple(queries)
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, if `connect` made it."""
        if self._close is not None:
            self._close()

    def runs(self) -> "DataFrame":
        """Return the ready runs, newest first."""
        returned = ", ".join(f"r.{p.name} AS {p.name}" for p in _RUN_PROPERTIES)
        order = "ORDER BY r.created DESC, r.id"
        rows = self.connection.read(f"MATCH (r:Run {{status: 'ready'}}) RETURN {returned} {order}")
        return _frame(rows, {p.name: p.type for p in _RUN_PROPERTIES})

    def features(self, run: str | None = None, *, layer: int | None = None) -> "DataFrame":
        """Return the features of a run, or of one of its layers, by depth and index.

        Raises:
            InputError: the run is unknown or not ready.
        """
        returned = ", ".join(f"f.`{p.name}` AS `{p.name}`" for p in _FEATURE_PROPERTIES)
        chosen = "{run: $run}" if layer is None else "{run: $run, layer: $layer}"
        parts = self.connection.columns(
            f"MATCH (f:Feature {chosen}) RETURN {returned} ORDER BY f.depth, f.sae, f.index",
            run=self.run_id(run), layer=layer,
        )  # fmt: skip
        return frame(parts, {p.name: p.type for p in _FEATURE_PROPERTIES})

    def edges(self, run: str | None = None, *, layer: int | None = None, **minimums: float) -> "DataFrame":
        """Return the edges of a run that reach every minimum, such as ``min_pearson=0.9``.

        Every measure has a minimum, and so have effects. All are columns, with the evidence, empty where it was not
        asked for.

        Without a minimum, or with one on a measure that has no index, all edges are read: some 20 seconds for each
        million.

        Raises:
            InputError: the run is unknown or not ready, or there is no such measure.
        """
        known = {f"min_{measure.name}": measure.name for measure in ASKED}
        for name in minimums:
            if name not in known:
                raise InputError(f"edges cannot be chosen by {name!r}; {suggestion(name, known)}")
        conditions = [f"e.{known[name]} >= ${name}" for name in minimums]
        conditions += ["u.layer = $layer"] if layer is not None else []
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        returned = ", ".join(f"e.{p.name} AS {p.name}" for p in _EDGE_PROPERTIES)
        parts = self.connection.columns(
            f"MATCH (u:Feature {{run: $run}})-[e:EVOLVES_TO {{run: $run}}]->(d:Feature) {where} "
            f"RETURN u.id AS source, d.id AS target, {returned}",
            run=self.run_id(run), layer=layer, **minimums,
        )  # fmt: skip
        types = {"source": "STRING", "target": "STRING", **{p.name: p.type for p in _EDGE_PROPERTIES}}
        return frame(_with_shared_ids(parts), types)

    def diff(
        self, a: str, b: str, *, measure: str = DIFF_MEASURE, threshold: float = DIFF_THRESHOLD, limit: int = DIFF_LIMIT
    ) -> "Difference":
        """Return how run `b` differs from run `a`, by feature id; an edge counts where `measure` reaches `threshold`.

        Raises:
            InputError: a run is unknown or not ready, they have no feature in common, or a parameter is not allowed.
        """
        from saedb.cypher.diff import diff  # and with it pandas

        return diff(self.connection, a, b, measure=measure, threshold=threshold, limit=limit)

    def query(self, name: str, /, **values: Any) -> "DataFrame":
        """Return what a query of the library finds, in its declared columns.

        `values` are its parameters and, where it has any, the name of a ``preset`` for those that are not given.

        Raises:
            InputError: there is no such query, or a value is unknown, missing or not allowed.
        """
        query = library.find(name, self._folders)
        types = {column.name: "list" if column.many else column.type for column in query.columns}
        return _frame(self.rows(query, values), types)

    def search(self, text: str, run: str | None = None, *, layer: int | None = None, limit: int = 100) -> "DataFrame":
        """Return the features whose label and top tokens hold every word of `text`, best first.

        Raises:
            InputError: the run is unknown or not ready.
        """
        return self.query("search", text=text, run=run, layer=layer, limit=limit)

    def feature(self, feature: str, run: str | None = None) -> FeatureRecord:
        """Return one feature with its edges, chain, gates, splits and community.

        A short id such as ``6-res-jb/2320`` or ``6/2320`` does where one feature is meant.

        Raises:
            InputError: the feature or the run is unknown.
        """
        run = self.run_id(run)
        return feature_record(self.connection, run, names.feature_id(self.connection, run, feature))

    def export(
        self,
        path: str | Path,
        run: str | None = None,
        *,
        query: str | None = None,
        values: Mapping[str, Any] | None = None,
        rows: "Literal['edges', 'features'] | None" = None,
        measure: str | None = None,
        min_similarity: float | None = None,
        layers: str | None = None,
        format: str | None = None,
        overwrite: bool = False,
    ) -> "Exported":
        """Write a run, or what a query with these `values` finds, as JSON, GraphML, GEXF, CSV or Parquet.

        The suffix tells the format. A graph has the features, here those that the query names, and the edges among
        them; `measure` is their similarity, and edges below `min_similarity` are left out. A table has the edges, or
        the features, or the query's rows.

        Raises:
            InputError: something is unknown or not allowed, there is nothing to write, or the file exists.
        """
        from saedb.cypher.export.write import Request, export

        request = Request(
            run=run, query=query, values=values or {}, folders=self._folders, rows=rows,
            measure=measure, min_similarity=min_similarity, layers=layers,
        )  # fmt: skip
        return export(self, str(path), request, format_=format, overwrite=overwrite)

    def networkx(
        self,
        run: str | None = None,
        *,
        measure: str | None = None,
        min_similarity: float | None = None,
        layers: str | None = None,
    ) -> "DiGraph[str]":
        """Return a run as a ``networkx.DiGraph``, with every property and measure; all of it is held in memory.

        Raises:
            InputError: the run, measure or layers are unknown.
        """
        from saedb.cypher.export.write import Request, networkx_graph

        request = Request(run=run, measure=measure, min_similarity=min_similarity, layers=layers)
        return networkx_graph(self, request)

    def rows(self, query: Query, values: Mapping[str, Any]) -> list[Row]:
        """Return the rows of a query; its run and features are looked up first, so that short names do.

        Raises:
            InputError: a value is unknown, missing or not allowed, or other columns come back than are declared.
        """
        found = self.resolved(query, values)
        if query.cypher is None:
            rows = list(program.function(query.file)(self.connection, **found))
        else:
            cypher, sent = query.bound(found)
            rows = self.connection.read(cypher, **sent)
        declared = [column.name for column in query.columns]
        if rows and list(rows[0]) != declared:
            raise InputError(f"{query.file} returns {', '.join(rows[0])}, but declares {', '.join(declared)}")
        return rows

    def resolved(self, query: Query, values: Mapping[str, Any]) -> dict[str, Value]:
        """Return every value, defaults filled in, with whole ids of runs and features."""
        found = query.checked(values)
        for parameter in sorted(query.parameters, key=lambda parameter: parameter.type != "run"):
            value = found[parameter.name]
            if parameter.type == "run":
                found[parameter.name] = self.run_id(None if value is None else str(value))
            elif parameter.type == "feature" and value is not None:
                run = self.run_id(str(found["run"]) if "run" in found else None)
                found[parameter.name] = names.feature_id(self.connection, run, str(value))
            elif parameter.type == "partition":
                run = self.run_id(str(found["run"]) if "run" in found else None)
                found[parameter.name] = names.partition_id(self.connection, run, None if value is None else str(value))
        return found

    def run_id(self, run: str | None = None) -> str:
        """Return the id of a ready run, the newest if none is named.

        Raises:
            GraphError: there is no ready run.
            InputError: the run is unknown or not ready.
        """
        return names.run_id(self.connection, run)


def _frame(rows: Sequence[Row], types: Mapping[str, str]) -> "DataFrame":
    return frame([{name: [row[name] for row in rows] for name in types}], types)


def _with_shared_ids(parts: Iterator[dict[str, list[Any]]]) -> Iterator[dict[str, list[Any]]]:
    """Yield parts of edges in which an id is one text, however many edges have it: tables of millions stay small."""
    seen: dict[str, str] = {}
    for part in parts:
        ends = {name: [seen.setdefault(id_, id_) for id_ in part[name]] for name in ("source", "target")}
        yield {**part, **ends}
