// Partitions: ways to divide features into communities.
// Each has its own communities; the default one colours views. Modularity is that at resolution 1, so that partitions of
// the same measure and floor can be compared whatever found them.
// @group communities
// @param run: run  the run to search
// @column partition: string  its name, for: --partition NAME
// @column is_default: boolean  whether it is taken where none is named
// @column algorithm: string  leiden, louvain, cpm, components, or consensus
// @column engine: string  gds: on the server; local: on the machine that asked
// @column measure: string  weight of the edges
// @column min_similarity: float  lowest weight that counted
// @column resolution: float  higher finds more and smaller communities
// @column seed: integer  random seed
// @column runs: integer  runs with different seeds
// @column communities: integer  communities of two features and more
// @column modularity: float  at resolution 1
// @column stability: float  share of the runs with other seeds in which a feature stays, on average
// @column coherent: integer  communities with a coherence of 0.75 and more, which the paper asks for
// @example --run demo
// @nothing find communities first: saedb communities RUN
MATCH (p:Partition {run: $run})
CALL (p) {
  MATCH (c:Community {run: p.run, partition: p.id})
  RETURN CASE WHEN count(c.coherence) > 0 THEN count(CASE WHEN c.coherence >= 0.75 THEN 1 END) END AS coherent
}
RETURN p.id AS partition, p.is_default AS is_default, p.algorithm AS algorithm, p.engine AS engine, p.measure AS measure,
       p.min_similarity AS min_similarity, p.resolution AS resolution, p.seed AS seed, p.runs AS runs, p.communities AS communities,
       p.modularity AS modularity, p.mean_stability AS stability, coherent
ORDER BY coalesce(p.base, p.id), p.base IS NOT NULL, p.level, p.id
