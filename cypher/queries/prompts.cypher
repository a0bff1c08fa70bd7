// Texts that were read as prompts.
// They are not the run's own, but read by its model and SAEs. The newest come first. One is made by: saedb prompt 'text'. Saved are the activations above the run's thresholds, or
// above another share of the largest one.
// @group prompts
// @param run: run  the run to search
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column prompt: string  its name
// @column text: string  its text
// @column tokens: integer  tokens that the model read
// @column counted: integer (tokens)  of these, the tokens that count
// @column threshold: float (share)  of a feature's largest activation; none: as in the run
// @column features: integer  features that are active on any of them
// @column activations: integer  activations on all of them
// @column created: string  when it was read, UTC
// @nothing a prompt is made by: saedb prompt 'text'
// @example --limit 10
MATCH (p:Prompt {run: $run})
WITH p ORDER BY p.created DESC, p.id LIMIT $limit
CALL (p) {
  MATCH (p)-[:ACTIVATES]->(f:Feature)
  RETURN count(DISTINCT f) AS features, count(*) AS activations
}
RETURN p.id AS prompt, p.text AS text, size(p.tokens) AS tokens, size(p.counted) AS counted, p.threshold AS threshold,
       features, activations, p.created AS created
ORDER BY created DESC, prompt
