import numpy as np
import pytest

from saedb.ingest.causal import controls
from saedb.ingest.causal.effects import Side, effect, pooled, sums

SIDE = Side(threshold=np.array([1.0, 1.0]), maximum=np.array([10.0, 1000.0]))
DOCUMENTS = np.array([7, 7, 8, 8], np.int32)
CLEAN = np.array([[4, 0], [2, 5], [3, 2], [0.5, 0]], np.float32)
WITHOUT = np.array([[1, 0], [2, 5], [3, 0], [0.25, 0]], np.float32)
ACTIVE = np.array([True, False, True, True])
COUNTED = np.array([True, True, True, True])


def test_sums_are_over_tokens_with_both_active_by_document() -> None:
    found = sums(CLEAN, WITHOUT, ACTIVE, COUNTED, DOCUMENTS, SIDE)

    rows = zip(found.feature, found.document, found.tokens, found.change, found.clean, found.paper_change, strict=True)
    # the first feature is below its threshold on the last token, and above a hundredth of its maximum
    assert set(rows) == {(0, 7, 1, 3, 4, 3), (0, 8, 1, 0, 3, 0.25), (1, 7, 0, 0, 0, 0), (1, 8, 1, 2, 2, 0)}


def test_tokens_that_do_not_count_are_left_out() -> None:
    found = sums(CLEAN, WITHOUT, ACTIVE, np.array([False, True, True, True]), DOCUMENTS, SIDE)

    assert found.of(0).tokens.tolist() == [0, 1]


def test_an_effect_is_a_ratio_with_documents_as_clusters() -> None:
    found = effect(sums(CLEAN, WITHOUT, ACTIVE, COUNTED, DOCUMENTS, SIDE, weight=2.0).of(0), firing=4)

    ratio = 3 / 7
    residuals = np.array([3 - ratio * 4, 0 - ratio * 3])
    assert found.effect == pytest.approx(ratio)
    assert found.se == pytest.approx(np.sqrt(2 * (residuals**2).sum()) / 7)
    assert found.change == pytest.approx(1.5)
    assert found.paper == pytest.approx(3.25 * 2 / 4)
    assert (found.tokens, found.documents) == (2, 2)


def test_the_error_is_that_of_drawing_documents() -> None:
    """The formula against what it stands for: the spread of the ratio over fresh samples of documents."""
    random = np.random.default_rng(0)

    def drawn() -> tuple[float, float]:
        tokens = random.integers(1, 6, 40)
        clean = np.repeat(random.uniform(2, 6, 40), tokens).astype(np.float32)[:, None]
        share = np.repeat(random.uniform(0, 1, 40), tokens)[:, None]  # of a document, so that its tokens are alike
        documents = np.repeat(np.arange(40, dtype=np.int32), tokens)
        whole = np.ones(len(documents), np.bool_)
        side = Side(threshold=np.zeros(1), maximum=np.ones(1))
        found = effect(sums(clean, (clean * (1 - share)).astype(np.float32), whole, whole, documents, side), 1)
        return found.effect, found.se

    effects, errors = np.array([drawn() for _ in range(400)]).T
    assert errors.mean() == pytest.approx(effects.std(), rel=0.1)


def test_one_document_has_no_error_and_no_token_no_effect() -> None:
    one = effect(sums(CLEAN[:2], WITHOUT[:2], ACTIVE[:2], COUNTED[:2], DOCUMENTS[:2], SIDE).of(0), 1)
    assert np.isnan(one.se)
    assert one.effect == pytest.approx(0.75)
    none = effect(sums(CLEAN, WITHOUT, ~COUNTED, COUNTED, DOCUMENTS, SIDE).of(0), 0)
    assert np.isnan([none.effect, none.se, none.change, none.paper]).all()


def test_copies_are_added() -> None:
    part = sums(CLEAN, WITHOUT, ACTIVE, COUNTED, DOCUMENTS, SIDE)
    twice = effect(pooled([part, part]).of(0), 1)

    assert twice.effect == pytest.approx(3 / 7)
    assert (twice.tokens, twice.documents) == (4, 2)


def test_controls_are_the_closest_in_density_that_fire_and_have_no_edge() -> None:
    density = np.array([0.1, 0.09, 0.2, 0.1, 0.05, 0.1])
    together = np.array([5, 1, 1, 0, 3, 2])
    linked = np.array([True, False, False, False, False, True])

    assert controls.chosen(0, density, together, linked, 2).tolist() == [1, 2]
    assert controls.chosen(0, density, together, linked, 9).tolist() == [1, 2, 4]
    assert controls.chosen(1, density, together, linked, 9).tolist() == [4, 2]
