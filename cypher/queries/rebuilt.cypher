// Passed-through features that their layer computes anew.
// A feature of the layer before is active on the same tokens and as strongly, and yet the residual stream of that layer,
// read by this feature's own SAE, does not have it: what lies between has written it. Most passed-through features are
// only carried by the stream; those come first of which it has the least. A feature whose SAE finds nothing of it there
// has no correlation, and stands at the top.
// @group evolution
// @nothing measured by: saedb residuals; --positional takes features that depend on the position, too
// @param run: run  the run to search
// @param max_copied: float = 0.5 in [-1, 1]  highest correlation with what the stream of the layer before has of it
// @param min_pearson: float = 0.95 in [-1, 1]  lowest best Pearson correlation with a feature of the layer before
// @param min_active: integer = 10 in [0, 1000000000]  fewest tokens on which it is active
// @param layer: layer = null  only features of this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column copied: float  correlation of its activation with that on the stream of the layer before; none if that is 0
// @column ratio: float (share)  mean of that activation over its own
// @column best_pearson: float  its best correlation with a feature of the layer before
// @column nearest: feature  that feature
// @column nearest_label: string  its label
// @column active: integer (tokens)  tokens on which it is active
// @example --layer 5 --max-copied 0.3
MATCH (f:Feature {run: $run})
WHERE f.best_in >= $min_pearson AND f.copied_ratio IS NOT NULL AND coalesce(f.copied, -1) <= $max_copied
  AND coalesce(f.n_active >= $min_active, true) AND ($layer IS NULL OR f.layer = $layer)
  AND ($positional OR NOT coalesce(f.positional, false))
WITH f ORDER BY coalesce(f.copied, -1), f.copied_ratio, f.depth, f.index LIMIT $limit
OPTIONAL MATCH (f)<-[e:EVOLVES_TO WHERE e.pearson IS NOT NULL]-(n:Feature)
WITH f, e, n ORDER BY e.pearson DESC, n.depth, n.index
WITH f, collect(n)[0] AS n
RETURN f.id AS feature, f.label AS label, f.copied AS copied, f.copied_ratio AS ratio, f.best_in AS best_pearson,
       n.id AS nearest, n.label AS nearest_label, f.n_active AS active
ORDER BY coalesce(copied, -1), ratio, f.depth, f.index
