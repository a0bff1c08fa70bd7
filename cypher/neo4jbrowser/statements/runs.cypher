// The runs of this graph, the newest first.
// The first of them is the run that all other questions of this guide are about.
// @group holds
// @column run: run  the run
// @column model: string  whose features they are
// @column tokens: integer (tokens)  tokens that were counted
// @column features: integer  features
// @column links: integer  EVOLVES_TO between features
// @column communities: integer  communities of the default partition
// @column gates: integer  candidates of gates that were tested
// @column splits: integer  features that several divide up
// @nothing saedb demo, saedb ingest and saedb import-edges make runs
MATCH (r:Run {status: 'ready'})
RETURN r.id AS run, r.model AS model, r.tokens AS tokens, r.features AS features, r.edges AS links,
       r.communities AS communities, COUNT { (:Gate {run: r.id}) } AS gates, COUNT { (:Split {run: r.id}) } AS splits
ORDER BY r.created DESC
