"""Labels of a run change: in the run directory, and on the features that the graph has (`properties`)."""

from collections.abc import Callable
from typing import Final

import pyarrow as pa

from saedb.cypher import contents, properties, schema
from saedb.cypher.connection import Connection
from saedb.cypher.properties import Properties
from saedb.ingest import rundir, tables
from saedb.ingest.labelling.table import Labels
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

Change = Callable[[RunDirectory, Labels, Report], Labels]
"""Returns the labels that take the place of those of a run."""

_NAMES: Final = ("label", "label_source", "labels", "label_sources")


def relabel(connection: Connection, run: RunDirectory, change: Change, report: Report = silent) -> bool:
    """Return whether a change made a difference to the labels of a run, in its directory and in the graph.

    Args:
        connection: a server that holds the run.
        run: the run directory, which nobody else writes meanwhile.
        change: what the labels become.
        report: progress.

    Raises:
        GraphError: the graph does not hold this content of the run.
        RunError: another process is writing the run, or a table is damaged.
    """
    return properties.change(connection, run, LABELS, lambda: _written(run, change, report), report)


def relabel_directory(run: RunDirectory, change: Change, report: Report = silent) -> bool:
    """Return whether a change made a difference to the labels of a run directory, without a graph.

    Raises:
        RunError: another process is writing the run, or a table is damaged.
    """
    with run.writing():
        return _written(run, change, report)


def _written(run: RunDirectory, change: Change, report: Report) -> bool:
    labels = Labels.of(run)
    changed = change(run, labels, report)
    if changed.rows.equals(labels.rows):
        return False
    changed.write(run)
    return True


def _shown(run: RunDirectory) -> pa.Table:
    """Return the labels of each feature as the graph has them, with its id."""
    features = run.read(tables.FEATURES, rundir.FEATURES_FILE).select(["id"])
    return contents.labelled(run, features).select(["id", *_NAMES])


LABELS: Final = Properties(what="labels", item=schema.FEATURE, names=_NAMES, shown=_shown)
