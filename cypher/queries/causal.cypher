// What taking out the source of an edge does to its target.
// The source was taken out of the model, in contexts in which it is active. The effect is the mean loss of the target's
// activation over tokens with both active, as a share of its mean there: 1 is all of it, 0 nothing, and less than 0 a
// gain. The control is the same of targets as dense to which the source has no edge; z says by how many standard errors
// the effect is above it. Errors of few documents are uncertain: from 10 on a z of 2 is hardly ever chance, of 3 it
// takes 4.5. The z takes effect and control for independent, though they share contexts. A measure that is high where
// the effect is low tells of features that meet, and do not cause each other: see disagreements.
// @group edges
// @param run: run  the run to search
// @param measure: measure = pearson  a measure to set beside the effect
// @param minimum: float = null  lowest value of that measure
// @param min_effect: float = null  lowest effect
// @param max_effect: float = null  highest effect
// @param min_z: float = null  fewest standard errors above the control
// @param min_tokens: integer = 0 in [0, 1000000000]  fewest tokens that an effect is the mean of
// @param min_documents: integer = 0 in [0, 1000000000]  fewest documents of these tokens
// @param layer: layer = null  only edges that leave this layer
// @param positional: boolean  take features that depend on the position in the context, too
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column source: feature  the upstream feature, which was taken out
// @column source_label: string  its label
// @column target: feature  the downstream feature
// @column target_label: string  its label
// @column value: float  the chosen measure
// @column effect: float (share)  mean loss of the target over tokens with both active, of its mean there
// @column se: float (share)  its standard error, with documents as clusters
// @column control: float (share)  the same of other targets, without an edge
// @column z: float  standard errors by which the effect is above the control
// @column change: float (activation)  the mean loss itself
// @column paper: float (activation)  mean loss over all tokens with the target above 0.01 of its maximum
// @column tokens: integer (tokens)  tokens with both active that were looked at
// @column documents: integer (documents)  documents of these
// @column controls: integer  targets that the control is the mean of
// @nothing effects are found by: saedb ablate
// @example --min-z 2 --min-documents 10 --min-effect 0.5
// @example --measure necessity --minimum 0.9 --max-effect 0.05
MATCH (u)-[e:EVOLVES_TO {run: $run}]->(d)
WHERE e.effect >= coalesce($min_effect, -1.0e300) AND ($max_effect IS NULL OR e.effect <= $max_effect)
  AND ($minimum IS NULL OR e.$measure >= $minimum) AND ($min_z IS NULL OR e.effect_z >= $min_z)
  AND e.effect_tokens >= $min_tokens AND e.effect_documents >= $min_documents
  AND ($layer IS NULL OR u.layer = $layer)
  AND ($positional OR NOT (coalesce(u.positional, false) OR coalesce(d.positional, false)))
WITH u, e, d
ORDER BY e.effect DESC, u.depth, u.index, d.depth, d.index LIMIT $limit
RETURN u.id AS source, u.label AS source_label, d.id AS target, d.label AS target_label, e.$measure AS value,
       e.effect AS effect, e.effect_se AS se, e.effect_control AS control, e.effect_z AS z, e.effect_change AS change,
       e.effect_paper AS paper, e.effect_tokens AS tokens, e.effect_documents AS documents,
       e.effect_controls AS controls
