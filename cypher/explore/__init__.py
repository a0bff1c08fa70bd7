"""Parts of a run to look at: from a start, the features around it and the edges between them, within limits."""

from saedb.cypher.explore.scope import Expansion, Scope, Start
from saedb.cypher.explore.subgraph import FeatureEdge, FeatureNode, Subgraph, read

__all__ = ["Expansion", "FeatureEdge", "FeatureNode", "Scope", "Start", "Subgraph", "read"]
