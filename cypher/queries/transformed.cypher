// Features that resemble a neighbour, and are not it.
// The best Pearson correlation with the next layer (or the layer before) is between that of a feature without a
// counterpart and that of one passed through. The most active come first.
// @group evolution
// @param run: run  the run to search
// @param direction: choice(out, in) = out  out: compared with the next layer; in: with the layer before
// @param min_pearson: float = 0.3 in [-1, 1]  the best Pearson correlation reaches this
// @param max_pearson: float = 0.95 in [-1, 1]  and is below this
// @param layer: layer = null  only features of this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column active: integer (tokens)  tokens on which it is active
// @column density: float (share)  the same, of the counted tokens
// @column best_pearson: float  its best correlation
// @column nearest: feature  the feature that has it
// @column nearest_label: string  label of that feature
// @column support: integer (tokens)  tokens with both active
// @example --direction in --min-pearson 0.8
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
WHERE $layer IS NULL OR s.layer = $layer
MATCH (f:Feature {run: $run, layer: s.layer})
WHERE f.depth = s.depth AND ($positional OR NOT coalesce(f.positional, false))
WITH f, CASE $direction WHEN 'in' THEN f.best_in ELSE f.best_out END AS best
WHERE $min_pearson <= best < $max_pearson
WITH f, best ORDER BY coalesce(f.n_active, -1) DESC, f.depth, f.index LIMIT $limit
CALL (f) {
  MATCH (f)<-[e:EVOLVES_TO]-(n:Feature) WHERE $direction = 'in' AND e.pearson IS NOT NULL RETURN e, n
  UNION ALL
  MATCH (f)-[e:EVOLVES_TO]->(n:Feature) WHERE $direction = 'out' AND e.pearson IS NOT NULL RETURN e, n
}
WITH f, best, e, n ORDER BY e.pearson DESC, n.depth, n.index
WITH f, best, collect(e)[0] AS e, collect(n)[0] AS n
RETURN f.id AS feature, f.label AS label, f.n_active AS active, f.density AS density, best AS best_pearson,
       n.id AS nearest, n.label AS nearest_label, e.support AS support
ORDER BY coalesce(active, -1) DESC, f.depth, f.index
