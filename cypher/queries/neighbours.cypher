// Edges into and out of one feature, with every measure.
// @group edges
// @param run: run  the run to search
// @param feature: feature  its id, or a short form such as 6/2320
// @param direction: choice(both, in, out) = both  which edges
// @param measure: measure = pearson  the highest come first
// @param limit: integer = 100 in [1, 1000000]  most rows returned
// @column direction: string  in: the neighbour is upstream; out: downstream
// @column neighbour: feature  the feature at the other end
// @column label: string  its label
// @column pearson: float  correlation of the two activations
// @column jaccard: float  tokens with both active, of those with either
// @column necessity: float  P(upstream active | downstream active)
// @column sufficiency: float  P(downstream active | upstream active)
// @column mutual_information: float (nats)  of the two being active
// @column activation_cosine: float  cosine of the two activations
// @column decoder_cosine: float  cosine of the two decoder directions
// @column lift: float  how much more often than by chance both are active
// @column support: integer (tokens)  tokens with both active
// @column support_docs: integer (documents)  documents with such a token
// @column effect: float (share)  mean loss of the downstream one without the upstream one, where that was tried
// @column effect_se: float (share)  its standard error
// @column effect_control: float (share)  the same of features without an edge
// @example 6/2320 --direction in --measure necessity
MATCH (f:Feature {run: $run, id: $feature})
CALL (f) {
  MATCH (f)<-[e:EVOLVES_TO]-(n:Feature) WHERE $direction <> 'out' RETURN 'in' AS direction, e, n
  UNION ALL
  MATCH (f)-[e:EVOLVES_TO]->(n:Feature) WHERE $direction <> 'in' RETURN 'out' AS direction, e, n
}
RETURN direction, n.id AS neighbour, n.label AS label, e.pearson AS pearson, e.jaccard AS jaccard,
       e.necessity AS necessity, e.sufficiency AS sufficiency, e.mutual_information AS mutual_information,
       e.activation_cosine AS activation_cosine, e.decoder_cosine AS decoder_cosine, e.lift AS lift,
       e.support AS support, e.support_docs AS support_docs, e.effect AS effect, e.effect_se AS effect_se,
       e.effect_control AS effect_control
ORDER BY direction, e.$measure IS NULL, e.$measure DESC, n.depth, n.index LIMIT $limit
