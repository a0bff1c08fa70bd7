// Features whose labels and top tokens hold all words.
// Words are looked for as they stand, without regard to case: AND, * and quotes have no special meaning. They may be in
// labels that are not the preferred one: saedb feature shows all.
// @group features
// @param run: run  the run to search
// @param text: words  the words, in quotes if several
// @param layer: layer = null  only features of this layer
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its preferred label
// @column top_tokens: string  tokens with most of its activation
// @column density: float (share)  how often it is active
// @column score: float  relevance
// @example "supreme court" --layer 6
CALL db.index.fulltext.queryNodes('feature_text', $text) YIELD node AS f, score
WHERE f.run = $run AND ($layer IS NULL OR f.layer = $layer)
WITH f, score ORDER BY score DESC, f.depth, f.index LIMIT $limit
RETURN f.id AS feature, f.label AS label,
       trim(reduce(text = '', token IN f.top_tokens | text + ' ' + trim(token))) AS top_tokens,
       f.density AS density, score
