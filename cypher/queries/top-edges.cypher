// Edges that are strongest by one measure.
// Measures that select edges (pearson, jaccard, necessity, sufficiency) have an index. By another one every edge is read:
// some two seconds for each million.
// @group edges
// @param run: run  the run to search
// @param measure: measure = pearson  the highest come first
// @param minimum: float = 0.5  lowest value of the measure
// @param min_support: integer = 0 in [0, 1000000000]  fewest tokens with both active, where known
// @param layer: layer = null  only edges that leave this layer
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column source: feature  the upstream feature
// @column source_label: string  its label
// @column target: feature  the downstream feature
// @column target_label: string  its label
// @column value: float  the chosen measure
// @column pearson: float  correlation of the two activations
// @column necessity: float  P(source active | target active)
// @column sufficiency: float  P(target active | source active)
// @column support: integer (tokens)  tokens with both active
// @example --measure necessity --minimum 0.9 --min-support 100
MATCH (u:Feature {run: $run})-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.$measure >= $minimum AND ($min_support = 0 OR coalesce(e.support >= $min_support, true))
  AND ($layer IS NULL OR u.layer = $layer)
WITH u, e, d
ORDER BY e.run DESC, e.$measure DESC, u.depth, u.index, d.depth, d.index LIMIT $limit  // run first: the index's order
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label, e.$measure AS value,
       e.pearson AS pearson, e.necessity AS necessity, e.sufficiency AS sufficiency, e.support AS support
