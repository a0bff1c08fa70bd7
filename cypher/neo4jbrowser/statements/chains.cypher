// The longest chains: features that are carried on from layer to layer.
// Each link is the strongest that enters its feature, and reaches the minimum.
// @group pictures
// @param run: run  the run
// @param minimum: float = 0.9 in [-1, 1]  lowest Pearson correlation of a link
// @param limit: integer = 15 in [1, 1000]  most chains
// @column chain: path  a chain
// @nothing lower the minimum
MATCH ()-[e:EVOLVES_TO {run: $run}]->(last:Feature)
WHERE e.pearson >= $minimum
  AND NOT EXISTS { (last)-[next:EVOLVES_TO]->() WHERE next.pearson >= $minimum }
WITH DISTINCT last ORDER BY last.depth DESC, last.index LIMIT 1000
MATCH chain = (first) ((a)-[e:EVOLVES_TO]->(b) WHERE e.pearson >= $minimum
  AND NOT EXISTS { (b)<-[o:EVOLVES_TO]-(c) WHERE o.pearson > e.pearson OR o.pearson = e.pearson AND c.index < a.index }){2,} (last)
WHERE NOT EXISTS { (first)<-[before:EVOLVES_TO]-() WHERE before.pearson >= $minimum }
RETURN chain ORDER BY length(chain) DESC LIMIT $limit
