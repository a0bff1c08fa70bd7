// AND candidates: features that need exactly N others.
// The paper's rule: the necessity P(input active | output active) of exactly N inputs reaches the minimum. These are
// candidates, for the rule is one-sided: it does not ask whether the output is active whenever all inputs are. Twins,
// and a passed-on feature with a companion, fulfil it too. Edges with less support do not count, because a rare feature
// reaches any share by chance; --min-support 0 is the paper's reading.
// @group gates
// @param run: run  the run to search
// @param min_necessity: float = 0.999 in [0, 1]  lowest necessity of each input
// @param inputs: integer = 2 in [1, 10]  number of inputs, exactly
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with input and output active, where known
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column output: feature  the feature that needs the inputs
// @column output_label: string  its label
// @column output_density: float (share)  how often it is active
// @column inputs: feature[]  the needed features
// @column input_labels: string[]  their labels
// @column necessity: float[]  P(input active | output active)
// @column support: integer[] (tokens)  tokens with input and output active
// @column input_density: float[] (share)  how often each input is active
// @example --min-necessity 0.99 --min-support 50
MATCH ()-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.necessity >= $min_necessity AND coalesce(e.support >= $min_support, true)
WITH d, collect(e) AS es
WHERE size(es) = $inputs
UNWIND es AS e
WITH d, e, startNode(e) AS u ORDER BY u.depth, u.index
WITH d, collect(u) AS us, collect(e) AS es
WITH d, us, es ORDER BY coalesce(es[0].support, -1) DESC, d.depth, d.index LIMIT $limit
RETURN d.id AS output, d.label AS output_label, d.density AS output_density,
       [u IN us | u.id] AS inputs, [u IN us | u.label] AS input_labels, [e IN es | e.necessity] AS necessity,
       [e IN es | e.support] AS support, [u IN us | u.density] AS input_density
