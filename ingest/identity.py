"""Whether the features of a run are called as its record says: for tables that a stranger may have written."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest.errors import RunError
from saedb.ingest.naming import quoted
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory
from saedb.ingest.tables import FEATURES

_SAE: Final = ("sae", "layer", "depth")


def check_features(run: RunDirectory) -> None:
    """Check that each feature is of an SAE of the run, and that its id is ``{model}/{sae}/{index}``.

    An id of another form could be longer than the 8 kB that an index of Neo4j takes.

    Raises:
        RunError: one is not; or the table is missing or damaged.
    """
    saes = {(sae.id, sae.layer, sae.depth): sae.d_sae for sae in run.record.saes}
    for part in run.parts(FEATURES, FEATURES_FILE, *_SAE, "index", "id"):
        ids = pc.call_function(
            "binary_join_element_wise",
            [pa.scalar(run.record.model), part["sae"], part["index"].cast(pa.string()), pa.scalar("/")],
        )
        wrong = part.filter(pc.call_function("not_equal", [ids, part["id"]])).slice(0, 1).to_pylist()
        largest = part.group_by(_SAE).aggregate([("index", "min"), ("index", "max")]).to_pylist()
        wrong += [row for row in largest if not _is_within(row, saes.get((row["sae"], row["layer"], row["depth"]), 0))]
        if wrong:
            of = ", ".join(f"{name} {quoted(str(value))}" for name, value in wrong[0].items())
            raise RunError(f"{run.path / FEATURES_FILE} has a feature that is none of run.json's: {of}; pack it again")


def _is_within(row: dict[str, Any], width: int) -> bool:
    return 0 <= row["index_min"] <= row["index_max"] < width
