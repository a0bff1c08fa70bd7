// Splits: features with those of the next layer that divide them up.
// @group pictures
// @param run: run  the run
// @param limit: integer = 8 in [1, 1000]  most splits
// @column parent: path  the feature that is divided
// @column child: path  a feature that takes a part of it, with its share of the tokens
// @nothing splits are found by: saedb splits
MATCH (s:Split {run: $run})
WITH s ORDER BY s.score DESC, s.id LIMIT $limit
MATCH parent = (s)<-[:PARENT_OF]-(), child = (s)-[:CHILD]->()
RETURN parent, child
