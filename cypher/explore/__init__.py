"""What people explore a run by: features listed and filtered, the graph around one, and how a run flows."""

from saedb.cypher.explore.scope import Expansion, Scope, Start
from saedb.cypher.explore.subgraph import FeatureEdge, FeatureNode, Subgraph, read

__all__ = ["Expansion", "FeatureEdge", "FeatureNode", "Scope", "Start", "Subgraph", "read"]
