// Gates of features, tested on the tokens both ways.
// A gate predicts when its output is active: an AND by all of its inputs, an OR by any, an AND_NOT by the first without
// the second. It was chosen on one half of the documents and is scored on the other; its gain is the F1 that it has
// above the best gate of fewer of its inputs, so that neither twins nor a companion of a passed-through feature make
// one. The truth table has a line for each combination of inputs, the first input changing slowest: of two inputs 00,
// 01, 10, 11. Those come first whose gain is largest, on the half where it is smaller.
// @group gates
// @param run: run  the run to search
// @param kind: choice(any, AND, OR, AND_NOT) = any  the kind of gate
// @param feature: feature = null  only gates of this output
// @param layer: layer = null  only outputs of this layer
// @param min_f1: float = 0 in [0, 1]  lowest F1
// @param min_gain: float = 0 in [0, 1]  lowest gain
// @param every: boolean  every gate of an output, not only the best of each kind
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column output: feature  the feature that is predicted
// @column label: string  its label
// @column kind: string  AND, OR or AND_NOT
// @column inputs: feature[]  the features that predict it
// @column input_labels: string[]  their labels
// @column precision: float  P(output active | gate on)
// @column recall: float  P(gate on | output active)
// @column f1: float  harmonic mean of the two
// @column gain: float  F1 above the best gate of fewer inputs
// @column f1_chosen: float  F1 on the half of the documents on which it was chosen
// @column support: integer (tokens)  tokens of both halves with gate and output active
// @column on: string[]  combination of inputs: 1 where it is active, in their order
// @column tokens: integer[]  tokens of each combination
// @column active: integer[]  of these, tokens with the output active
// @nothing gates are looked for by: saedb gates
// @example --kind AND --min-f1 0.8
// @example --feature 6/2320 --every
MATCH (g:Gate {run: $run, verdict: 'gate'})-[:OUTPUT]->(d)
WHERE g.kind IN CASE $kind WHEN 'any' THEN ['AND', 'OR', 'AND_NOT'] ELSE [$kind] END
  AND g.f1 >= $min_f1 AND g.gain >= $min_gain AND ($every OR g.rank = 0)
  AND ($feature IS NULL OR d.id = $feature) AND ($layer IS NULL OR d.layer = $layer)
WITH g, d ORDER BY g.score DESC, g.f1 DESC, g.id
WHERE $positional OR NOT (coalesce(d.positional, false) OR EXISTS { (g)<-[:INPUT_OF]-(u) WHERE u.positional })
WITH g, d LIMIT $limit
CALL (g) { MATCH (g)<-[input:INPUT_OF]-(u) WITH u ORDER BY input.slot RETURN collect(u) AS us }
RETURN d.id AS output, d.label AS label, g.kind AS kind, [u IN us | u.id] AS inputs,
       [u IN us | u.label] AS input_labels, g.precision AS precision, g.recall AS recall, g.f1 AS f1, g.gain AS gain,
       g.f1_chosen AS f1_chosen, g.support AS support, CASE size(g.tokens) WHEN 4 THEN ['00', '01', '10', '11']
       WHEN 8 THEN ['000', '001', '010', '011', '100', '101', '110', '111'] END AS on,
       g.tokens AS tokens, g.active AS active
ORDER BY g.score DESC, f1 DESC, g.id
