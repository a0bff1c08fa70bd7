"""The communities of a run are found, described, and put in the place of what had the name of their partition.

1. The edges of the run from a floor on, as a weighted graph (`weighted`).
2. A partition of it, by the server (`server`) or on this machine (`local`); with other seeds, levels and resolutions
   where that is asked for.
3. What the runs with other seeds say of it, and what they agree on (`stability`).
4. Numbers, those of before where a community is found again (`numbering`); and what each is like (`table`).
5. The table goes into the run directory; from there its rows replace what the graph had (`replacement`).
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher import replacement
from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.levels import nested
from saedb.cypher.communities.numbering import ALONE, Earlier, by_size, numbered
from saedb.cypher.communities.quality import modularity
from saedb.cypher.communities.server import projected
from saedb.cypher.communities.settings import NAME, SWEEP, CommunitySettings
from saedb.cypher.communities.stability import consensus, stability
from saedb.cypher.communities.table import Communities, Judge, Partition
from saedb.cypher.communities.weighted import Labels, Weighted, weighted
from saedb.cypher.connection import Connection
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.naming import checked_name
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

CONSENSUS: Final = "consensus"
"""How the partition that several runs agree on is called, after the name of the one that it belongs to."""
_FINDING: Final = "finding communities"

_EarlierBy = Callable[[str], Earlier | None]
"""Returns the earlier partition whose numbers one of this name keeps."""


class Finder(Protocol):
    """What finds communities of one graph."""

    def find(self, resolution: float, seed: int, *, levels: bool = False) -> list[Labels]:
        """Return a partition, and with `levels` the finer ones after it."""
        ...


def detect(
    connection: Connection,
    run: RunDirectory,
    settings: CommunitySettings | None = None,
    *,
    name: str = NAME,
    match: str | None = None,
    default: bool = False,
    report: Report = silent,
) -> list[Partition]:
    """Return the partitions that were found, the one called `name` first, after they replaced those of this name.

    Writes ``communities.parquet`` into the run directory first, and then the graph: Partition and Community nodes,
    IN_COMMUNITY, and of the default partition the features' ``community``.

    Args:
        connection: a server that holds the run, and for the engine ``gds`` has Graph Data Science.
        run: the run directory.
        settings: how they are found.
        name: of the partition; its levels are called ``name.1`` and so on, its consensus ``name.consensus``.
        match: partition whose numbers are kept where a community is found again: of this run, or ``RUN:PARTITION``;
            None: the earlier one of the same name.
        default: make it the default, that views are coloured by; the first one is in any case.
        report: progress.

    Raises:
        InputError: the run has no such measure or no such edges, a name is none, or no two features belong together.
        GraphError: the graph does not hold this content of the run, holds additions of the user's to the partition, or
            the server lacks Graph Data Science, or memory.
        RunError: a table is missing or damaged, or another process is writing the run.
    """
    settings = settings or CommunitySettings()
    _check_name(Communities.of(run), name)
    graph = weighted(run, settings.measure, settings.min_similarity)

    def find() -> list[Partition]:
        table, judge = Communities.of(run), Judge.of(run, graph)
        earlier = _earlier_by(run, table, graph, match)
        search = _searched(connection, run, graph, settings, report)
        parts = list(_family(search, judge, settings, name, earlier, report))
        _write(run, table, parts, name, default=default)
        _write_resolutions(run, name, _sweep_rows(graph, search, name) if search.swept else None)
        return [partition for partition in Communities.of(run).partitions if partition.family == name]

    return replacement.renew(connection, run, replacement.communities(_family_of(name), name), find, report)


def use(connection: Connection, run: RunDirectory, name: str, report: Report = silent) -> None:
    """Make a partition the default, that views are coloured by.

    Raises:
        InputError: the run has no such partition.
        GraphError: the graph does not hold this content of the run.
        RunError: another process is writing the run.
    """
    Communities.of(run).partition(name, run.record.id)

    def find() -> None:
        Communities.of(run).defaulting(name).write(run)

    replacement.renew(connection, run, replacement.communities(lambda _: [], None), find, report)


def forget(connection: Connection, run: RunDirectory, name: str, report: Report = silent) -> list[str]:
    """Return the names of the partitions that are gone: one, with its levels and its consensus.

    Where the default was among them, the first of the others becomes it.

    Raises:
        InputError: the run has no such partition, or it is a part of another.
        GraphError: the graph does not hold this content of the run, or has additions of the user's to the partition.
        RunError: another process is writing the run.
    """
    found = Communities.of(run).partition(name, run.record.id)
    if found.base is not None:
        raise InputError(f"{name} belongs to {found.base}, and goes with it: --forget {found.base}")
    going = _family_of(name)

    def find() -> list[str]:
        names = going(run)
        left = Communities.of(run).without(name)
        if left.partitions and not any(partition.is_default for partition in left.partitions):
            left = left.defaulting(left.partitions[0].partition)
        left.write(run)
        _write_resolutions(run, name, None)
        return names

    return replacement.renew(connection, run, replacement.communities(going, None), find, report)


def _family_of(name: str) -> Callable[[RunDirectory], list[str]]:
    """Return what names a partition with its levels and its consensus, as far as a run has them."""
    return lambda run: [p.partition for p in Communities.of(run).partitions if p.family == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What was found of one graph."""

    levels: list[Labels]
    """The partition, and the finer ones after it."""
    others: list[Labels]
    """Of the same kind, with other seeds."""
    swept: dict[float, Labels]
    """With other resolutions."""


def _searched(
    connection: Connection, run: RunDirectory, graph: Weighted, settings: CommunitySettings, report: Report
) -> _Search:
    sweep = SWEEP if settings.sweep else ()
    total, done = settings.runs + len({*sweep} - {settings.resolution}), 0
    report(_FINDING, done, total)

    def find(resolution: float, seed: int, *, levels: bool = False) -> list[Labels]:
        nonlocal done
        found = finder.find(resolution, seed, levels=levels)
        done += 1
        report(_FINDING, done, total)
        return found

    resolution, seed = settings.resolution, settings.seed
    with _finder(connection, run, graph, settings) as finder:
        levels = list(nested(find(resolution, seed, levels=settings.levels)))
        others = [find(resolution, seed + number)[0] for number in range(1, settings.runs)]
        swept = {tried: find(tried, seed)[0] for tried in sweep if tried != resolution}
    if sweep:
        swept[resolution] = levels[0]
    return _Search(levels=levels, others=others, swept=swept)


@contextmanager
def _finder(
    connection: Connection, run: RunDirectory, graph: Weighted, settings: CommunitySettings
) -> Generator[Finder]:
    if settings.engine == "gds":
        with projected(
            connection, run.record.id, graph, settings.measure, settings.min_similarity, settings.algorithm,
            fast=settings.fast,
        ) as finder:  # fmt: skip
            yield finder
    else:
        from saedb.cypher.communities.local import LocalFinder  # and with it igraph, which most do without

        yield LocalFinder(graph, settings.algorithm)


def _family(
    search: _Search, judge: Judge, settings: CommunitySettings, name: str, earlier: _EarlierBy, report: Report
) -> Iterator[pa.Table]:
    """Yield the rows of the partition, of its consensus, and of its levels.

    Raises:
        InputError: no two features are in one community.
    """
    partition = Partition(
        partition=name,
        is_default=False,
        algorithm=settings.algorithm,
        engine=settings.engine,
        measure=settings.measure,
        min_similarity=settings.min_similarity,
        resolution=settings.resolution if settings.has_resolution else None,
        seed=settings.seed if settings.has_seed else None,
        fast=settings.fast,
        runs=settings.runs,
    )
    found = numbered(search.levels[0], earlier(name))
    if (found.number == ALONE).all():
        raise InputError(
            f"no two features of run {judge.run.record.id} are in one community at resolution {settings.resolution:g};"
            " lower --resolution or --min-similarity"
        )
    yield judge.rows(partition, found, stability(found.number, search.others), report)
    if search.others:
        yield _consensus(search, judge, partition, earlier, report)
    coarser, above = found, name
    for level, labels in enumerate(search.levels[1:], 1):
        finer = replace(partition, partition=f"{name}.{level}", base=name, level=level, runs=1)
        below = numbered(labels, earlier(finer.partition))
        yield judge.rows(finer, below, None, report, parents=coarser.number, parent=above)
        coarser, above = below, finer.partition


def _consensus(search: _Search, judge: Judge, partition: Partition, earlier: _EarlierBy, report: Report) -> pa.Table:
    """Return the rows of what all runs agree on."""
    report("consensus of the runs", 0, 1)
    runs = [search.levels[0], *search.others]
    name = f"{partition.partition}.{CONSENSUS}"
    found = numbered(consensus(judge.graph, runs), earlier(name))
    report("consensus of the runs", 1, 1)
    agreed = replace(partition, partition=name, base=partition.partition, algorithm="consensus")
    return judge.rows(agreed, found, stability(found.number, runs), report)


def _earlier_by(run: RunDirectory, table: Communities, graph: Weighted, match: str | None) -> _EarlierBy:
    """Return what finds earlier numbers: those of the same name, or of the partition that the user named.

    Raises:
        InputError: there is no such run or partition.
    """
    if match is None:
        return lambda name: table.earlier(name, graph)
    other, _, theirs = match.rpartition(":")
    source = RunDirectory.named(other) if other else None
    known = Communities.of(source) if source else table
    known.partition(theirs, (source or run).record.id)

    def earlier(name: str) -> Earlier | None:
        _, dot, part = name.partition(".")
        own, given = table.earlier(name, graph), known.earlier(f"{theirs}{dot}{part}", graph)
        if own is None or given is None:
            return given or own
        return replace(given, next_number=max(own.next_number, given.next_number))

    return earlier


def _check_name(table: Communities, name: str) -> None:
    checked_name("name of a partition", name)
    parts = {p.partition: p.base for p in table.partitions if p.base is not None}
    if name in parts:
        raise InputError(f"{name} is a part of the partition {parts[name]}; choose another name")
    if "." in name:
        raise InputError(f"the name {name} has a dot, as levels and consensuses have; choose another")


def _write(run: RunDirectory, table: Communities, parts: Sequence[pa.Table], name: str, *, default: bool) -> None:
    """Put the rows of a partition and its parts in the place of those that had its name."""
    before = next((p.partition for p in table.partitions if p.is_default), name)
    rows = table.replaced(name, parts)
    there = [partition.partition for partition in rows.partitions]
    chosen = name if default or before not in there else before
    rows.defaulting(chosen).write(run)
    for partition in (partition for partition in rows.partitions if partition.family == name):
        found = partition.communities, partition.modularity
        _log.info("%s: %d communities, modularity %.3f", partition.partition, *found)


def _sweep_rows(graph: Weighted, search: _Search, name: str) -> pa.Table:
    """Return what other resolutions gave."""
    number = by_size(search.levels[0])
    rows: list[dict[str, Any]] = []
    for resolution, labels in search.swept.items():
        found = by_size(labels)
        like = agreement(number, found)
        rows.append(
            {
                "id": f"{name}@{resolution:g}",
                "partition": name,
                "resolution": resolution,
                "communities": int(found.max(initial=ALONE)) + 1,
                "largest": int((found == 0).sum()),
                "modularity": modularity(graph, labels),
                "nmi": like.nmi if like else None,
            }
        )
    columns = {column.name: [row[column.name] for row in rows] for column in tables.RESOLUTIONS.columns}
    return tables.rows(tables.RESOLUTIONS, columns)


def _write_resolutions(run: RunDirectory, name: str, rows: pa.Table | None) -> None:
    """Put the rows of a partition in the place of its earlier ones, or take these away."""
    there = rundir.RESOLUTIONS_FILE in run.record.files
    if not there and rows is None:
        return
    parts = [rows] if rows is not None else []
    if there:
        parts.append(run.read(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE).filter(pc.field("partition") != name))
    run.write(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE, parts)
