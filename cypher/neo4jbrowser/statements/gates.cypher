// Gates with their inputs and outputs.
// The output is active where all inputs are (AND), where any is (OR), or where the first is and the second is not
// (AND_NOT): its input 1 must be silent.
// @group pictures
// @param run: run  the run
// @param kind: choice(AND, OR, AND_NOT) = AND  which gates
// @param limit: integer = 8 in [1, 1000]  most gates
// @column inputs: path  the inputs of a gate
// @column output: path  the feature that it predicts
// @nothing gates are found by: saedb gates
MATCH (g:Gate {run: $run, kind: $kind, verdict: 'gate'})
WHERE g.rank = 0
WITH g ORDER BY g.score DESC, g.id LIMIT $limit
MATCH inputs = (g)<-[:INPUT_OF]-(), output = (g)-[:OUTPUT]->()
RETURN inputs, output
