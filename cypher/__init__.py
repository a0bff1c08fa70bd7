"""From run directories to Neo4j and back: the server, the graph, its loading and its queries. Imports no torch."""
