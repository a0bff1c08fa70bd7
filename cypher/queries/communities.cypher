// Communities across layers, the largest first.
// Coherence is the mean cosine of the decoder directions of its features that lie in one layer; the paper takes 0.75 and
// more for a community that is about one thing. Beside it stands what random features of the same layers have. Stability
// and recovery are there where communities were looked for with several seeds (saedb communities RUN --runs 20).
// @group communities
// @param run: run  the run to search
// @param partition: partition  the partition (saedb query partitions)
// @param by: choice(size, weight, coherence, label_similarity, conductance, stability, recovery) = size  what comes first: the highest, of conductance the lowest
// @param min_size: integer = 3 in [1, 1000000000]  fewest features
// @param min_layers: integer = 1 in [1, 1000]  fewest layers that its features come from
// @param min_coherence: float = null in [-1, 1]  lowest coherence
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column community: integer  its number, for: saedb query community NUMBER
// @column label: string  words that tell its features from the others
// @column size: integer  number of features
// @column first_layer: integer  its first layer
// @column last_layer: integer  its last layer
// @column weight: float  sum of the weights of the edges inside
// @column coherence: float  how like its features' directions are, within layers
// @column chance: float  the same of random features of the same layers
// @column label_similarity: float  how like the words of its features are
// @column conductance: float  weight of edges that leads out of it
// @column stability: float  share of the runs with other seeds in which a feature stays, on average
// @column recovery: float  mean overlap with the community most like it in other runs
// @example --min-layers 4 --limit 20
// @example --by coherence --min-size 10
// @nothing where a run has no communities yet: saedb communities RUN
MATCH (c:Community {run: $run, partition: $partition})
WHERE c.size >= $min_size AND size(c.layers) >= $min_layers
  AND ($min_coherence IS NULL OR c.coherence >= $min_coherence)
WITH c, CASE $by
  WHEN 'size' THEN c.size
  WHEN 'weight' THEN c.weight
  WHEN 'coherence' THEN c.coherence
  WHEN 'label_similarity' THEN c.label_similarity
  WHEN 'conductance' THEN -c.conductance
  WHEN 'stability' THEN c.stability
  ELSE c.recovery
END AS rank
RETURN c.number AS community, c.label AS label, c.size AS size, c.layers[0] AS first_layer,
       c.layers[-1] AS last_layer, c.weight AS weight, c.coherence AS coherence, c.coherence_chance AS chance,
       c.label_similarity AS label_similarity, c.conductance AS conductance, c.stability AS stability,
       c.recovery AS recovery
ORDER BY rank IS NULL, rank DESC, size DESC, community LIMIT $limit
