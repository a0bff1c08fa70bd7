// Features with the most edges.
// All edges count, or those on which a measure reaches a minimum. A hub is often a dense feature, active on much of the
// text, or one that fires on a position.
// @group features
// @whole-graph
// @param run: run  the run to search
// @param direction: choice(both, in, out) = both  which edges count
// @param measure: measure = pearson  the measure that the minimum is of
// @param minimum: float = null  lowest value of it on an edge that counts; without it every edge does
// @param layer: layer = null  only features of this layer
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column density: float (share)  how often it is active
// @column positional: boolean  whether that depends on the position in the context
// @column edges_in: integer  edges from earlier layers that count
// @column edges_out: integer  edges to later layers that count
// @example --direction out --limit 20
// @example --measure necessity --minimum 0.9
MATCH (r:Run {id: $run})
CALL (r) {
  UNWIND CASE WHEN $minimum IS NULL THEN [r.id] ELSE [] END AS run
  MATCH (f:Feature {run: run})
  WHERE $layer IS NULL OR f.layer = $layer
  RETURN f, COUNT { (f)<-[:EVOLVES_TO]-() } AS edges_in, COUNT { (f)-[:EVOLVES_TO]->() } AS edges_out
  UNION ALL
  UNWIND CASE WHEN $minimum IS NULL THEN [] ELSE [r.id] END AS run
  MATCH (u:Feature {run: run})-[e:EVOLVES_TO {run: run}]->(d)
  WHERE e.$measure >= $minimum
  UNWIND [u, d] AS f
  WITH f, count(CASE f WHEN d THEN 1 END) AS edges_in, count(CASE f WHEN u THEN 1 END) AS edges_out
  WHERE $layer IS NULL OR f.layer = $layer
  RETURN f, edges_in, edges_out
}
WITH f, edges_in, edges_out,
     CASE $direction WHEN 'in' THEN edges_in WHEN 'out' THEN edges_out ELSE edges_in + edges_out END AS edges
WHERE edges > 0
WITH f, edges_in, edges_out, edges ORDER BY edges DESC, f.depth, f.index LIMIT $limit
RETURN f.id AS feature, f.label AS label, f.density AS density, f.positional AS positional, edges_in, edges_out
ORDER BY edges DESC, f.depth, f.index
