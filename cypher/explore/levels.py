"""How a number of the features spreads within each SAE: some of its quantiles, over the features that fire."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow.compute as pc

from saedb.cypher.connection import Connection, Row
from saedb.cypher.runs import same_directory
from saedb.ingest import rundir, tables
from saedb.ingest.rundir import RunDirectory

Number = Literal["max", "density"]

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)

_READ: Final = """
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
CALL (s) {
  MATCH (f:Feature {run: s.run, layer: s.layer}) WHERE f.sae = s.id AND f.<number> > 0
  RETURN count(*) AS features, [<quantiles>] AS found
}
RETURN s.id AS sae, s.layer AS layer, features, found ORDER BY s.depth
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The quantiles of one SAE."""

    sae: str
    layer: int
    features: int
    """That have a number above 0."""
    values: tuple[float, ...]
    """By `QUANTILES`; empty where there is no such feature."""


def levels(connection: Connection, run: str, number: Number) -> tuple[Levels, ...]:
    """Return the quantiles of a number of the features that is above 0, by SAE along the model.

    They are taken from the run directory where that is on this machine and has what the graph has.
    """
    directory = same_directory(connection, run)
    rows = _here(directory, number) if directory is not None else _there(connection, run, number)
    return tuple(Levels(**row) for row in rows)


def _there(connection: Connection, run: str, number: Number) -> Iterator[Row]:
    found = ", ".join(f"percentileCont(f.{number}, {q})" for q in QUANTILES)
    statement = _READ.replace("<number>", number).replace("<quantiles>", found)
    for row in connection.read(statement, run=run):
        values = row.pop("found")
        yield {**row, "values": tuple(values) if row["features"] else ()}


def _here(directory: RunDirectory, number: Number) -> Iterator[Row]:
    features = directory.read(tables.FEATURES, rundir.FEATURES_FILE, "sae", number)
    for sae in directory.record.saes:
        own = features.filter((pc.field("sae") == sae.id) & (pc.field(number) > 0))[number].to_numpy()
        values = tuple(np.quantile(own, QUANTILES).tolist()) if len(own) else ()
        yield {"sae": sae.id, "layer": sae.layer, "features": len(own), "values": values}
