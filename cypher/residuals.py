"""Recovery and copies of a run's features in the graph; see `properties`."""

from typing import Final

import pyarrow as pa

from saedb.cypher import schema
from saedb.cypher.properties import Properties
from saedb.ingest import rundir, tables
from saedb.ingest.residuals import found
from saedb.ingest.rundir import RunDirectory


def _shown(run: RunDirectory) -> pa.Table:
    ids = run.read(tables.FEATURES, rundir.FEATURES_FILE)["id"]
    rows = found.of_features(run, ids)
    return pa.table({"id": ids, **{name: rows[name] for name in found.NAMES}})


RESIDUALS: Final = Properties(what="residuals", item=schema.FEATURE, names=found.NAMES, shown=_shown)
