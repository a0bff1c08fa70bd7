// Where the labels of each layer come from.
// A feature may have several labels, of which one is preferred: that is the one that other queries show.
// @group features
// @param run: run  the run to search
// @column layer: integer  the layer
// @column sae: string  its SAE
// @column source: string  where labels are from: auto, or source, author and (method)
// @column labels: integer  labels from there
// @column features: integer  features that have one
// @column preferred: integer  features of which it is the preferred one
// @column share: float (share)  features that have one, of those of the SAE
// @example --run demo
// @nothing import some: saedb labels import FILE...
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
CALL (s) { MATCH (f:Feature {run: s.run, layer: s.layer}) WHERE f.sae = s.id RETURN count(*) AS all }
CALL (s) {
  MATCH (f:Feature {run: s.run, layer: s.layer}) WHERE f.sae = s.id AND f.label_sources IS NOT NULL
  UNWIND range(0, size(f.label_sources) - 1) AS place
  WITH f, f.label_sources[place] AS source, count(*) AS own, min(place) AS first
  RETURN source, sum(own) AS labels, count(*) AS features, count(CASE first WHEN 0 THEN 1 END) AS preferred
}
RETURN s.layer AS layer, s.id AS sae, source, labels, features, preferred, toFloat(features) / all AS share
ORDER BY s.depth, preferred DESC, source
