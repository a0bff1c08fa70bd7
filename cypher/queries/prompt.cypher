// Features that are active on a prompt, layer by layer.
// Within a layer, those come first that have the largest share of their largest activation in the run. On all tokens,
// each feature is shown on the one where it is most active. Of the edges from other features that are shown, the
// strongest into each is named: so chains can be read upwards.
// @group prompts
// @param run: run  the run to search
// @param prompt: string  its name, from: saedb query prompts
// @param token: integer = null in [0, 1000000]  position of the token; all tokens where none is given
// @param top: integer = 5 in [1, 1000000]  features of each SAE
// @param min_share: float = 0 in [0, 1000000]  lowest share of the largest activation
// @param measure: measure = pearson  of the edges
// @param min_similarity: float = 0.1 in [-1, 1000000]  lowest value of an edge
// @column layer: integer  layer of the feature
// @column feature: feature  the feature
// @column label: string  its label
// @column community: integer  number of its community in the partition that is the default
// @column position: integer  place of the token, from 0
// @column token: string  the token
// @column activation: float  activation on it
// @column share: float  of the largest activation in the run
// @column source: feature  the shown feature that has the strongest edge to it
// @column value: float  the measure of that edge
// @nothing prompts are listed by: saedb query prompts
// @example my-prompt
// @example my-prompt --token 4 --top 10
MATCH (p:Prompt {run: $run, id: $prompt})-[a:ACTIVATES]->(f:Feature)
WHERE $token IS NULL OR a.position = $token
WITH p, f, a ORDER BY a.activation DESC, a.position
WITH p, f, collect(a)[0] AS a
WITH p, f, a, CASE WHEN f.max > 0 THEN a.activation / f.max END AS share
WHERE coalesce(share, 0) >= $min_share
WITH p, f, a, share ORDER BY coalesce(share, 0) DESC, f.index
WITH p, f.depth AS depth, collect({f: f, a: a, share: share})[..$top] AS best
WITH p, collect(best) AS layers
WITH p, reduce(shown = [], best IN layers | shown + best) AS shown
WITH p, shown, [s IN shown | s.f] AS features
UNWIND shown AS s
WITH p, features, s, s.f AS f
CALL (features, f) {
  OPTIONAL MATCH (u:Feature)-[e:EVOLVES_TO]->(f)
  WHERE u IN features AND e.$measure >= $min_similarity
  WITH u, e.$measure AS value ORDER BY value IS NULL, value DESC, u.id LIMIT 1
  RETURN u.id AS source, value
}
RETURN f.layer AS layer, f.id AS feature, f.label AS label, f.community AS community, s.a.position AS position,
       p.tokens[s.a.position] AS token, s.a.activation AS activation, s.share AS share, source, value
ORDER BY f.depth, coalesce(share, 0) DESC, f.index
