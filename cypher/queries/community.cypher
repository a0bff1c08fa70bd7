// The features of one community and where they lead.
// Layer by layer; within a layer those that are tied most to the others come first. Edges count from the partition's floor on.
// @group communities
// @param run: run  the run to search
// @param community: integer in [0, 1000000000]  its number, from: saedb query communities
// @param partition: partition  the partition (saedb query partitions)
// @param limit: integer = 1000 in [1, 1000000]  most rows returned
// @column layer: integer  layer of the feature
// @column feature: feature  the feature
// @column label: string  its label
// @column density: float (share)  how often it is active
// @column stability: float (share)  of the runs with other seeds in which it stays with the community
// @column inside: float  weight of its edges inside
// @column outside: float  weight of its edges to other features
// @column leads_to: feature[]  features of the community in later layers that it has an edge to, the strongest first
// @column weights: float[]  weight of each of these edges
// @example 0
// @example 12 --partition main.consensus
// @nothing no community has this number: saedb query communities
MATCH (c:Community {run: $run, id: $partition + '/' + toString($community)})-[:OF_PARTITION]->(p:Partition)
MATCH (c)<-[i:IN_COMMUNITY]-(f:Feature)
WITH p, c, i, f ORDER BY f.depth, i.inside DESC, f.index LIMIT $limit
CALL (p, c, f) {
  MATCH (f)-[e:EVOLVES_TO]->(o:Feature)
  WITH p, c, o, e[p.measure] AS weight
  WHERE weight >= p.min_similarity AND EXISTS { (o)-[:IN_COMMUNITY]->(c) }
  WITH o, weight ORDER BY weight DESC, o.depth, o.index
  RETURN collect(o.id) AS leads_to, collect(weight) AS weights
}
RETURN f.layer AS layer, f.id AS feature, f.label AS label, f.density AS density, i.stability AS stability,
       i.inside AS inside, i.outside AS outside, leads_to, weights
ORDER BY f.depth, inside DESC, f.index
