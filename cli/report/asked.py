"""What a report is asked for, and where its numbers come from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from saedb.cypher import measured, names
from saedb.cypher.definitions import definition
from saedb.cypher.explore.sampled import check_levels
from saedb.cypher.library import find
from saedb.cypher.runs import same_directory
from saedb.ingest.config import MIN_SIMILARITY, PASSED, VANISHING
from saedb.ingest.errors import InputError
from saedb.ingest.prompts.stored import StoredPrompts

if TYPE_CHECKING:
    from saedb.cypher.connection import Connection, Row
    from saedb.cypher.graph import Graph
    from saedb.ingest.progress import Report
    from saedb.ingest.rundir import RunDirectory

AWAY: Final = "The run directory, which has this, is not on this machine, or holds something newer than the graph."


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
    passed: float
    """From this Pearson correlation on a feature is passed through, in this run."""
    vanishing: float
    """Below this one it appears or disappears."""
    floor: float
    """Below this one a pair may be no edge."""
    report: "Report"

    @classmethod
    def of(
        cls, graph: "Graph", run: str, *, partition: str | None, prompt: str | None, measure: str | None, seed: int,
        report: "Report",
    ) -> Self:  # fmt: skip
        """Return it with the run directory, where that is at hand, once all that was chosen is known to be there.

        Raises:
            InputError: the run has no such partition, prompt or measure, or the measure has no levels.
        """
        directory = same_directory(graph.connection, run)
        if partition is not None:
            names.partition_id(graph.connection, run, partition)
        if prompt is not None:
            _check_prompt(directory, run, prompt)
        if measure is not None:
            check_levels(measured.named(measured.checked(graph.connection, run, measure)))
        config = definition(graph.connection, run)["config"]
        return cls(
            graph=graph, run=run, directory=directory, partition=partition, prompt=prompt, measure=measure, seed=seed,
            passed=config.get("passed_through", PASSED), vanishing=config.get("vanishing", VANISHING),
            floor=round(config.get("min_similarity", MIN_SIMILARITY), 6), report=report,
        )  # fmt: skip

    def rows(self, query: str, **values: Any) -> "list[Row]":
        """Return what a query of the library finds in the run."""
        return self.graph.rows(find(query), {"run": self.run, **values})

    @property
    def connection(self) -> "Connection":
        """That of the graph."""
        return self.graph.connection


def _check_prompt(directory: "RunDirectory | None", run: str, prompt: str) -> None:
    if directory is None:
        raise InputError(f"the prompt {prompt} cannot be drawn: {AWAY[0].lower()}{AWAY[1:-1]}; leave --prompt out")
    StoredPrompts.of(directory).prompt(prompt, run)
