// Features that specialise a more general one.
// The general feature is active wherever the special one is (necessity high), and mostly without it (sufficiency low).
// A feature that is active nearly everywhere is the source of nothing, so its density is limited. The score has a
// factor for each: the lower end of the necessity's 95 % interval (by Wilson), so that a handful of tokens prove
// little; 1 - sufficiency, what the special feature leaves out; and the logarithm of lift, without which "the" comes
// first. Lift alone, which is large for what is rare, puts those first that have hardly any evidence.
// @group evolution
// @param run: run  the run to search
// @param min_necessity: float = 0.9 in [0, 1]  lowest P(general active | special active)
// @param max_sufficiency: float = 0.3 in [0, 1]  highest P(special active | general active)
// @param max_density: float = 0.1 in [0, 1]  highest density of the general feature, where known
// @param min_support: integer = 10 in [0, 1000000000]  fewest tokens with both active, where known
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column general: feature  the general feature
// @column general_label: string  its label
// @column special: feature  the special feature
// @column special_label: string  its label
// @column score: float  evidence for the general feature, what is left out, and surprise
// @column necessity: float  P(general active | special active)
// @column sufficiency: float  P(special active | general active)
// @column lift: float  how much more often than by chance both are active
// @column support: integer (tokens)  tokens with both active
// @example --max-sufficiency 0.1 --min-support 100
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
USING INDEX e:EVOLVES_TO(run, necessity)  // few edges are necessary, most have a low sufficiency
WHERE e.necessity >= $min_necessity AND e.sufficiency <= $max_sufficiency
  AND coalesce(u.density <= $max_density, true) AND coalesce(e.support >= $min_support, true)
  AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
WITH u, e, d, e.necessity AS p, e.support / nullif(e.necessity, 0) AS n
WITH u, e, d, CASE WHEN n IS NULL THEN p
  ELSE (p + 1.92 / n - 1.96 * sqrt(p * (1 - p) / n + 0.96 / n ^ 2)) / (1 + 3.84 / n) END AS at_least
WITH u, e, d, at_least * (1 - e.sufficiency) * coalesce(log(e.lift), 1) AS score
ORDER BY score DESC, e.sufficiency, u.depth, u.index, d.depth, d.index LIMIT $limit
RETURN u.id AS general, u.label AS general_label, d.id AS special, d.label AS special_label, score,
       e.necessity AS necessity, e.sufficiency AS sufficiency, e.lift AS lift, e.support AS support
ORDER BY score DESC, sufficiency, u.depth, u.index, d.depth, d.index
