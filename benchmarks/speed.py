"""How fast the edge job of a pair of SAEs is, beside its alternatives and beside itself."""

from typing import Final

from benchmarks.alternatives import DenseProduct, MklProduct, SparseProducts
from benchmarks.engine import THREADS, kept_pairs, statistics_of, task_of
from benchmarks.figures import Figure, Goal, Kind
from benchmarks.generator import Layers
from benchmarks.rounds import Side, Taken, alternating
from saedb.ingest.gather import Task

ROUNDS: Final = 3
_DENSE_TOKENS: Final = 256
_BLOCK: Final = 256
"""Upstream features in a block of SciPy's: of those tried, the size that takes the least time."""
_GROWTH: Final = 10

_JOB: Final = (
    "The engine's job goes from sparse activations in memory to the edges with their tokens, documents and sums of"
    f" products, by the default rule, on {THREADS} threads."
)
_SPARED: Final = "Thresholds, counts and moments of single features are given to both sides."

SCIPY: Final = Kind(
    name="edge job against SciPy",
    unit="times as fast",
    meaning=f"{_JOB} SciPy multiplies U^T D once with activations and once with ones where both are active, in float32"
    " with 32-bit indices, and keeps the pairs whose Pearson, Jaccard, necessity or sufficiency reaches 0.1. It is"
    f" spared the documents, the least support, and putting the two products together. {_SPARED}",
)
SCIPY_BLOCKS: Final = Kind(
    name="edge job against SciPy in blocks",
    unit="times as fast",
    meaning=f"The same, with {_BLOCK} upstream features multiplied at a time, which is faster and takes little memory.",
)
DENSE: Final = Kind(
    name="edge job against dense torch",
    unit="times as fast",
    meaning=f"The paper's way: one product of dense activations, added to a dense matrix, on {_DENSE_TOKENS} tokens,"
    " with all cores. Its time per token is compared with that of the engine's whole job on all tokens; dense time"
    " grows in proportion to tokens, and a measure of the paper needs at least one such product.",
)
MKL: Final = Kind(
    name="edge job against MKL",
    unit="times as fast",
    meaning="One product U^T D by MKL (sparse_dot_mkl) on all cores, without transposition, indicators or filter,"
    " against the engine's whole job.",
)
THREADING: Final = Kind(
    name="threads",
    unit="times as fast",
    meaning="The engine's whole job on 2 threads against 1, in wall time.",
)
GROWTH: Final = Kind(
    name="growth",
    unit="times the time",
    meaning=f"The engine's whole job on {_GROWTH} times the tokens, against that on the tokens themselves.",
)
STATISTICS: Final = Kind(
    name="statistics of features",
    unit="times the edge job",
    meaning="Thresholds, counts and moments of both SAEs of a pair, which come before its edge job and serve every"
    " pair of the SAE.",
)


def against_scipy(case: str, task: Task, products: SparseProducts, goal: Goal, *, rounds: int) -> list[Figure]:
    """Return how much faster the engine is than whole products by SciPy."""
    ours, theirs = alternating(_engine(task), _scipy(products, len(task.statistics[1].max)), rounds=rounds)
    return [_ratio(SCIPY, case, theirs, ours, goal)]


def against_blocks(case: str, task: Task, products: SparseProducts) -> list[Figure]:
    """Return how much faster the engine is than products in blocks by SciPy."""
    ours, theirs = alternating(_engine(task), _scipy(products, _BLOCK), rounds=ROUNDS)
    return [_ratio(SCIPY_BLOCKS, case, theirs, ours, None)]


def against_dense(case: str, task: Task, products: SparseProducts) -> list[Figure]:
    """Return how much faster the engine is, per token, than the paper's way."""
    tokens = task.statistics[0].tokens
    dense = DenseProduct(products, _DENSE_TOKENS)
    ours, theirs = alternating(_engine(task), Side(name="torch", run=dense.add), rounds=ROUNDS)
    ratio = theirs.wall / _DENSE_TOKENS / (ours.wall / tokens)
    measured = f"{theirs} for {_DENSE_TOKENS} tokens, {ours} for {tokens:,}"
    return [DENSE.figure(case, ratio, Goal.at_least(1000), measured=measured)]


def against_mkl(case: str, task: Task, products: SparseProducts) -> list[Figure]:
    """Return how much faster the engine's job is than one product by MKL, where that is installed."""
    goal = Goal.at_least(6)
    try:
        mkl = MklProduct(products)
    except ImportError:
        return [MKL.figure(case, None, goal, measured="not installed: sparse-dot-mkl, mkl")]
    ours, theirs = alternating(_engine(task), Side(name="MKL", run=mkl.product), rounds=ROUNDS)
    return [_ratio(MKL, case, theirs, ours, goal)]


def threads(case: str, task: Task) -> list[Figure]:
    """Return how much faster two threads are than one."""
    one, two = alternating(
        Side(name="1 thread", run=lambda: kept_pairs(task, threads=1)),
        Side(name="2 threads", run=lambda: kept_pairs(task, threads=2)),
        rounds=2 * ROUNDS,
    )
    return [_ratio(THREADING, case, one, two, Goal.at_least(1.9))]


def growth(case: str, layers: Layers, tokens: int) -> list[Figure]:
    """Return how the time of the job grows with the text."""
    few, many = (task_of(layers.text(n), layers.width) for n in (tokens, _GROWTH * tokens))
    short, long = alternating(
        Side(name=f"{tokens:,} tokens", run=lambda: kept_pairs(few), times=3),
        Side(name=f"{_GROWTH * tokens:,} tokens", run=lambda: kept_pairs(many)),
        rounds=ROUNDS,
    )
    return [_ratio(GROWTH, case, long, short, Goal.at_most(11))]


def statistics(case: str, task: Task) -> list[Figure]:
    """Return what the statistics of single features take, of the time of the job."""
    job, single = alternating(
        Side(name="engine", run=lambda: kept_pairs(task)),
        Side(name="statistics", run=lambda: statistics_of(task.text, len(task.statistics[1].max))),
        rounds=ROUNDS,
    )
    return [_ratio(STATISTICS, case, single, job, None)]


def _engine(task: Task) -> Side:
    return Side(name="engine", run=lambda: kept_pairs(task), times=3)


def _scipy(products: SparseProducts, rows: int) -> Side:
    return Side(name="SciPy", run=lambda: products.pairs(rows))


def _ratio(kind: Kind, case: str, above: Taken, below: Taken, goal: Goal | None) -> Figure:
    return kind.figure(case, above.wall / below.wall, goal, measured=f"{above}, {below}")
