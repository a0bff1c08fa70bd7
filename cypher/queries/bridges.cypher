// Features between communities, tied to several.
// Ranked by the smaller of the weight of a feature's edges inside its community, and outside. The other community is the
// one that most of the weight outside leads to.
// @group communities
// @param run: run  the run to search
// @param partition: partition  the partition (saedb query partitions)
// @param layer: layer = null  only features of this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 50 in [1, 100000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column community: integer  its community
// @column community_label: string  what that is about
// @column inside: float  weight of its edges inside
// @column outside: float  weight of its edges to other features
// @column other: integer  the community that most of these lead to
// @column other_label: string  what that is about
// @column to_other: float  weight of its edges there
// @column stability: float (share)  of the runs with other seeds in which it stays with its community
// @whole-graph
// @example --layer 14
MATCH (p:Partition {run: $run, id: $partition})<-[:OF_PARTITION]-(c:Community)<-[i:IN_COMMUNITY]-(f:Feature)
WHERE i.outside > 0 AND i.inside > 0 AND ($layer IS NULL OR f.layer = $layer)
  AND ($positional OR NOT coalesce(f.positional, false))
WITH p, c, i, f, CASE WHEN i.inside < i.outside THEN i.inside ELSE i.outside END AS tied
ORDER BY tied DESC, f.depth, f.index
CALL (p, c, f) {
  MATCH (f)-[e:EVOLVES_TO]-(:Feature)-[:IN_COMMUNITY]->(o:Community {partition: p.id})
  WHERE o <> c
  WITH o, e[p.measure] AS weight, p.min_similarity AS floor
  WHERE weight >= floor
  RETURN o, sum(weight) AS to_other ORDER BY to_other DESC, o.number LIMIT 1
}
WITH c, i, f, tied, o, to_other LIMIT $limit
RETURN f.id AS feature, f.label AS label, c.number AS community, c.label AS community_label, i.inside AS inside,
       i.outside AS outside, o.number AS other, o.label AS other_label, to_other, i.stability AS stability
ORDER BY tied DESC, f.depth, f.index
