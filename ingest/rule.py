"""The rule that makes a pair of features an edge: enough tokens and documents, similar, and by more than chance."""

from typing import Any, NamedTuple, Self

from saedb.ingest.config import IngestConfig
from saedb.ingest.measures import PairStatistics, jaccard, lift, necessity, pearson, sufficiency


class EdgeRule(NamedTuple):
    """When a pair of features is an edge; `saedb.ingest.config.IngestConfig` has the defaults."""

    min_similarity: float
    """One of the selecting measures reaches it."""
    min_support: int
    """Joint tokens."""
    min_documents: int
    """Documents with a joint token."""
    min_lift: float
    """Where only necessity or sufficiency selects: this lift, or `min_excess`."""
    min_excess: float
    """Necessity minus the density of the upstream feature."""

    @classmethod
    def of(cls, config: IngestConfig) -> Self:
        """Return the rule of a run's settings, which have the same names."""
        return cls(**{name: getattr(config, name) for name in cls._fields})


def is_edge(s: PairStatistics, rule: EdgeRule) -> Any:
    """Return whether a pair is together often enough, similar, and by more than chance.

    It takes numbers, NumPy arrays and torch tensors, and is compiled into the loop over all pairs.
    """
    similar = (pearson(s) >= rule.min_similarity) | (jaccard(s) >= rule.min_similarity)
    one_sided = (necessity(s) >= rule.min_similarity) | (sufficiency(s) >= rule.min_similarity)
    above_chance = (lift(s) >= rule.min_lift) | (necessity(s) - s.n_u / s.tokens >= rule.min_excess)
    enough = (s.n_ud >= rule.min_support) & (s.documents >= rule.min_documents) & (s.products > 0)
    return enough & (similar | (one_sided & above_chance))
