// Features that are carried over several layers.
// A link of a chain is an edge that reaches the minimum and is the best by Pearson correlation of all that leave its
// source and of all that enter its target. So a feature is in at most one chain, chains do not branch, and each is
// reported once, as long as it goes. A chain is as strong as its weakest link. Between equal correlations the smaller
// layer and index decide.
// @group evolution
// @param run: run  the run to search
// @param min_pearson: float = 0.95 in [-1, 1]  lowest Pearson correlation on every edge
// @param min_length: integer = 3 in [2, 1000]  fewest features in a chain
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 100000]  most rows returned
// @column length: integer (features)  features in the chain
// @column lowest_pearson: float  correlation of its weakest link
// @column weakest: feature[]  the two features of that link
// @column features: feature[]  the features in order
// @column labels: string[]  their labels
// @column pearson: float[]  correlation of each link, beside its source
// @column support: integer[] (tokens)  tokens with both ends of each link active, beside its source
// @example --min-pearson 0.9 --min-length 5
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.pearson >= $min_pearson
  AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
WITH e ORDER BY e.run DESC, e.pearson DESC, u.depth, u.index, d.depth, d.index  // run first: the index's order
WITH collect(e) AS es
CALL (es) { UNWIND es AS e WITH startNode(e) AS u, collect(e)[0] AS link RETURN collect(link) AS leaving }
CALL (es) { UNWIND es AS e WITH endNode(e) AS d, collect(e)[0] AS link RETURN collect(link) AS entering }
UNWIND leaving + entering AS link
WITH link, count(*) AS times WHERE times = 2
WITH collect(link) AS links, collect(link.pearson) AS pearsons
// Links are followed in lists, by number: a step in the graph would look at every edge of a feature.
CALL (links) {
  UNWIND range(0, size(links) - 1) AS i
  UNWIND [startNode(links[i]), endNode(links[i])] AS feature
  WITH feature, max(CASE feature WHEN startNode(links[i]) THEN i END) AS leaving,
       max(CASE feature WHEN endNode(links[i]) THEN i END) AS entering
  ORDER BY entering
  RETURN collect(CASE WHEN entering IS NOT NULL THEN coalesce(leaving, -1) END) AS next,
         collect(CASE WHEN entering IS NULL THEN leaving END) AS firsts
}
WITH links, pearsons, next, firsts, COUNT { (:Run {id: $run})-[:HAS_SAE]->() } AS layers
UNWIND firsts AS first
WITH links, pearsons, reduce(chain = [first], step IN range(3, layers) |
                             CASE WHEN next[chain[-1]] < 0 THEN chain ELSE chain + next[chain[-1]] END) AS chain
WHERE size(chain) >= $min_length - 1
WITH [i IN chain | links[i]] AS chain,
     reduce(lowest = chain[0], i IN chain | CASE WHEN pearsons[i] < pearsons[lowest] THEN i ELSE lowest END) AS lowest,
     links, pearsons
WITH chain, links[lowest] AS weakest, pearsons[lowest] AS lowest,
     [startNode(chain[0])] + [link IN chain | endNode(link)] AS features
ORDER BY size(features) DESC, lowest DESC, features[0].depth, features[0].index LIMIT $limit
RETURN size(features) AS length, lowest AS lowest_pearson,
       [startNode(weakest).id, endNode(weakest).id] AS weakest,
       [feature IN features | feature.id] AS features, [feature IN features | feature.label] AS labels,
       [link IN chain | link.pearson] AS pearson, [link IN chain | link.support] AS support
