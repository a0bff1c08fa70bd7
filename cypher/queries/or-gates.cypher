// OR gates: a feature active where any of its inputs is.
// By the table: gates that predict their output on both halves of the documents, with a gain over fewer inputs (see
// saedb query gates). By the paper's rule: features of which exactly two inputs reach the threshold of sufficiency,
// P(output active | input active). That rule is one-sided: it does not ask whether the output is active without them.
// Twins, and a passed-on feature with a companion, fulfil it too. It needs edges only, so it works on imported runs;
// what the table says of its candidates stands beside them, where they were tested.
// @group gates
// @param run: run  the run to search
// @param rule: choice(table, paper) = table  table: tested on the tokens; paper: one-sided, by edges
// @param threshold: float = 0.999 in [0, 1]  by the paper's rule: lowest sufficiency of each input
// @param inputs: integer = null in [2, 10]  number of inputs, exactly; by the paper's rule 2 unless given
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with input and output active, where known
// @param every: boolean  by the table: every gate of an output, not only the best
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @preset paper: rule=paper, min_support=0, positional=true  the paper's rule, of features however rare
// @column output: feature  the feature that the inputs predict
// @column label: string  its label
// @column inputs: feature[]  the inputs
// @column input_labels: string[]  their labels
// @column sufficiency: float[]  P(output active | input active)
// @column support: integer[] (tokens)  tokens with input and output active
// @column verdict: string  gate, or the test of the table that it failed
// @column f1: float  how well the gate predicts the output
// @column gain: float  F1 above the best gate of fewer inputs
// @column on: string[]  combination of inputs: 1 where it is active, in their order
// @column tokens: integer[]  tokens of each combination
// @column active: integer[]  of these, tokens with the output active
// @nothing gates are looked for by: saedb gates; by the paper's rule, lower --threshold
// @example --min-support 50
// @example --rule paper --threshold 0.95
// @example --preset paper
MATCH (r:Run {id: $run})
CALL (r) {
  UNWIND CASE $rule WHEN 'table' THEN [r.id] ELSE [] END AS run
  MATCH (g:Gate {run: run, kind: 'OR', verdict: 'gate'})-[:OUTPUT]->(d)
  WHERE ($every OR g.rank = 0) AND g.support >= $min_support
  WITH g, d ORDER BY g.score DESC, g.f1 DESC, g.id
  CALL (g) { MATCH (g)<-[input:INPUT_OF]-(u) WITH u ORDER BY input.slot RETURN collect(u) AS us }
  WITH g, d, us
  WHERE size(us) = coalesce($inputs, size(us)) AND ($positional OR none(u IN [d] + us WHERE u.positional))
  RETURN g, d, us, g.score AS place LIMIT $limit
  UNION ALL
  UNWIND CASE $rule WHEN 'paper' THEN [r.id] ELSE [] END AS run
  MATCH (u)-[e:EVOLVES_TO {run: run}]->(d)
  WHERE e.sufficiency >= $threshold AND coalesce(e.support >= $min_support, true)
    AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
  WITH d, collect(u) AS us, min(e.support) AS support
  WHERE size(us) = coalesce($inputs, 2)
  WITH d, us, coalesce(support, -1) AS place ORDER BY place DESC, d.depth, d.index LIMIT $limit
  UNWIND us AS u
  WITH d, place, u ORDER BY u.depth, u.index
  WITH d, place, collect(u) AS us
  OPTIONAL MATCH (d)<-[:OUTPUT]-(g:Gate)
  WHERE g.kind = 'OR' AND COUNT { (g)<-[:INPUT_OF]-() } = size(us) AND all(u IN us WHERE (u)-[:INPUT_OF]->(g))
  RETURN g, d, us, place
}
WITH g, d, us, place, [u IN us | head([(u)-[e:EVOLVES_TO]->(d) | e])] AS es
RETURN d.id AS output, d.label AS label, [u IN us | u.id] AS inputs, [u IN us | u.label] AS input_labels,
       [e IN es | e.sufficiency] AS sufficiency, [e IN es | e.support] AS support, g.verdict AS verdict,
       g.f1 AS f1, g.gain AS gain, CASE size(g.tokens) WHEN 4 THEN ['00', '01', '10', '11']
       WHEN 8 THEN ['000', '001', '010', '011', '100', '101', '110', '111'] END AS on,
       g.tokens AS tokens, g.active AS active
ORDER BY place DESC, g.f1 DESC, d.depth, d.index, inputs
