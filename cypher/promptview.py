"""What is shown of a prompt: its most active features, layer by layer, with their communities and the edges among them.

All of it comes from the run directory, so that a prompt is shown without a server, and before it is saved.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from saedb.cypher import contents, measured
from saedb.cypher.defaults import PROMPT_FLOOR, PROMPT_MEASURE, PROMPT_TOP
from saedb.ingest.prompts.prompt import Prompt
from saedb.ingest.prompts.strongest import ActiveFeature, Edge, edges_among, facts_of, inputs, strongest
from saedb.ingest.rundir import RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptView:
    """Some features of a prompt."""

    run: str
    prompt: Prompt
    position: int | None
    """Of the token; None: all tokens, each feature where it is most active."""
    top: int
    """Features of each SAE, at most."""
    measure: str
    floor: float
    """Lowest value of an edge."""
    features: tuple[ActiveFeature, ...]
    """By depth, then by the share of their largest activation."""
    active: Mapping[str, int]
    """Features that are active there, by SAE, those that are not shown too."""
    communities: Mapping[str, int]
    """Number of their community in the default partition, by feature; those that are in none lack."""
    edges: tuple[Edge, ...]
    """All among them."""

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each feature with the strongest edge into it, as the query ``prompt`` of the library."""
        best = inputs(self.edges)
        found: list[dict[str, Any]] = []
        for feature in self.features:
            source, _, value = best.get(feature.id, (None, None, None))
            row = {
                "layer": feature.facts.layer,
                "feature": feature.id,
                "label": feature.facts.label,
                "community": self.communities.get(feature.id),
                "position": feature.position,
                "token": self.prompt.tokens[feature.position],
                "activation": feature.activation,
                "share": feature.share,
                "source": source,
                "value": value,
            }
            found.append(row)
        return found


def view(
    run: RunDirectory,
    prompt: Prompt,
    *,
    position: int | None,
    top: int = PROMPT_TOP,
    measure: str = PROMPT_MEASURE,
    floor: float = PROMPT_FLOOR,
) -> PromptView:
    """Return the most active features of a prompt on a token, or on all where `position` is None.

    Raises:
        InputError: there is no such measure.
        RunError: a table of the run is missing or damaged.
    """
    measured.named(measure)
    facts = facts_of(run, prompt.features)
    features = strongest(prompt, facts, position=position, top=top)
    ids = [feature.id for feature in features]
    numbers = contents.numbers(run, pa.chunked_array([ids], pa.string())).to_pylist()
    there = {f for f, at in zip(prompt.features, prompt.positions, strict=True) if position in (None, at)}
    return PromptView(
        run=run.record.id,
        prompt=prompt,
        position=position,
        top=top,
        measure=measure,
        floor=floor,
        features=tuple(features),
        active=Counter(facts[feature].sae for feature in there),
        communities={id_: number for id_, number in zip(ids, numbers, strict=True) if number is not None},
        edges=tuple(edges_among(run, ids, measure, floor)),
    )
