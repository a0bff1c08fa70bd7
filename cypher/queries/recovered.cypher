// Features that vanish into the next SAE's error.
// Nothing in the next SAE needs them (no edge of a necessity above the setting of saedb residuals), and what that SAE
// leaves over of the residual stream grows with them: the model still has the feature, and the SAE has no word for it.
// The slope is 1 where the error along the feature's own direction has one more for each unit of its activation, and 0
// where it does not follow it. Recovered is all of the error over all of the activation: it also has what is there at
// any activation, above all shrinkage, which features that are passed through have as well; so it decides nothing unless
// --min-recovered is given. Beside it is the same along a random direction.
// @group evolution
// @nothing measured by: saedb residuals; else try a lower --min-slope
// @param run: run  the run to search
// @param min_slope: float = 0.2  lowest slope of the error along it on its activation
// @param min_recovered: float = null  lowest share of its activation that is in the error
// @param min_correlation: float = -1.0 in [-1, 1]  lowest correlation of that with its activation
// @param min_tokens: integer = 10 in [0, 1000000000]  fewest tokens that these are of
// @param every: boolean  take features that do not vanish, too
// @param layer: layer = null  only features of this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column slope: float  what the next SAE's error has more of for each unit of activation
// @column recovered: float (share)  of its activation, what is in that error
// @column control: float (share)  the same along a random direction
// @column correlation: float  of that with its activation; none where its activation never varies
// @column tokens: integer (tokens)  tokens that these are of
// @column best_pearson: float  its best outgoing correlation; none if no edge was kept
// @example --layer 5 --min-slope 0.1
MATCH (f:Feature {run: $run})
WHERE f.recovered_slope >= $min_slope AND f.recovered_tokens >= $min_tokens
  AND ($every OR coalesce(f.low_necessity, false))
  AND ($min_recovered IS NULL OR f.recovered >= $min_recovered)
  AND ($min_correlation = -1 OR f.recovered_correlation >= $min_correlation)
  AND ($layer IS NULL OR f.layer = $layer) AND ($positional OR NOT coalesce(f.positional, false))
WITH f ORDER BY f.recovered_slope DESC, f.depth, f.index LIMIT $limit
RETURN f.id AS feature, f.label AS label, f.recovered_slope AS slope, f.recovered AS recovered,
       f.recovered_control AS control, f.recovered_correlation AS correlation, f.recovered_tokens AS tokens,
       f.best_out AS best_pearson
ORDER BY slope DESC, f.depth, f.index
