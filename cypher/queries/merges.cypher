// Features that take over several of the layer before.
// Each input is nearly enough for the output (sufficiency high), none alone explains it (necessity limited), and
// together they explain most of it (coverage, the sum of their necessities: tokens with two inputs count twice).
// The score is P(output active | any input active), as far as the inputs are apart, times the largest share of the
// output's tokens that may have exactly one input active. So 1 is a union of features that are never active together,
// and twins score low however much they cover.
// @group evolution
// @param run: run  the run to search
// @param min_sufficiency: float = 0.9 in [0, 1]  lowest P(output active | input active)
// @param max_necessity: float = 0.9 in [0, 1]  highest P(input active | output active) of each input
// @param min_coverage: float = 0.8 in [0, 1]  lowest sum of the inputs' necessity
// @param min_inputs: integer = 2 in [2, 1000]  fewest inputs
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with input and output active, where known
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column output: feature  the feature that takes over
// @column label: string  its label
// @column score: float  1 where the inputs divide the output among themselves
// @column coverage: float (share)  sum of the inputs' necessity
// @column inputs: feature[]  the features that it takes over
// @column input_labels: string[]  their labels
// @column necessity: float[]  P(input active | output active)
// @column sufficiency: float[]  P(output active | input active)
// @column support: integer[] (tokens)  tokens with input and output active
// @example --min-inputs 3 --min-sufficiency 0.8
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
USING INDEX e:EVOLVES_TO(run, sufficiency)  // few edges are sufficient, nearly all have a limited necessity
WHERE e.sufficiency >= $min_sufficiency AND e.necessity <= $max_necessity AND coalesce(e.support >= $min_support, true)
  AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
WITH d, collect(e) AS es, sum(e.necessity) AS coverage, sum(e.necessity / e.sufficiency) AS inputs
WHERE size(es) >= $min_inputs AND coverage >= $min_coverage
WITH d, es, coverage, coverage / inputs AS precision,
     CASE WHEN coverage > 1 THEN 1 - (coverage - 1) / (size(es) - 1) ELSE coverage END AS apart
WITH d, es, coverage, precision * apart AS score
ORDER BY score DESC, size(es) DESC, d.depth, d.index LIMIT $limit
UNWIND es AS e
WITH d, coverage, score, e, startNode(e) AS u ORDER BY e.necessity DESC, u.depth, u.index
WITH d, coverage, score, collect(u) AS us, collect(e) AS es
RETURN d.id AS output, d.label AS label, score, coverage, [u IN us | u.id] AS inputs,
       [u IN us | u.label] AS input_labels, [e IN es | e.necessity] AS necessity,
       [e IN es | e.sufficiency] AS sufficiency, [e IN es | e.support] AS support
ORDER BY score DESC, size(es) DESC, d.depth, d.index
