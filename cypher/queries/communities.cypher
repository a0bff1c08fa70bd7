// Communities across layers, the largest first.
// @group communities
// @param run: run  the run to search
// @param min_size: integer = 3 in [1, 1000000000]  fewest features
// @param min_layers: integer = 1 in [1, 1000]  fewest layers that its features come from
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column community: integer  its number, for: saedb query community NUMBER
// @column label: string  words that its features share
// @column size: integer (features)  number of features
// @column layers: integer  number of layers
// @column first_layer: integer  its first layer
// @column last_layer: integer  its last layer
// @example --min-layers 4 --limit 20
MATCH (c:Community {run: $run})
WHERE c.size >= $min_size AND size(c.layers) >= $min_layers
RETURN c.id AS community, c.label AS label, c.size AS size, size(c.layers) AS layers,
       c.layers[0] AS first_layer, c.layers[-1] AS last_layer
ORDER BY size DESC, community LIMIT $limit
