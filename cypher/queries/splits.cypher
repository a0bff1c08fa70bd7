// Features that several of the next layer divide up.
// Each child is active on a part of the parent's tokens and hardly elsewhere (share and purity), together they cover
// most of them (coverage), and hardly two of them are active at once (overlap). The children were chosen on one half of
// the documents and are counted on the other. The score is coverage times 1 - overlap: 1 is a partition.
// @group evolution
// @param run: run  the run to search
// @param parent: feature = null  only splits of this feature
// @param layer: layer = null  only parents of this layer
// @param min_score: float = 0 in [0, 1]  lowest score
// @param min_children: integer = 2 in [2, 1000]  fewest children
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column parent: feature  the feature that is divided
// @column label: string  its label
// @column coverage: float (share)  P(any child active | parent active)
// @column overlap: float (share)  P(several children active | parent and any child active)
// @column score: float  coverage times 1 - overlap
// @column children: feature[]  the features that divide it, the largest share first
// @column labels: string[]  their labels
// @column shares: float[]  P(child active | parent active)
// @column purities: float[]  P(parent active | child active)
// @column support: integer (tokens)  tokens with the parent and any child active
// @nothing splits are looked for by: saedb splits
// @example --min-children 3 --min-score 0.7
MATCH (s:Split {run: $run})<-[:PARENT_OF]-(p)
WHERE s.score >= $min_score AND ($parent IS NULL OR p.id = $parent) AND ($layer IS NULL OR p.layer = $layer)
  AND COUNT { (s)-[:CHILD]->() } >= $min_children
WITH s, p ORDER BY s.score DESC, s.support DESC, s.id
WHERE $positional OR NOT (coalesce(p.positional, false) OR EXISTS { (s)-[:CHILD]->(c) WHERE c.positional })
WITH s, p LIMIT $limit
CALL (s) {
  MATCH (s)-[child:CHILD]->(c) WITH child, c ORDER BY child.slot
  RETURN collect(child) AS links, collect(c) AS cs
}
RETURN p.id AS parent, p.label AS label, s.coverage AS coverage, s.overlap AS overlap, s.score AS score,
       [c IN cs | c.id] AS children, [c IN cs | c.label] AS labels, [link IN links | link.share] AS shares,
       [link IN links | link.purity] AS purities, s.support AS support
ORDER BY score DESC, support DESC, s.id
