from dataclasses import replace

import numpy as np
import pytest
from heldtexts import DOWN, PAPER, RULE, UP, held
from planted import Dense, planted_pair

from saedb.ingest.counting import Machine
from saedb.ingest.measures import SELECTING
from saedb.ingest.memory import Memory
from saedb.ingest.null import VALUES, NullCounts, null_counts, sample
from saedb.ingest.rule import EdgeRule
from saedb.ingest.stretches import HeldText

CONTEXT = 4
MACHINE = Machine(device="cpu", threads=2, memory=Memory(None))


def counts_of(
    upstream: Dense, downstream: Dense, rule: EdgeRule = RULE, *, counted: np.ndarray | None = None
) -> NullCounts:
    """Return the counts of a whole text of which every context is a document."""
    documents = (np.arange(len(upstream)) // CONTEXT).astype(np.int32)
    text = held({UP: upstream, DOWN: downstream}, documents, counted=counted)
    (whole,) = text.read(UP, DOWN)
    thresholds = tuple(0.2 * layer.max(axis=0).astype(np.float64) for layer in (upstream, downstream))
    return null_counts(whole, (UP, DOWN), (thresholds[0], thresholds[1]), rule, context_size=CONTEXT, machine=MACHINE)


def test_planted_relations_are_found_and_vanish_when_a_layer_is_rotated() -> None:
    upstream, downstream, _ = planted_pair()
    alive = [0, 1, 2, 3, 4]
    counts = counts_of(upstream[:, alive], downstream[:, [0, 1, 2]])
    assert counts.tokens == 1200
    assert (counts.found[:, 0] >= [5, 3, 5, 3]).all()
    assert (counts.found[:, -1] >= [1, 1, 3, 1]).all()
    assert not counts.chance.any()


def test_between_independent_layers_found_and_chance_are_alike() -> None:
    random = np.random.default_rng(7)
    layers = [((random.random((2000, 60)) < 0.1) * random.uniform(0.5, 1.0, (2000, 60))) for _ in range(2)]
    counts = counts_of(*(layer.astype(np.float32) for layer in layers), rule=PAPER)
    found, chance = counts.found[2:, 0], counts.chance[2:, 0]  # necessity and sufficiency of a tenth: half of all pairs
    assert (found > 1000).all()
    np.testing.assert_allclose(chance, found, rtol=0.1)


def test_values_are_counted_from_each_on_and_so_fall() -> None:
    counts = counts_of(*planted_pair()[:2], rule=PAPER)
    for table in (counts.found, counts.chance):
        assert table.shape == (len(SELECTING), len(VALUES))
        assert (np.diff(table, axis=1) <= 0).all()


def test_positions_are_kept_when_a_layer_is_rotated() -> None:
    active = np.zeros((400, 1), np.float32)
    active[3::CONTEXT] = 1.0
    counts = counts_of(active, active)
    assert counts.found.tolist() == counts.chance.tolist() == [[1] * len(VALUES)] * len(SELECTING)


def test_a_token_counts_where_both_that_meet_there_do() -> None:
    active = np.zeros((400, 1), np.float32)
    active[3::CONTEXT] = 1.0
    counted = np.ones(400, np.bool_)
    counted[:20] = False
    counts = counts_of(active, active, counted=counted)
    assert counts.tokens == 400 - 40
    counted[:] = False
    assert not counts_of(active, active, counted=counted).found.any()


def test_rotated_tokens_meet_those_half_of_the_contexts_further_on() -> None:
    upstream, downstream = np.zeros((400, 1), np.float32), np.zeros((400, 1), np.float32)
    upstream[40:80] = 1.0
    downstream[240:280] = 1.0  # 50 contexts of 100 later
    rule = EdgeRule(min_similarity=0.95, min_support=1, min_documents=1, min_lift=0.0, min_excess=-1.0)
    counts = counts_of(upstream, downstream, rule)
    assert not counts.found.any()
    assert (counts.chance == 1).all()


def planted_text(cuts: tuple[int, ...]) -> HeldText:
    upstream, downstream, documents = planted_pair()
    return held({UP: upstream, DOWN: downstream}, documents, cuts=cuts, first_half=600)


@pytest.mark.parametrize("cuts", [(), tuple(range(0, 1200, 40)), (400, 800)])
@pytest.mark.parametrize("tokens", [1, 40, 100, 500, 1200, 5000])
def test_a_sample_is_of_whole_contexts_and_of_about_the_asked_size(tokens: int, cuts: tuple[int, ...]) -> None:
    text = planted_text(cuts)
    found = sample(text, UP, DOWN, tokens=tokens, context_size=CONTEXT)
    assert len(found.counted) % CONTEXT == 0
    np.testing.assert_array_equal(found.positions.reshape(-1, CONTEXT), [range(CONTEXT)] * (len(found.counted) // 4))
    asked = min(tokens, 1200)
    assert max(asked / 2, CONTEXT) <= len(found.counted) <= max(2 * asked, CONTEXT)


def test_a_sample_has_the_activations_of_its_tokens_from_all_over_the_text() -> None:
    upstream, downstream, documents = planted_pair()
    found = sample(planted_text(tuple(range(0, 1200, 100))), UP, DOWN, tokens=240, context_size=CONTEXT)
    tokens = (np.arange(0, 1200, 100)[:, None] + np.arange(20)).ravel()
    np.testing.assert_array_equal(found.documents, documents[tokens])
    for sae, dense in ((UP, upstream), (DOWN, downstream)):
        rows = found.rows[sae]
        assert np.diff(rows.indptr).tolist() == (dense[tokens] > 0).sum(axis=1).tolist()
        np.testing.assert_array_equal(rows.values, dense[tokens][dense[tokens] > 0])


def test_a_text_with_fewer_tokens_than_asked_is_its_own_sample() -> None:
    found = sample(planted_text((400,)), UP, DOWN, tokens=10_000, context_size=CONTEXT)
    np.testing.assert_array_equal(found.documents, planted_pair()[2])


def test_counts_of_several_pairs_add_up_and_rates_are_chance_over_found() -> None:
    shape = (len(SELECTING), len(VALUES))
    one = NullCounts(tokens=50, found=np.full(shape, 3), chance=np.full(shape, 1))
    one.found[:, -1] = one.chance[:, -1] = 0
    both = one + replace(one, found=one.found + 1)
    record = both.record()
    assert (record.tokens, record.values) == (50, VALUES)
    for measure in SELECTING:
        assert record.found[measure.name] == (*[7] * 9, 1)
        assert record.chance[measure.name] == (*[2] * 9, 0)
        assert record.rates[measure.name] == (*[pytest.approx(2 / 7)] * 9, 0.0)
    assert one.record().rates["pearson"][-1] is None
