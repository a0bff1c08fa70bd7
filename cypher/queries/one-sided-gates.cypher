// Gates by the paper's rule that the truth table refuses.
// Features of which exactly two inputs reach the threshold of necessity (AND) or of sufficiency (OR), and which are no
// gate by their table: the inputs are twins, one of them alone predicts the output as well, or too few tokens decide.
// The verdict is the first test that failed; without one the candidate was not tested.
// @group gates
// @param run: run  the run to search
// @param kind: choice(any, AND, OR) = any  the kind of gate
// @param threshold: float = 0.999 in [0, 1]  lowest necessity or sufficiency of each input
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with input and output active, where known
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @preset paper: min_support=0, positional=true  the paper's rule, of features however rare
// @column output: feature  the feature that the inputs were to predict
// @column label: string  its label
// @column kind: string  AND or OR
// @column inputs: feature[]  the inputs
// @column input_labels: string[]  their labels
// @column one_sided: float[]  necessity of the inputs of an AND, sufficiency of those of an OR
// @column support: integer[] (tokens)  tokens with input and output active
// @column verdict: string  undecided, imprecise, no_gain or unrepeated; none if it was not tested
// @column f1: float  how well the gate predicts the output
// @column gain: float  F1 above the best gate of fewer inputs
// @column on: string[]  combination of inputs: 1 where it is active, in their order
// @column tokens: integer[]  tokens of each combination
// @column active: integer[]  of these, tokens with the output active
// @nothing lower --threshold
// @example --threshold 0.95
// @example --kind OR --preset paper
MATCH (r:Run {id: $run})
CALL (r) {
  UNWIND CASE WHEN $kind IN ['any', 'AND'] THEN [r.id] ELSE [] END AS run
  MATCH (u)-[e:EVOLVES_TO {run: run}]->(d)
  WHERE e.necessity >= $threshold AND coalesce(e.support >= $min_support, true)
    AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
  WITH d, collect(u) AS us, min(e.support) AS support
  WHERE size(us) = 2
  RETURN 'AND' AS kind, d, us, coalesce(support, -1) AS place
  UNION ALL
  UNWIND CASE WHEN $kind IN ['any', 'OR'] THEN [r.id] ELSE [] END AS run
  MATCH (u)-[e:EVOLVES_TO {run: run}]->(d)
  WHERE e.sufficiency >= $threshold AND coalesce(e.support >= $min_support, true)
    AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
  WITH d, collect(u) AS us, min(e.support) AS support
  WHERE size(us) = 2
  RETURN 'OR' AS kind, d, us, coalesce(support, -1) AS place
}
OPTIONAL MATCH (d)<-[:OUTPUT]-(g:Gate)
WHERE g.kind = kind AND COUNT { (g)<-[:INPUT_OF]-() } = 2 AND all(u IN us WHERE (u)-[:INPUT_OF]->(g))
WITH kind, d, us, place, g WHERE coalesce(g.verdict, '') <> 'gate'
WITH kind, d, us, place, g ORDER BY place DESC, d.depth, d.index, kind LIMIT $limit
UNWIND us AS u
WITH kind, d, place, g, u ORDER BY u.depth, u.index
WITH kind, d, place, g, collect(u) AS us
WITH kind, d, place, g, us, [u IN us | head([(u)-[e:EVOLVES_TO]->(d) | e])] AS es
RETURN d.id AS output, d.label AS label, kind, [u IN us | u.id] AS inputs, [u IN us | u.label] AS input_labels,
       [e IN es | CASE kind WHEN 'AND' THEN e.necessity ELSE e.sufficiency END] AS one_sided,
       [e IN es | e.support] AS support, g.verdict AS verdict, g.f1 AS f1, g.gain AS gain,
       CASE WHEN g IS NOT NULL THEN ['00', '01', '10', '11'] END AS on, g.tokens AS tokens, g.active AS active
ORDER BY place DESC, d.depth, d.index, kind
