// Features that nothing in the layer before resembles.
// The best incoming Pearson correlation is below the maximum. Features that are dead or rare are left out, and so is a
// layer whose predecessor was not compared with it. The most active come first. A feature that attention moved here
// from another token position looks like this too.
// @group evolution
// @param run: run  the run to search
// @param max_pearson: float = 0.3 in [-1, 1]  the best incoming Pearson correlation is below this
// @param layer: layer = null  only features of this layer
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column feature: feature  the feature
// @column label: string  its label
// @column active: integer (tokens)  tokens on which it is active
// @column density: float (share)  the same, of the counted tokens
// @column best_pearson: float  its best incoming correlation; none if no edge was kept
// @column nearest: feature  the feature of the layer before that has it
// @column nearest_label: string  label of that feature
// @example --layer 5 --max-pearson 0.2
MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae)
WHERE ($layer IS NULL OR s.layer = $layer) AND EXISTS { (s)<-[:COMPARED_WITH]-(:Sae) }
MATCH (f:Feature {run: $run, layer: s.layer})
WHERE f.depth = s.depth AND NOT coalesce(f.state_in, '') IN ['dead', 'rare']
WITH f ORDER BY coalesce(f.n_active, -1) DESC, f.depth, f.index
WHERE NOT EXISTS { (f)<-[e:EVOLVES_TO]-() WHERE e.pearson >= $max_pearson }
WITH f LIMIT $limit
OPTIONAL MATCH (f)<-[e:EVOLVES_TO WHERE e.pearson IS NOT NULL]-(n:Feature)
WITH f, e, n ORDER BY e.pearson DESC, n.depth, n.index
WITH f, collect(e)[0] AS e, collect(n)[0] AS n
RETURN f.id AS feature, f.label AS label, f.n_active AS active, f.density AS density,
       e.pearson AS best_pearson, n.id AS nearest, n.label AS nearest_label
ORDER BY coalesce(active, -1) DESC, f.depth, f.index
