"""From a text, a language model and its SAEs to a run directory of features and weighted edges.

Nothing here knows Neo4j. The modules that :mod:`saedb.cypher` reads as well (``errors``, ``places``, ``measures``,
``tables``, ``rundir``) import no torch.
"""
