"""Labels of a run change: in the run directory first, and then on the features that the graph has.

1. The graph has to hold the run as it is on disk.
2. The table of labels is written into the run directory.
3. Under a claim the features whose labels are others now get them, in batches: the graph is then the one that a load of
   the run directory makes.

A process that is killed in 3 leaves a run that is not ready, and whoever changes labels next loads it first; one that
is killed between 2 and 3, a graph of another content than the run directory. ``saedb load`` mends both.
"""

import logging
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from saedb.cypher import batches, contents
from saedb.cypher.claim import Claim, claimed
from saedb.cypher.connection import Connection
from saedb.cypher.replacement import check_content, mend
from saedb.ingest import rundir, tables
from saedb.ingest.failpoints import passed
from saedb.ingest.labelling.table import Labels
from saedb.ingest.progress import Report, silent
from saedb.ingest.rundir import RunDirectory

_log = logging.getLogger(__name__)

_NAMES: Final = ("label", "label_source", "labels", "label_sources")
# A value of null takes the property away.
_SET: Final = """
UNWIND range(0, size($features) - 1) AS i
MATCH (f:Feature {run: $run, id: $features[i]}) USING INDEX SEEK f:Feature(run, id)
SET f.label = $label[i], f.label_source = $label_source[i], f.labels = $labels[i], f.label_sources = $label_sources[i]
RETURN count(*) AS n
"""

Change = Callable[[RunDirectory, Labels, Report], Labels]
"""Returns the labels that take the place of those of a run."""


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
    with run.writing():
        mend(connection, run, report)
        check_content(connection, run, run.content_hash)
        before = _shown(run)
        content = run.content_hash
        if not _written(run, change, report):
            return False
        after = _shown(run)
        check_content(connection, run, content)  # for reading may have taken minutes
        with claimed(connection, run.record.id, "loading") as claim:
            _set(claim, after.filter(_differs(before, after)), report)
            claim.finish(**contents.run_properties(run))
    _log.info("changed the labels of run %s", run.record.id)
    return True


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


def _differs(before: pa.Table, after: pa.Table) -> pa.Array:
    """Return whether each feature [features] has other labels than before."""
    differs = np.zeros(before.num_rows, bool)
    for name in ("labels", "label_sources"):
        pairs = zip(before[name].to_pylist(), after[name].to_pylist(), strict=True)
        differs |= np.fromiter((one != other for one, other in pairs), bool, before.num_rows)
    return pa.array(differs)


def _set(claim: Claim, rows: pa.Table, report: Report) -> None:
    done = 0
    for part in batches.batches(rows):
        columns = {name: part[name].to_pylist() for name in _NAMES}
        claim.write(_SET, expected=part.num_rows, features=part["id"].to_pylist(), **columns)
        passed("batch committed")
        done += part.num_rows
        report("loading labels", done, rows.num_rows)
