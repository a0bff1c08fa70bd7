import numpy as np
import pytest
from heldtexts import DOWN, MEETS, UP, held, kept_of, task_of
from hypothesis import example, given
from hypothesis import strategies as st

from saedb.ingest.cells import ACTIVE, MOST_TOKENS, Features, Packing, Scale
from saedb.ingest.edges import statistics_of
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME
from saedb.ingest.statistics import FeatureStatistics, Moments
from saedb.ingest.whole import TOP, VALUE_BITS


def statistics(
    n_active: int, n_positive: int, largest: float = 1.0, threshold: float = 0.2, numbers: int | None = None
) -> FeatureStatistics:
    """Return the statistics of one feature, by default with every activation at its maximum."""
    integer, number = np.array([n_active]), np.array([largest])
    half = Moments(tokens=0, n_active=integer, sum=number, squares=number, rounded=number)
    return FeatureStatistics(
        tokens=n_positive,
        n_active=integer,
        sum=number,
        squares=number,
        rounded=number,
        n_positive=np.array([n_positive]),
        numbers=np.array([n_positive * TOP if numbers is None else numbers]),
        n_documents=integer,
        max=number,
        histogram=np.array([[n_positive]]),
        threshold=np.array([threshold]),
        positional=np.zeros(1, np.bool_),
        halves=(half, half),
    )


COUNTS = st.integers(0, MOST_TOKENS).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
"""Active tokens, and tokens above 0."""


@given(COUNTS)
@example((MOST_TOKENS, MOST_TOKENS))
@example((MOST_TOKENS - 1, MOST_TOKENS - 1))
@example((1, MOST_TOKENS))
@example((0, MOST_TOKENS))
@example((0, 0))
def test_no_sum_of_products_reaches_the_count_and_no_count_the_sign(counts: tuple[int, int]) -> None:
    n_active, n_positive = counts
    packing = Packing.of(statistics(n_active, n_positive))
    count_at, shift = int(packing.count_at[0]), int(packing.shift[0])
    largest = (TOP * TOP + (1 << shift >> 1)) >> shift  # of a product, rounded
    assert n_positive * largest < 1 << count_at
    assert n_active << count_at < 1 << 63


@given(st.integers(0, 1 << 24))
def test_up_to_sixteen_million_tokens_a_product_keeps_thirteen_bits(tokens: int) -> None:
    assert 2 * VALUE_BITS - int(Packing.of(statistics(tokens, tokens)).shift[0]) >= 13


@given(COUNTS, st.floats(1e-30, 1e30))
def test_the_unit_makes_a_product_of_maxima_that_of_activations(counts: tuple[int, int], largest: float) -> None:
    packing = Packing.of(statistics(*counts, largest=largest))
    product = TOP * TOP / 2.0 ** float(packing.shift[0])
    assert product * float(packing.unit[0]) == pytest.approx(largest)


@given(st.floats(2.0**-149, 2.0**127, width=32))
def test_the_maximum_is_the_highest_number_and_leaves_the_bit_of_activity_free(largest: float) -> None:
    scale = Scale.of(statistics(20, 20, largest=largest), 10)
    assert int(largest * scale.factor[0] + 0.5) == TOP < 1 << ACTIVE


def test_features_that_are_dead_or_active_too_seldom_are_not_used() -> None:
    found = [
        bool(Scale.of(statistics(n_active, 30, largest), support).used[0])
        for n_active, largest, support in [(9, 1.0, 10), (10, 1.0, 10), (0, 0.0, 0), (0, 1.0, 0)]
    ]
    assert found == [False, True, False, True]


def test_features_are_the_statistics_that_measures_ask_for() -> None:
    given = statistics(3, 4, largest=2.0)
    found = Features.of(given)
    assert found.n_active is given.n_active
    assert found.sum is given.sum
    assert found.squares is given.squares
    assert found.max is given.max
    assert found.rounded is given.rounded


@given(COUNTS, st.floats(1e-6, 1.0))
def test_a_feature_that_is_mostly_far_below_its_maximum_keeps_more_of_each_product(
    counts: tuple[int, int], share: float
) -> None:
    n_active, n_positive = counts
    numbers = min(int(n_positive * TOP * share), n_positive * TOP)
    packing = Packing.of(statistics(n_active, n_positive, numbers=numbers))
    count_at, shift = int(packing.count_at[0]), int(packing.shift[0])
    assert shift <= int(Packing.of(statistics(n_active, n_positive)).shift[0])
    worst = (numbers * TOP >> shift) + n_positive  # the downstream feature at its maximum, each product rounded up
    assert worst < 1 << count_at


def test_more_tokens_than_a_cell_can_count_are_refused() -> None:
    with pytest.raises(InputError, match="and a run takes 1,073,741,824; give fewer --tokens"):
        Packing.of(statistics(1, MOST_TOKENS + 1))


def always_on(random: np.random.Generator, tokens: int) -> np.ndarray:
    return 1.0 + 0.01 * random.normal(size=tokens)


def one_outlier(random: np.random.Generator, tokens: int) -> np.ndarray:
    values = random.uniform(0.5, 1.5, tokens) * 1e-3
    values[tokens // 2] = 1.0
    return values


def sparse_outlier(random: np.random.Generator, tokens: int) -> np.ndarray:
    values = (random.random(tokens) < 0.05) * random.gamma(1.0, 1.0, tokens)
    values[tokens // 3] = 1e4
    return values


def heavy_tail(random: np.random.Generator, tokens: int) -> np.ndarray:
    return (random.random(tokens) < 0.5) * random.lognormal(0.0, 3.0, tokens)


def constant_but_one(random: np.random.Generator, tokens: int) -> np.ndarray:
    values = np.full(tokens, 1.0)
    values[tokens // 4] = 3000.0
    return values


def test_correlations_of_awkward_features_are_those_of_float64() -> None:
    tokens, random = 100_000, np.random.default_rng(5)
    kinds = (always_on, one_outlier, sparse_outlier, heavy_tail, constant_but_one)
    own = np.stack([kind(random, tokens) for kind in kinds], axis=1)
    shared = 0.5 * own + 0.5 * np.stack([kind(random, tokens) for kind in kinds], axis=1)
    upstream, downstream = own.astype(np.float32), np.concatenate([own, shared], axis=1).astype(np.float32)
    task = task_of(held({UP: upstream, DOWN: downstream}), (5, 10), MEETS, relative_threshold=0.0)
    kept = kept_of(task)
    found = BY_NAME["pearson"].values(statistics_of(kept, *task.statistics))
    exact = np.corrcoef(upstream.T.astype(np.float64), downstream.T.astype(np.float64))[:5, 5:]
    assert len(found) == 50
    errors = np.abs(found.reshape(5, 10) - exact)
    assert errors.max() < 1e-5, errors
