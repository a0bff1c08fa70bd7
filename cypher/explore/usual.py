"""By which measure a start is usually looked at, and from what value on."""

from typing import Final

from saedb.cypher.connection import Connection
from saedb.cypher.explore.scope import Start
from saedb.ingest.measures import MEASURES

FLOOR: Final = 0.3


def usual(connection: Connection, run: str, start: Start) -> tuple[str, float]:
    """Return measure and floor: those by which a community was found, what a gate is made of, else of correlation.

    A run that has no such measure gets the first that its edges have.
    """
    if start.kind == "community":
        found = connection.read(
            "MATCH (:Community {run: $run, id: $id})-[:OF_PARTITION]->(p) RETURN p.measure AS measure, "
            "p.min_similarity AS floor",
            run=run, id=start.value,
        )  # fmt: skip
        if found and found[0]["measure"] is not None:
            return found[0]["measure"], found[0]["floor"] or FLOOR
    wanted = "pearson"
    if start.kind == "gate":
        kinds = connection.read("MATCH (g:Gate {run: $run, id: $id}) RETURN g.kind AS kind", run=run, id=start.value)
        wanted = "sufficiency" if kinds and kinds[0]["kind"] == "OR" else "necessity"
    known = _known(connection, run)
    return (wanted if wanted in known or not known else known[0]), FLOOR


def _known(connection: Connection, run: str) -> list[str]:
    """Return the measures that an edge of a run has."""
    rows = connection.read(
        "MATCH (:Feature {run: $run})-[e:EVOLVES_TO]->() WITH e LIMIT 20 UNWIND keys(e) AS name RETURN DISTINCT name",
        run=run,
    )
    there = {row["name"] for row in rows}
    return [measure.name for measure in MEASURES if measure.name in there]
