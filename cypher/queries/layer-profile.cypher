// States of each layer: dead, rare, passed on, new, lost.
// The counts behind the paper's Figure 3, at any thresholds. A feature is passed through where its best Pearson
// correlation with the neighbouring layer reaches one threshold, appears or disappears where it is below the other, and
// is transformed in between. Dead and rare features are none of these, and stand in columns of their own; the paper
// knows two states, and counts dead features. There is no count where a layer was not compared, or where an imported
// table says nothing of it.
//
// The last five columns are there once they were measured: of the features that carry on one of the layer before, how
// far the residual stream already had them, and how many it did not; of the features that nothing in the next layer
// needs, how much is in the error of its SAE.
// @group evolution
// @param run: run  the run to search
// @param passed: float = 0.95 in [-1, 1]  lowest Pearson correlation of a feature that is passed through
// @param vanishing: float = 0.3 in [-1, 1]  a feature that stays below appears or disappears
// @param dead_and_rare: boolean  count features that never fire, or too seldom for an edge, among the others
// @param rebuilt: float = 0.5 in [-1, 1]  a feature that is carried on is rebuilt where it is copied less than this
// @param min_tokens: integer = 10 in [0, 1000000000]  fewest tokens of a feature whose recovery counts
// @preset paper: passed=0.95, vanishing=0.95, dead_and_rare=true  two states, dead features counted
// @column layer: integer  the layer
// @column sae: string  its SAE
// @column features: integer  features with a row in the run
// @column dead: integer  never above 0 on a counted token, whatever counts as active
// @column rare: integer  active too seldom to compare
// @column passed_in: integer  carry on a feature of the layer before
// @column transformed_in: integer  resemble something in the layer before, and do not carry it on
// @column appearing: integer  nothing in the layer before resembles them
// @column passed_on: integer  carried by a feature of the next layer
// @column transformed: integer  resemble something in the next layer, and are not carried
// @column disappearing: integer  nothing in the next layer resembles them
// @column edges_out: integer  edges to the next layer
// @column copied: float  median, of features carried on, of how far the residual stream already had them (saedb residuals)
// @column rebuilt: float (share)  of these, those that it hardly had: the layer computed them anew
// @column recovered: float (share)  median, of features of low necessity, of what the next SAE's error has of them
// @column recovered_control: float (share)  the same along random directions
// @column recovered_slope: float  median of what the error has more of for each unit of activation
// @example --passed 0.9 --vanishing 0.5
// @example --preset paper
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
CALL (s) { OPTIONAL MATCH (s)-[pair:COMPARED_WITH]->(:Sae) RETURN sum(pair.edges) AS edges, count(pair) AS next }
CALL (s) { OPTIONAL MATCH (s)<-[pair:COMPARED_WITH]-(:Sae) RETURN count(pair) AS previous }
CALL (s) {
  MATCH (f:Feature {run: s.run, layer: s.layer}) WHERE f.sae = s.id
  WITH f, CASE f.n_positive WHEN 0 THEN 'dead' ELSE coalesce(f.state_out, f.state_in) END AS state
  WITH f, state, $dead_and_rare OR NOT coalesce(state IN ['dead', 'rare'], false) AS counts
  WITH f, state, coalesce(state, f.best_in) AS seen_in, CASE WHEN counts THEN coalesce(f.best_in, -1) END AS in,
              coalesce(state, f.best_out) AS seen_out, CASE WHEN counts THEN coalesce(f.best_out, -1) END AS out,
              f.low_necessity AND f.recovered_tokens >= $min_tokens AS measured
  RETURN count(*) AS features, count(state) > 0 AS known, count(seen_in) > 0 AS back, count(seen_out) > 0 AS ahead,
         count(CASE state WHEN 'dead' THEN 1 END) AS dead, count(CASE state WHEN 'rare' THEN 1 END) AS rare,
         count(CASE WHEN in >= $passed THEN 1 END) AS passed_in,
         count(CASE WHEN $vanishing <= in < $passed THEN 1 END) AS transformed_in,
         count(CASE WHEN in < $vanishing AND in < $passed THEN 1 END) AS appearing,
         count(CASE WHEN out >= $passed THEN 1 END) AS passed_on,
         count(CASE WHEN $vanishing <= out < $passed THEN 1 END) AS transformed,
         count(CASE WHEN out < $vanishing AND out < $passed THEN 1 END) AS disappearing,
         percentileCont(CASE WHEN in >= $passed THEN f.copied END, 0.5) AS copied,
         count(CASE WHEN in >= $passed AND coalesce(f.copied, CASE f.copied_ratio WHEN 0 THEN -1 END) < $rebuilt
               THEN 1 END) AS anew,
         count(CASE WHEN in >= $passed THEN f.copied_ratio END) AS compared,
         percentileCont(CASE WHEN measured THEN f.recovered END, 0.5) AS recovered,
         percentileCont(CASE WHEN measured THEN f.recovered_control END, 0.5) AS recovered_control,
         percentileCont(CASE WHEN measured THEN f.recovered_slope END, 0.5) AS recovered_slope
}
WITH *, back AND previous > 0 AS back, ahead AND next > 0 AS ahead
RETURN s.layer AS layer, s.id AS sae, features,
       CASE WHEN known THEN dead END AS dead, CASE WHEN known THEN rare END AS rare,
       CASE WHEN back THEN passed_in END AS passed_in, CASE WHEN back THEN transformed_in END AS transformed_in,
       CASE WHEN back THEN appearing END AS appearing, CASE WHEN ahead THEN passed_on END AS passed_on,
       CASE WHEN ahead THEN transformed END AS transformed, CASE WHEN ahead THEN disappearing END AS disappearing,
       CASE WHEN next > 0 THEN edges END AS edges_out, CASE WHEN back THEN copied END AS copied,
       CASE WHEN back THEN toFloat(anew) / nullif(compared, 0) END AS rebuilt, recovered, recovered_control,
       recovered_slope
ORDER BY s.depth
