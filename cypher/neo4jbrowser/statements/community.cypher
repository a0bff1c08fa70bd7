// One community: its features across the layers, and the links between them.
// @group pictures
// @param run: run  the run
// @param partition: partition  the partition
// @param community: integer = 0 in [0, 1000000000]  its number, from the list of communities; 0 is one of the largest
// @param limit: integer = 60 in [1, 10000]  most features, those with the strongest ties first
// @column link: path  a link inside
// @nothing communities are found by: saedb communities
MATCH (p:Partition {run: $run, id: $partition})
MATCH (:Community {run: p.run, id: p.id + '/' + toString($community)})<-[i:IN_COMMUNITY]-(f:Feature)
WITH p, f ORDER BY i.inside DESC, f.depth, f.index LIMIT $limit
WITH p, collect(f) AS features
UNWIND features AS f
MATCH link = (f)-[e:EVOLVES_TO]->(o)
WHERE o IN features AND e[p.measure] >= p.min_similarity
RETURN link
