// Features that are carried over several layers.
// A link of a chain is an edge that reaches the minimum and is the best by Pearson correlation of all that leave its
// source and of all that enter its target. So a feature is in at most one chain, chains do not branch, and each is
// reported once, as long as it goes. Between equal correlations the smaller layer and index decide.
// @group evolution
// @param run: run  the run to search
// @param min_pearson: float = 0.95 in [-1, 1]  lowest Pearson correlation on every edge
// @param min_length: integer = 3 in [2, 1000]  fewest features in a chain
// @param limit: integer = 100 in [1, 100000]  most rows returned
// @column length: integer (features)  features in the chain
// @column lowest_pearson: float  lowest correlation of two neighbours
// @column features: feature[]  the features in order
// @column labels: string[]  their labels
// @example --min-pearson 0.9 --min-length 5
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.pearson >= $min_pearson
WITH u, e, d ORDER BY e.run DESC, e.pearson DESC, d.depth, d.index  // run first: the index's order
WITH u, collect(e)[0] AS e, max(e.pearson) AS pearson
WITH endNode(e) AS d, e, pearson ORDER BY pearson DESC, u.depth, u.index
WITH d, collect(e)[0] AS link, max(pearson) AS pearson
WITH collect(link) AS links, collect(pearson) AS pearsons
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
WITH [i IN chain | links[i]] AS chain, reduce(lowest = 1.0, i IN chain |
                                              CASE WHEN pearsons[i] < lowest THEN pearsons[i] ELSE lowest END) AS lowest
WITH [startNode(chain[0])] + [link IN chain | endNode(link)] AS features, lowest
ORDER BY size(features) DESC, lowest DESC, features[0].depth, features[0].index LIMIT $limit
RETURN size(features) AS length, lowest AS lowest_pearson,
       [feature IN features | feature.id] AS features, [feature IN features | feature.label] AS labels
