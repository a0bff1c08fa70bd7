"""What a report is asked for, and where its numbers come from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from saedb.cypher.runs import same_directory

if TYPE_CHECKING:
    from saedb.cypher.connection import Connection
    from saedb.cypher.graph import Graph
    from saedb.ingest.progress import Report
    from saedb.ingest.rundir import RunDirectory

AWAY = "The run directory, which has this, is not on this machine, or holds something newer than the graph."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run, and what was chosen of it."""

    graph: "Graph"
    run: str
    directory: "RunDirectory | None"
    """None where it is not on this machine, or does not hold what the graph does."""
    partition: str | None
    """None: the default of the run."""
    prompt: str | None
    """Name of a stored one; None: the newest."""
    measure: str | None
    """By which pairs of labels are drawn; None: the first that the run has."""
    seed: int
    report: "Report"

    @classmethod
    def of(
        cls, graph: "Graph", run: str, *, partition: str | None, prompt: str | None, measure: str | None, seed: int,
        report: "Report",
    ) -> Self:  # fmt: skip
        """Return it with the run directory, where that is at hand."""
        directory = same_directory(graph.connection, run)
        return cls(
            graph=graph, run=run, directory=directory, partition=partition, prompt=prompt, measure=measure, seed=seed,
            report=report,
        )  # fmt: skip

    @property
    def connection(self) -> "Connection":
        """That of the graph."""
        return self.graph.connection
