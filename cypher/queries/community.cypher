// The features of one community, layer by layer.
// Within a layer those with most edges inside the community come first.
// @group communities
// @param run: run  the run to search
// @param community: integer in [0, 1000000000]  its number, from: saedb query communities
// @param limit: integer = 1000 in [1, 1000000]  most rows returned
// @column layer: integer  layer of the feature
// @column feature: feature  the feature
// @column label: string  its label
// @column density: float (share)  how often it is active
// @column edges_inside: integer  its edges to features of the community
// @column edges: integer  all its edges
// @example 0
MATCH (c:Community {run: $run, id: $community})<-[:IN_COMMUNITY]-(f:Feature)
WITH f, COUNT { (f)-[:EVOLVES_TO]-(other:Feature) WHERE other.community = $community } AS edges_inside
RETURN f.layer AS layer, f.id AS feature, f.label AS label, f.density AS density, edges_inside,
       COUNT { (f)-[:EVOLVES_TO]-() } AS edges
ORDER BY f.depth, edges_inside DESC, f.index LIMIT $limit
