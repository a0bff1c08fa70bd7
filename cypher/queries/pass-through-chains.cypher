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
MATCH (u:Feature)-[e:EVOLVES_TO {run: $run}]->(d:Feature)
WHERE e.pearson >= $min_pearson
WITH u, e, d ORDER BY e.pearson DESC, d.depth, d.index
WITH u, collect(e)[0] AS e
WITH u, e, endNode(e) AS d ORDER BY e.pearson DESC, u.depth, u.index
WITH d, collect(e)[0] AS link
WITH collect(link) AS links
WITH links, [link IN links | startNode(link)] AS sources, [link IN links | endNode(link)] AS targets
UNWIND links AS first
WITH links, sources, targets, startNode(first) AS start, endNode(first) AS second
WHERE NOT start IN targets AND ($min_length = 2 OR second IN sources)
MATCH chain = (start)-[e:EVOLVES_TO WHERE e IN links]->+(last)
WHERE length(chain) >= $min_length - 1 AND NOT last IN sources
UNWIND relationships(chain) AS edge
WITH chain, min(edge.pearson) AS lowest_pearson
WITH nodes(chain) AS features, lowest_pearson
ORDER BY size(features) DESC, lowest_pearson DESC, features[0].depth, features[0].index LIMIT $limit
RETURN size(features) AS length, lowest_pearson,
       [feature IN features | feature.id] AS features, [feature IN features | feature.label] AS labels
