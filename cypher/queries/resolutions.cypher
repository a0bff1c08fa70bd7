// What other resolutions of a partition would give.
// Where communities were looked for with --sweep: how many there are, how large the largest is, and how like the whole is
// to the partition itself. A plateau of the number of communities is a scale that the graph has of its own.
// @group communities
// @param run: run  the run to search
// @param partition: partition  the partition (saedb query partitions)
// @column resolution: float  gamma
// @column communities: integer  communities of two features and more
// @column largest: integer (features)  features of the largest
// @column modularity: float  at resolution 1
// @column nmi: float  normalised mutual information with the partition
// @example --partition main
// @nothing try other resolutions: saedb communities RUN --sweep
MATCH (r:Resolution {run: $run})
WHERE r.partition = $partition
RETURN r.resolution AS resolution, r.communities AS communities, r.largest AS largest, r.modularity AS modularity,
       r.nmi AS nmi
ORDER BY resolution
