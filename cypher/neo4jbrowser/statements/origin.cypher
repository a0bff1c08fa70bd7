// Where a feature comes from, and what becomes of it.
// Its strongest link is followed back from layer to layer, and forward, as long as Pearson correlation reaches the
// minimum. The next strongest links of each step stand beside it: there features flow together or divide.
// @group pictures
// @param run: run  the run
// @param feature: string = ""  a word of its label, its id, or layer and index such as 14/65; nothing: an example
// @param minimum: float = 0.3 in [-1, 1]  lowest Pearson correlation of a link
// @param branches: integer = 3 in [1, 100]  links shown at each step
// @column step: path  a feature on the way
// @column link: path  one of its links
// @nothing no feature has this word or id; look for other words with the question above
MATCH (r:Run {id: $run})
WITH r, trim($feature) AS wanted
CALL (r, wanted) {
  MATCH (f:Feature {run: r.id, id: wanted}) RETURN f, 3 AS fits, 0 AS score
  UNION ALL
  MATCH (f:Feature {run: r.id, layer: toInteger(split(wanted, '/')[0])})
  WHERE f.index = toInteger(split(wanted, '/')[1]) RETURN f, 2 AS fits, 0 AS score
  UNION ALL
  WITH r, wanted WHERE wanted <> ''
  CALL db.index.fulltext.queryNodes('feature_text', '"' + replace(wanted, '"', ' ') + '"') YIELD node AS f, score
  WHERE f.run = r.id RETURN f, 1 AS fits, score
  UNION ALL
  MATCH (r)-[:HAS_SAE]->(s) WHERE wanted = '' WITH r, s ORDER BY s.depth DESC LIMIT 1
  MATCH (f:Feature {run: r.id, layer: s.layer}) RETURN f, 0 AS fits, COUNT { (f)<-[:EVOLVES_TO]-() } AS score
}
WITH f ORDER BY fits DESC, score DESC LIMIT 1
OPTIONAL MATCH back = () ((a)-[e:EVOLVES_TO]->(b) WHERE e.pearson >= $minimum
  AND NOT EXISTS { (b)<-[o:EVOLVES_TO]-(c) WHERE o.pearson > e.pearson OR o.pearson = e.pearson AND c.index < a.index }){1,} (f)
WITH f, back ORDER BY length(back) DESC LIMIT 1
OPTIONAL MATCH ahead = (f) ((a)-[e:EVOLVES_TO]->(b) WHERE e.pearson >= $minimum
  AND NOT EXISTS { (a)-[o:EVOLVES_TO]->(c) WHERE o.pearson > e.pearson OR o.pearson = e.pearson AND c.index < b.index }){1,} ()
WITH f, coalesce(nodes(back), [f]) AS before, ahead ORDER BY length(ahead) DESC LIMIT 1
WITH before, coalesce(nodes(ahead), [f]) AS after
CALL (before, after) {
  UNWIND before AS step
  CALL (step) {
    OPTIONAL MATCH link = (step)<-[e:EVOLVES_TO]-() WHERE e.pearson >= $minimum
    RETURN link ORDER BY e.pearson DESC LIMIT $branches
  }
  RETURN step, link
  UNION
  UNWIND after AS step
  CALL (step) {
    OPTIONAL MATCH link = (step)-[e:EVOLVES_TO]->() WHERE e.pearson >= $minimum
    RETURN link ORDER BY e.pearson DESC LIMIT $branches
  }
  RETURN step, link
}
RETURN step, link
