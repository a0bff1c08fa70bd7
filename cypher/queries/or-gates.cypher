// OR candidates: any one of exactly N others is enough.
// The paper's rule: the sufficiency P(output active | input active) of exactly N inputs reaches the minimum. These are
// candidates, for the rule is one-sided: it does not ask whether the output is active without any of them. Coverage
// hints at it: the inputs explain at most this share of the output's tokens. Edges with less support do not count,
// because a rare feature reaches any share by chance; --min-support 0 is the paper's reading.
// @group gates
// @param run: run  the run to search
// @param min_sufficiency: float = 0.999 in [0, 1]  lowest sufficiency of each input
// @param inputs: integer = 2 in [1, 10]  number of inputs, exactly
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with input and output active, where known
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column output: feature  the feature that each input is enough for
// @column output_label: string  its label
// @column output_density: float (share)  how often it is active
// @column coverage: float (share)  sum of the inputs' necessity
// @column inputs: feature[]  the features that are enough
// @column input_labels: string[]  their labels
// @column sufficiency: float[]  P(output active | input active)
// @column support: integer[] (tokens)  tokens with input and output active
// @column input_density: float[] (share)  how often each input is active
// @example --min-sufficiency 0.99 --inputs 3
MATCH ()-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.sufficiency >= $min_sufficiency AND coalesce(e.support >= $min_support, true)
WITH d, collect(e) AS es
WHERE size(es) = $inputs
UNWIND es AS e
WITH d, e, startNode(e) AS u ORDER BY u.depth, u.index
WITH d, collect(u) AS us, collect(e) AS es,
     CASE WHEN count(e.necessity) = count(e) THEN sum(e.necessity) END AS coverage
WITH d, us, es, coverage
ORDER BY coalesce(coverage, -1) DESC, coalesce(es[0].support, -1) DESC, d.depth, d.index LIMIT $limit
RETURN d.id AS output, d.label AS output_label, d.density AS output_density, coverage,
       [u IN us | u.id] AS inputs, [u IN us | u.label] AS input_labels, [e IN es | e.sufficiency] AS sufficiency,
       [e IN es | e.support] AS support, [u IN us | u.density] AS input_density
