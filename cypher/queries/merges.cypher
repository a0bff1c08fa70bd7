// Features that take over several of the layer before.
// Each input is nearly enough for the output (sufficiency high), none alone explains it (necessity limited), and
// together they explain most of it (coverage, the sum of their necessities: tokens with two inputs count twice).
// @group evolution
// @param run: run  the run to search
// @param min_sufficiency: float = 0.9 in [0, 1]  lowest P(output active | input active)
// @param max_necessity: float = 0.9 in [0, 1]  highest P(input active | output active) of each input
// @param min_coverage: float = 0.8 in [0, 1]  lowest sum of the inputs' necessity
// @param min_inputs: integer = 2 in [2, 1000]  fewest inputs
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with input and output active, where known
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column output: feature  the feature that takes over
// @column output_label: string  its label
// @column coverage: float (share)  sum of the inputs' necessity
// @column inputs: feature[]  the features that it takes over
// @column input_labels: string[]  their labels
// @column necessity: float[]  P(input active | output active)
// @column sufficiency: float[]  P(output active | input active)
// @column support: integer[] (tokens)  tokens with input and output active
// @example --min-inputs 3 --min-sufficiency 0.8
MATCH ()-[e:EVOLVES_TO {run: $run}]->(d)
USING INDEX e:EVOLVES_TO(run, sufficiency)  // few edges are sufficient, nearly all have a limited necessity
WHERE e.sufficiency >= $min_sufficiency AND e.necessity <= $max_necessity AND coalesce(e.support >= $min_support, true)
WITH d, collect(e) AS es
WHERE size(es) >= $min_inputs
UNWIND es AS e
WITH d, e, startNode(e) AS u ORDER BY e.necessity DESC, u.depth, u.index
WITH d, collect(u) AS us, collect(e) AS es, sum(e.necessity) AS coverage
WHERE coverage >= $min_coverage
WITH d, us, es, coverage ORDER BY size(us) DESC, coverage DESC, d.depth, d.index LIMIT $limit
RETURN d.id AS output, d.label AS output_label, coverage, [u IN us | u.id] AS inputs,
       [u IN us | u.label] AS input_labels, [e IN es | e.necessity] AS necessity,
       [e IN es | e.sufficiency] AS sufficiency, [e IN es | e.support] AS support
