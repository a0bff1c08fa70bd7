// How a community hands over from layer to layer.
// One row for each of its layers: how many of its features carry on something of an earlier layer, and are carried on by
// a later one, inside the community; what weight stays inside, and what leads on to other communities. Nothing is said of
// a side on which the layer was not compared.
// @group communities
// @param run: run  the run to search
// @param community: integer in [0, 1000000000]  its number, from: saedb query communities
// @param partition: partition  the partition (saedb query partitions)
// @column layer: integer  the layer
// @column sae: string  its SAE
// @column features: integer  features of the community
// @column carrying_on: integer  those with an edge inside from an earlier layer
// @column beginning: integer  those without one
// @column handed_on: integer  those with an edge inside to a later layer
// @column passed_on: integer  those that a feature of the community carries on as they are
// @column ending: integer  those without an edge inside to a later layer
// @column edges: integer  edges inside to later layers
// @column weight: float  sum of their weights
// @column leaving: float  sum of the weights of edges to later layers that lead out of it
// @column strongest: feature  the feature that is tied most to the community
// @column label: string  its label
// @example 0
// @example 0 --partition main.consensus
// @nothing no community has this number: saedb query communities
MATCH (c:Community {run: $run, id: $partition + '/' + toString($community)})-[:OF_PARTITION]->(p:Partition)
MATCH (c)<-[i:IN_COMMUNITY]-(f:Feature)
WITH p, c, i, f ORDER BY i.inside DESC, f.depth, f.index
CALL (p, c, f) {
  OPTIONAL MATCH (f)-[e:EVOLVES_TO]-(o:Feature)
  WITH c, f, o, e, startNode(e) = f AS is_ahead, e[p.measure] AS weight, p.min_similarity AS floor
  WITH f, e, is_ahead, weight, weight >= floor AS counts, EXISTS { (o)-[:IN_COMMUNITY]->(c) } AS is_inside
  WITH is_ahead, weight, counts, is_inside,
       is_ahead AND counts AND is_inside AND f.state_out = 'passed_through' AND e.pearson >= f.best_out AS is_next
  RETURN count(CASE WHEN is_next THEN 1 END) AS next,
         count(CASE WHEN counts AND is_inside AND NOT is_ahead THEN 1 END) AS before,
         count(CASE WHEN counts AND is_inside AND is_ahead THEN 1 END) AS after,
         sum(CASE WHEN counts AND is_inside AND is_ahead THEN weight ELSE 0.0 END) AS weight,
         sum(CASE WHEN counts AND NOT is_inside AND is_ahead THEN weight ELSE 0.0 END) AS leaving
}
WITH f.depth AS depth, f.layer AS layer, f.sae AS sae, count(*) AS features,
     count(CASE WHEN before > 0 THEN 1 END) AS carrying_on, count(CASE WHEN before = 0 THEN 1 END) AS beginning,
     count(CASE WHEN after > 0 THEN 1 END) AS handed_on,
     count(CASE WHEN next > 0 THEN 1 END) AS passed_on,
     count(CASE WHEN after = 0 THEN 1 END) AS ending, sum(after) AS edges, sum(weight) AS weight,
     sum(leaving) AS leaving, head(collect(f.id)) AS strongest, head(collect(coalesce(f.label, ''))) AS label
MATCH (s:Sae {run: $run, id: sae})
WITH *, EXISTS { (s)<-[:COMPARED_WITH]-() } AS back, EXISTS { (s)-[:COMPARED_WITH]->() } AS ahead
RETURN layer, sae, features, CASE WHEN back THEN carrying_on END AS carrying_on,
       CASE WHEN back THEN beginning END AS beginning, CASE WHEN ahead THEN handed_on END AS handed_on,
       CASE WHEN ahead THEN passed_on END AS passed_on, CASE WHEN ahead THEN ending END AS ending,
       CASE WHEN ahead THEN edges END AS edges, CASE WHEN ahead THEN weight END AS weight,
       CASE WHEN ahead THEN leaving END AS leaving, strongest, CASE label WHEN '' THEN null ELSE label END AS label
ORDER BY depth
