// Edges whose activations agree, but not their decoders.
// Such a pair is active together and writes different things: a feature that rotates, or two that meet often.
// @group edges
// @param run: run  the run to search
// @param min_pearson: float = 0.8 in [-1, 1]  lowest Pearson correlation
// @param max_decoder_cosine: float = 0.3 in [-1, 1]  highest cosine of the decoder directions
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column source: feature  the upstream feature
// @column source_label: string  its label
// @column target: feature  the downstream feature
// @column target_label: string  its label
// @column pearson: float  correlation of the two activations
// @column decoder_cosine: float  cosine of the two decoder directions
// @column support: integer (tokens)  tokens with both active
// @example --min-pearson 0.9 --max-decoder-cosine 0.1
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.pearson >= $min_pearson AND e.decoder_cosine <= $max_decoder_cosine
WITH u, e, d
ORDER BY e.pearson - e.decoder_cosine DESC, u.depth, u.index, d.depth, d.index LIMIT $limit
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label, e.pearson AS pearson,
       e.decoder_cosine AS decoder_cosine, e.support AS support
