"""A run, or what a query finds in it, as a file: node-link JSON, GraphML, GEXF, CSV or Parquet."""
