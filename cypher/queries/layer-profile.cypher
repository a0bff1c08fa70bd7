// Counts of each layer: dead, rare, passed on, new, lost.
// The counts behind the paper's Figure 3, by the states that the run gave its features, at its own thresholds. There is
// no count where the layer before or after was not compared, or where an imported table says nothing of it.
// @group evolution
// @param run: run  the run to search
// @column layer: integer  the layer
// @column sae: string  its SAE
// @column features: integer  features with a row in the run
// @column dead: integer  never active on a counted token
// @column rare: integer  active too seldom to compare
// @column appearing: integer  nothing in the layer before resembles them
// @column passed_on: integer  carried by a feature of the next layer
// @column transformed: integer  resemble something in the next layer, and are not carried
// @column disappearing: integer  nothing in the next layer resembles them
// @column edges_out: integer  edges to the next layer
// @example --output csv
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
CALL (s) {
  MATCH (f:Feature {run: s.run, layer: s.layer}) WHERE f.sae = s.id
  RETURN count(f) AS features, count(f.state_in) AS known_in, count(f.state_out) AS known_out,
         count(CASE WHEN 'dead' IN [f.state_in, f.state_out] THEN 1 END) AS dead,
         count(CASE WHEN 'rare' IN [f.state_in, f.state_out] THEN 1 END) AS rare,
         count(CASE f.state_in WHEN 'appearing' THEN 1 END) AS appearing,
         count(CASE f.state_out WHEN 'passed_through' THEN 1 END) AS passed_on,
         count(CASE f.state_out WHEN 'transformed' THEN 1 END) AS transformed,
         count(CASE f.state_out WHEN 'disappearing' THEN 1 END) AS disappearing
}
CALL (s) { OPTIONAL MATCH (s)-[pair:COMPARED_WITH]->(:Sae) RETURN sum(pair.edges) AS edges, count(pair) AS next }
CALL (s) { OPTIONAL MATCH (s)<-[pair:COMPARED_WITH]-(:Sae) RETURN count(pair) AS previous }
RETURN s.layer AS layer, s.id AS sae, features,
       CASE WHEN known_in + known_out > 0 THEN dead END AS dead,
       CASE WHEN known_in + known_out > 0 THEN rare END AS rare,
       CASE WHEN known_in > 0 AND previous > 0 THEN appearing END AS appearing,
       CASE WHEN known_out > 0 AND next > 0 THEN passed_on END AS passed_on,
       CASE WHEN known_out > 0 AND next > 0 THEN transformed END AS transformed,
       CASE WHEN known_out > 0 AND next > 0 THEN disappearing END AS disappearing,
       CASE WHEN next > 0 THEN edges END AS edges_out
ORDER BY s.depth
