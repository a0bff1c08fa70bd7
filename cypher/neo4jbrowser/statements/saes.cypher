// The newest run with its SAEs, as a picture.
// @group holds
// @param run: run  the run
// @column saes: path  the run and its SAEs
// @column compared: path  which of them were compared
MATCH saes = (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
OPTIONAL MATCH compared = (s)-[:COMPARED_WITH]->(:Sae)
RETURN saes, compared
