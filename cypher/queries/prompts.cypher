// Texts that were read as prompts.
// They are not the run's own, but read by its model and SAEs. The newest come first. One is made by: saedb prompt 'text'. Saved are the activations above the run's thresholds, or
// above another share of the largest one.
// @group prompts
// @param run: run  the run to search
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column prompt: name  its name
// @column text: string  its text
// @column tokens: integer  tokens that the model read
// @column features: integer  features that are active on any of them
// @column created: string  when it was read, UTC, to the minute
// @nothing a prompt is made by: saedb prompt 'text'
// @example --limit 10
MATCH (p:Prompt {run: $run})
WITH p ORDER BY p.created DESC, p.id LIMIT $limit
CALL (p) { MATCH (p)-[:ACTIVATES]->(f:Feature) RETURN count(DISTINCT f) AS features }
RETURN p.id AS prompt, p.text AS text, size(p.tokens) AS tokens, features, left(p.created, 16) AS created
ORDER BY p.created DESC, prompt
