// Features that never fire, or too rarely to compare.
// @group features
// @whole-graph
// @param run: run  the run to search
// @param state: choice(dead, rare, both) = both  dead: never above 0 on a counted token; rare: on too few tokens
// @param layer: layer = null  only features of this layer
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column state: string  dead or rare
// @column positive: integer (tokens)  tokens with an activation above 0
// @column active: integer (tokens)  tokens with an activation above the threshold
// @column max: float  largest activation
// @example --state dead --layer 3
MATCH (f:Feature {run: $run})
WITH f, CASE f.n_positive WHEN 0 THEN 'dead' ELSE coalesce(f.state_out, f.state_in) END AS state
WHERE state IN ['dead', 'rare'] AND $state IN [state, 'both'] AND ($layer IS NULL OR f.layer = $layer)
WITH f, state ORDER BY f.depth, f.index LIMIT $limit
RETURN f.id AS feature, f.label AS label, state, f.n_positive AS positive, f.n_active AS active, f.max AS max
