import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from saedb.cypher.communities.coherence import coherence, label_similarity
from saedb.cypher.communities.numbering import ALONE
from saedb.ingest.progress import silent


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def mean_cosine(vectors: NDArray[np.float32]) -> tuple[float, int]:
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    pairs = cosines[np.triu_indices(len(vectors), 1)]
    return float(pairs.sum()), len(pairs)


def test_coherence_is_the_mean_cosine_of_all_pairs_in_one_layer() -> None:
    random = np.random.default_rng(0)
    directions = {sae: unit(random.standard_normal((20, 8))) for sae in ("0-s", "1-s")}
    places = {"0-s": np.arange(20), "1-s": np.arange(20, 40)}
    number = random.integers(-1, 4, 40)
    found = coherence(number, places, directions, 0, silent)
    assert found is not None
    for community in range(4):
        sums = [mean_cosine(directions[sae][number[places[sae]] == community]) for sae in directions]
        assert found.observed[community] == pytest.approx(sum(s for s, _ in sums) / sum(n for _, n in sums), abs=1e-6)


def test_features_of_one_direction_are_coherent_and_random_ones_are_not() -> None:
    random = np.random.default_rng(0)
    rows = unit(random.standard_normal((40, 64)))
    rows[:5] = rows[0]
    found = coherence(np.repeat([0, 1, 2, 3], [5, 5, 10, 20]), {"0-s": np.arange(40)}, {"0-s": rows}, 0, silent)
    assert found is not None
    assert found.observed[0] == pytest.approx(1.0)
    assert found.rank[0] == 1.0
    assert abs(found.chance[0]) < 0.1
    assert abs(found.observed[3]) < 0.1
    assert found.chance[1:] == pytest.approx(mean_cosine(rows)[0] / mean_cosine(rows)[1], abs=0.03)


def test_a_community_with_one_feature_in_each_layer_has_no_coherence() -> None:
    rows = unit(np.random.default_rng(0).standard_normal((2, 4)))
    places = {"0-s": np.array([0, 1]), "1-s": np.array([2, 3])}
    found = coherence(np.array([0, 1, 0, 1]), places, {"0-s": rows, "1-s": rows}, 0, silent)
    assert found is not None
    assert np.isnan(found.observed).all()
    assert np.isnan(found.rank).all()


def test_without_directions_there_is_no_coherence() -> None:
    assert coherence(np.array([0, 0]), {"0-s": np.array([0, 1])}, {}, 0, silent) is None


def test_a_direction_of_zeros_is_like_nothing() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    found = coherence(np.array([0, 0, 0]), {"0-s": np.arange(3)}, {"0-s": rows}, 0, silent)
    assert found is not None
    assert found.observed[0] == pytest.approx(1 / 3)


def test_labels_are_like_where_features_share_words() -> None:
    words = sparse.csr_matrix(np.array([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 3], [0, 0, 0], [5, 0, 0]], np.float64))
    found, chance = label_similarity(np.array([0, 0, 1, 1, 1, ALONE]), words)
    assert found.tolist() == [1.0, 0.0]
    assert chance == pytest.approx(1 / 6)


def test_labels_that_nobody_has_are_like_nothing() -> None:
    found, chance = label_similarity(np.array([0, 0]), sparse.csr_matrix((2, 0)))
    assert np.isnan(found).all()
    assert np.isnan(chance)
