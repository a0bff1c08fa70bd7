// Features that vanish into the next SAE's error.
// Nothing in the next SAE needs them (no edge of a necessity of 0.4 and more), and what that SAE leaves over of the
// residual stream has much of them: the model still has the feature, and the SAE has no word for it. Recovered is 1
// where the error has all of the feature's activation along its own direction; beside it is the same along a random
// direction. The slope leaves out what the error has at any activation, such as shrinkage: where the two disagree,
// trust the slope.
// @group evolution
// @nothing measured by: saedb residuals; else try a lower --min-recovered
// @param run: run  the run to search
// @param min_recovered: float = 0.5  lowest share of its activation that is in the next SAE's error
// @param min_slope: float = null  lowest slope of that on its activation
// @param min_correlation: float = -1.0 in [-1, 1]  lowest correlation of that with its activation
// @param min_tokens: integer = 10 in [0, 1000000000]  fewest tokens that these are of
// @param every: boolean  take features that do not vanish, too
// @param layer: layer = null  only features of this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column recovered: float (share)  of its activation, what is in the next SAE's error
// @column control: float (share)  the same along a random direction
// @column slope: float  what the error has more of for each unit of activation
// @column correlation: float  of that with its activation; none where its activation never varies
// @column tokens: integer (tokens)  tokens that these are of
// @column best_pearson: float  its best outgoing correlation; none if no edge was kept
// @example --layer 5 --min-recovered 0.3
MATCH (f:Feature {run: $run})
WHERE f.recovered >= $min_recovered AND f.recovered_tokens >= $min_tokens
  AND ($every OR coalesce(f.low_necessity, false))
  AND ($min_slope IS NULL OR f.recovered_slope >= $min_slope)
  AND ($min_correlation = -1 OR f.recovered_correlation >= $min_correlation)
  AND ($layer IS NULL OR f.layer = $layer) AND ($positional OR NOT coalesce(f.positional, false))
WITH f ORDER BY f.recovered DESC, f.depth, f.index LIMIT $limit
RETURN f.id AS feature, f.label AS label, f.recovered AS recovered, f.recovered_control AS control,
       f.recovered_slope AS slope, f.recovered_correlation AS correlation, f.recovered_tokens AS tokens, f.best_out AS best_pearson
ORDER BY recovered DESC, f.depth, f.index
