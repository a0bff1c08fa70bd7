// Features that are passed on, each with its successor.
// One row for each feature whose best outgoing Pearson correlation reaches the minimum, the paper's rule; its best
// successor stands beside it. A feature that moves to another token position is not seen: measures compare activations
// on the same token.
// @group evolution
// @param run: run  the run to search
// @param min_pearson: float = 0.95 in [-1, 1]  lowest Pearson correlation
// @param layer: layer = null  only features of this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column source: feature  the feature
// @column source_label: string  its label
// @column target: feature  the feature that carries it on
// @column target_label: string  its label
// @column pearson: float  correlation of the two activations
// @column jaccard: float  tokens with both active, of those with either
// @column decoder_cosine: float  cosine of the two decoder directions
// @column support: integer (tokens)  tokens with both active
// @example --min-pearson 0.98 --layer 4
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.pearson >= $min_pearson AND ($layer IS NULL OR u.layer = $layer)
  AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
WITH u, d, e ORDER BY e.run DESC, e.pearson DESC, d.depth, d.index  // run first: the index's order
WITH u, collect(e)[0] AS e, max(e.pearson) AS pearson
WITH u, e, endNode(e) AS d, pearson ORDER BY pearson DESC, u.depth, u.index LIMIT $limit
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label,
       pearson, e.jaccard AS jaccard, e.decoder_cosine AS decoder_cosine, e.support AS support
ORDER BY pearson DESC, u.depth, u.index
