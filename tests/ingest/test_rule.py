import math
from typing import Any

import numpy as np
import pytest
import torch
from heldtexts import PAPER, RULE, taken
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from planted import dense_statistics, planted_pair

from saedb.ingest import kernel  # noqa: F401 - it lets numba compile the rule
from saedb.ingest.config import PRESETS, IngestConfig
from saedb.ingest.measures import BY_NAME, PairStatistics
from saedb.ingest.rule import EdgeRule, is_edge

TOKENS = 5000


def pair(
    *, n_u: int = 500, n_d: int = 100, n_ud: int = 20, documents: int = 3, products: float | None = None
) -> PairStatistics:
    """Return the statistics of a pair of features that are 0 or 1, without correlation unless `products` is given."""
    products = n_u * n_d / TOKENS if products is None else products
    columns = (n_u, n_d, n_ud, documents, float(n_u), float(n_d), float(n_u), float(n_d), products, math.nan)
    return PairStatistics(TOKENS, *(np.array([value]) for value in columns))


def test_a_run_has_the_rule_of_its_settings() -> None:
    assert EdgeRule.of(IngestConfig(inputs=("a",))) == RULE
    paper = EdgeRule.of(IngestConfig(inputs=("a",), **PRESETS["paper"]))
    assert paper == PAPER._replace(min_similarity=math.nextafter(0.1, 1.0))


@pytest.mark.parametrize(
    ("statistics", "expected"),
    [
        (pair(), True),  # necessity 0.2 and lift 2
        (pair(n_ud=10), False),  # necessity 0.1, lift 1: chance
        (pair(n_u=501), False),  # lift below 2, necessity no 0.2 above density
        (pair(n_u=2500, n_ud=71), True),  # lift 1.4, but necessity 0.71 beside a density of 0.5
        (pair(n_u=2500, n_ud=69), False),
        (pair(n_u=100, n_d=500), True),  # the same by sufficiency: lift does not see direction
        (pair(documents=2), False),
        (pair(n_u=50, n_d=50, n_ud=9), False),  # similar, but 9 joint tokens
        (pair(n_u=50, n_d=50, n_ud=10), True),
        (pair(n_u=4900, n_d=4900, n_ud=4802), True),  # Jaccard is enough, though chance is as high
        (pair(n_ud=10, products=10 + 0.101 * math.sqrt(450 * 98)), True),  # so is Pearson
        (pair(n_ud=10, products=10 + 0.099 * math.sqrt(450 * 98)), False),
        (pair(n_u=0, n_d=0, n_ud=0), False),
    ],
)
def test_pairs_by_hand(statistics: PairStatistics, expected: bool) -> None:
    assert taken(statistics, RULE).tolist() == [expected]


def test_the_papers_rule_takes_what_any_measure_selects() -> None:
    s = dense_statistics(*planted_pair())
    values = [BY_NAME[name].values(s) for name in ("pearson", "jaccard", "necessity", "sufficiency")]
    expected = np.any([v >= 0.1 for v in values], axis=0)  # NaN is not
    np.testing.assert_array_equal(taken(s, PAPER), expected)
    assert 0 < expected.sum() < len(expected)


def test_pairs_that_never_meet_are_no_edges_whatever_the_rule() -> None:
    assert not taken(pair(n_ud=0, products=0.0), PAPER).any()


@njit(error_model="numpy")
def compiled_rules(columns: Any, tokens: Any, rule: Any, found: Any) -> None:
    n_u, n_d, n_ud, documents, sum_u, sum_d, squares_u, squares_d, products, decoder = columns
    for i in range(len(found)):
        s = PairStatistics(
            tokens, n_u[i], n_d[i], n_ud[i], documents[i], sum_u[i], sum_d[i], squares_u[i], squares_d[i], products[i],
            decoder[i],
        )  # fmt: skip
        found[i] = is_edge(s, rule)


def statistics(seed: int, borderline: bool) -> PairStatistics:
    """Return random pairs, of few tokens where measures shall hit the borders of the rule."""
    random, size = np.random.default_rng(seed), 400
    tokens = 40 if borderline else 5000
    n_u, n_d = random.integers(0, tokens // 2, (2, size))
    n_ud = random.integers(0, np.minimum(n_u, n_d) + 1)
    sum_u, sum_d = (n_u, n_d) * (np.ones((2, size)) if borderline else random.uniform(0.5, 2.0, (2, size)))
    squares_u, squares_d = sum_u**2 / np.maximum(n_u, 1), sum_d**2 / np.maximum(n_d, 1)
    products = n_ud * (1.0 if borderline else random.uniform(0.2, 3.0, size))
    documents = random.integers(0, 6, size)
    return PairStatistics(
        tokens, n_u, n_d, n_ud, documents, sum_u, sum_d, squares_u, squares_d, products, np.full(size, np.nan)
    )


@settings(deadline=None)
@given(st.integers(0, 1 << 32), st.booleans(), st.sampled_from([0.1, math.nextafter(0.1, 1.0), 0.3, 0.7]))
def test_numpy_torch_and_numba_take_the_same_pairs(seed: int, borderline: bool, least: float) -> None:
    s, rule = statistics(seed, borderline), RULE._replace(min_similarity=least)
    expected = taken(s, rule)
    by_torch = is_edge(PairStatistics(s.tokens, *(torch.tensor(column, dtype=torch.float64) for column in s[1:])), rule)
    np.testing.assert_array_equal(by_torch.numpy(), expected)
    by_numba = np.zeros(len(expected), np.bool_)
    compiled_rules(tuple(s[1:]), s.tokens, rule, by_numba)
    np.testing.assert_array_equal(by_numba, expected)
