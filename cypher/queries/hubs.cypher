// Features with the most edges.
// A hub is often a dense feature, active on much of the text, or one that fires on a position: see its density.
// @group features
// @whole-graph
// @param run: run  the run to search
// @param direction: choice(both, in, out) = both  which edges count
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column density: float (share)  how often it is active
// @column edges_in: integer  edges from earlier layers
// @column edges_out: integer  edges to later layers
// @example --direction out --limit 20
MATCH (f:Feature {run: $run})
WITH f, CASE $direction WHEN 'in' THEN COUNT { (f)<-[:EVOLVES_TO]-() } WHEN 'out' THEN COUNT { (f)-[:EVOLVES_TO]->() }
        ELSE COUNT { (f)-[:EVOLVES_TO]-() } END AS edges
WHERE edges > 0
WITH f, edges ORDER BY edges DESC, f.depth, f.index LIMIT $limit
RETURN f.id AS feature, f.label AS label, f.density AS density,
       COUNT { (f)<-[:EVOLVES_TO]-() } AS edges_in, COUNT { (f)-[:EVOLVES_TO]->() } AS edges_out
ORDER BY edges DESC, f.depth, f.index
