"""Runs as Parquet files for ``neo4j-admin database import``, and the import of them.

Of Parquet's types only 64-bit numbers, booleans, strings and lists that are not empty come through the import right;
`schema.rows` has no others.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from saedb.cypher import contents, schema
from saedb.cypher.address import DATABASE
from saedb.cypher.contents import Part
from saedb.cypher.schema import RUN, Node, Relationship
from saedb.ingest.errors import RunError
from saedb.ingest.progress import Report
from saedb.ingest.rundir import RunDirectory

_STEPS: Final = 4
"""Stages of the import, each of which counts to 100 %."""
_OFF_HEAP: Final = "2g"
"""Memory of the import beside its heap; by default it takes nearly all that is free."""
_PERCENT: Final = re.compile(r"(\d+)% ")


class Files:
    """The files of one import. Nodes are numbered through, because that is how relationships name their ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.edges = 0
        self._folder = folder
        self._nodes: dict[str, list[Path]] = defaultdict(list)
        self._relationships: dict[str, list[Path]] = defaultdict(list)
        self._numbered = 0
        self._written = 0

    def add(self, run: RunDirectory, loaded: str, report: Report) -> None:
        """Write the files of a run.

        Args:
            run: the run directory.
            loaded: when the graph had all of it.
            report: progress, in edges.

        Raises:
            RunError: a table is missing or damaged, has a feature twice, or names one that the run has not.
        """
        own: dict[str, Any] = contents.run_properties(run) | {"status": "ready", "loaded": loaded}
        numbers: dict[str, pd.Series] = {}
        done = 0
        node = Part(item=RUN, rows=schema.rows(RUN, {name: [value] for name, value in own.items()}))
        for part in chain([node], contents.parts(run)):
            if not part.rows.num_rows:  # a pair of SAEs without edges, whose rows have no columns either
                continue
            if isinstance(part.item, Node):
                known = numbers.get(part.item.label)
                new = self._add_nodes(run, part)
                numbers[part.item.label] = new if known is None else pd.concat([known, new])
            else:
                self._add_relationships(run, part.item, part.rows, numbers)
            if part.item is schema.EVOLVES_TO:
                done += part.rows.num_rows
                report(f"writing {run.record.id}", done, own["edges"])
        self.edges += done

    def arguments(self) -> list[str]:
        """Return the import's arguments for the files, which are named from their folder."""
        nodes = [f"--nodes={labels}={_joined(files)}" for labels, files in self._nodes.items()]
        edges = [f"--relationships={type_}={_joined(files)}" for type_, files in self._relationships.items()]
        return [*nodes, *edges]

    def _add_nodes(self, run: RunDirectory, part: Part) -> pd.Series:
        """Return the number of each node by its id."""
        number = np.arange(self._numbered, self._numbered + part.rows.num_rows)
        self._numbered += part.rows.num_rows
        self._nodes[":".join(part.labels)].append(self._write({":ID": number}, run, part.item, part.rows))
        return pd.Series(number, index=part.rows["id"].to_pandas())

    def _add_relationships(
        self, run: RunDirectory, edge: Relationship, rows: pa.Table, numbers: Mapping[str, pd.Series]
    ) -> None:
        ends = {
            f":{place}_ID": _numbers_of(rows[column].to_pandas(), numbers[label], run)
            for place, column, label in (("START", "source", edge.source), ("END", "target", edge.target))
        }
        self._relationships[edge.type].append(self._write(ends, run, edge, rows.drop_columns(["source", "target"])))

    def _write(
        self, ids: Mapping[str, NDArray[np.int64]], run: RunDirectory, item: Node | Relationship, rows: pa.Table
    ) -> Path:
        columns: dict[str, Any] = dict(ids)
        if any(p.name == "run" for p in item.properties):
            columns["run"] = pa.repeat(run.record.id, rows.num_rows)
        types = {p.name: p.type for p in item.properties}
        for name in rows.column_names:
            columns[f"{name}:long[]" if types[name] == "LIST<INTEGER>" else name] = rows[name]
        file = self._folder / f"{self._written}.parquet"
        self._written += 1
        pq.write_table(pa.table(columns), file)
        return file


def import_arguments(files: Files, report_file: Path) -> list[str]:
    """Return the arguments of ``neo4j-admin`` that make the database of a home from files."""
    options = ("--overwrite-destination", "--id-type=integer", "--input-type=parquet", f"--report-file={report_file}")
    return [
        "database", "import", "full", *options, f"--max-off-heap-memory={_OFF_HEAP}", *files.arguments(), "--", DATABASE
    ]  # fmt: skip


def heard(report: Report, edges: int) -> Callable[[str], None]:
    """Return what turns the lines of an import into progress, as if each of its stages did its part of the edges."""
    finished = 0

    def hear(line: str) -> None:
        nonlocal finished
        found = _PERCENT.search(line)
        if found is None:
            return
        percent = int(found[1])
        share = min(1.0, (finished + percent / 100) / _STEPS)
        finished += percent == 100
        report("importing edges", int(share * edges), edges)

    return hear


def _numbers_of(ids: pd.Series, numbers: pd.Series, run: RunDirectory) -> NDArray[np.int64]:
    """Return the number of the node with each id."""
    if not numbers.index.is_unique:
        raise _damaged(run, f"has {numbers.index[numbers.index.duplicated()][0]} twice")
    place = numbers.index.get_indexer(pd.Index(ids))
    if (place < 0).any():
        raise _damaged(run, f"names {ids.to_numpy()[place < 0][0]}, which is none of its nodes")
    return numbers.to_numpy(np.int64)[place]


def _damaged(run: RunDirectory, what: str) -> RunError:
    return RunError(f"run {run.record.id} {what} ({run.path}); compute or import it again")


def _joined(files: list[Path]) -> str:
    return ",".join(file.name for file in files)  # the import has no way to write a path with a comma
