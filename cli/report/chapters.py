"""The chapters of the report, in order; a chapter whose data were not computed says which command computes them."""

from collections.abc import Callable, Iterator
from typing import Final

from saedb.cli.report import (
    ablation,
    activations,
    communities,
    convergence,
    facts,
    flow,
    gates,
    motifs,
    prompt,
    residuals,
    similarity,
)
from saedb.cli.report.asked import Asked
from saedb.cli.report.page import Chapter

CHAPTERS: Final[tuple[tuple[str, Callable[[Asked], Chapter]], ...]] = (
    ("the run", facts.chapter),
    ("activations", activations.chapter),
    ("flow", flow.chapter),
    ("motifs", motifs.chapter),
    ("gates", gates.chapter),
    ("communities", lambda asked: communities.chapter(asked.graph, asked.run, asked.partition, asked.report)),
    ("prompt", prompt.chapter),
    ("similarity", similarity.chapter),
    ("ablation", lambda asked: ablation.chapter(asked.graph, asked.run)),
    ("residual streams", lambda asked: residuals.chapter(asked.graph, asked.run)),
    ("convergence", convergence.chapter),
)
"""What each is called while it is made, and what makes it."""


def chapters(asked: Asked) -> Iterator[Chapter]:
    """Yield the chapters of a report."""
    for name, make in CHAPTERS:
        asked.report(name, 0, 1)
        yield make(asked)
        asked.report(name, 1, 1)
