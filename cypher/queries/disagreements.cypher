// Edges on which two measures disagree.
// One measure is high and the other low, the largest difference first. By default: the activations correlate, and the
// decoders do not point the same way, so a feature turns, or two meet often. High necessity with low sufficiency is a
// special feature of a general one. A high measure with a low effect is of features that meet, and of which the one does
// not cause the other. Lift, support and mutual information have other scales: choose both limits for them.
// @group edges
// @param run: run  the run to search
// @param high: measure = pearson  the measure that is high
// @param low: measure = decoder_cosine  the measure that is low
// @param min_high: float = 0.8  lowest value of the high one
// @param max_low: float = 0.3  highest value of the low one
// @param min_support: integer = 0 in [0, 1000000000]  fewest tokens with both active, where known
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column source: feature  the upstream feature
// @column source_label: string  its label
// @column target: feature  the downstream feature
// @column target_label: string  its label
// @column high: float  the high measure
// @column low: float  the low measure
// @column difference: float  by how much they differ
// @column support: integer (tokens)  tokens with both active
// @example --min-high 0.9 --max-low 0.1
// @example --high necessity --low sufficiency --min-high 0.95 --max-low 0.1 --min-support 100
// @example --low effect --max-low 0.05
MATCH (u:Feature {run: $run})-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.$high >= $min_high AND e.$low <= $max_low AND ($min_support = 0 OR coalesce(e.support >= $min_support, true))
  AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
WITH u, e, d, e.$high - e.$low AS difference
ORDER BY difference DESC, u.depth, u.index, d.depth, d.index LIMIT $limit
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label, e.$high AS high, e.$low AS low,
       difference, e.support AS support
ORDER BY difference DESC, u.depth, u.index, d.depth, d.index
