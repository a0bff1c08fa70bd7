"""The local Neo4j server: its jars and its Java, its settings, and its process.

:class:`saedb.cypher.server.local.LocalServer` starts and stops it; :mod:`saedb.cypher.server.doctor` says what is
missing. Neo4j, Graph Data Science and Neo4j Browser are the published jars, run by one Java process on this machine.
"""
