import numpy as np
import pytest
from heldtexts import DOWN, MEETS, RULE, UP, held, kept_of, task_of
from planted import planted_pair

from saedb.ingest import bootstrap
from saedb.ingest.bootstrap import SEED, Bootstrap, active_tokens, intervals, weights
from saedb.ingest.gather import Task
from saedb.ingest.kernel import Kept

DOCUMENTS = 40


def planted_task(cuts: range = range(0, 1200, 90)) -> tuple[Task, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    upstream, downstream, documents = planted_pair()
    counted = np.random.default_rng(1).random(1200) < 0.7
    text = held({UP: upstream, DOWN: downstream}, documents, counted=counted, cuts=cuts, first_half=500)
    return task_of(text, (8, 8), RULE), upstream, downstream, documents, counted


def intervals_of(task: Task, kept: Kept, drawn: np.ndarray) -> dict[str, np.ndarray]:
    thresholds = task.statistics[0].threshold, task.statistics[1].threshold
    active = [active_tokens(task.text, sae, at, drawn) for sae, at in zip((UP, DOWN), thresholds, strict=True)]
    return dict(intervals(task.text, (UP, DOWN), thresholds, (active[0], active[1]), kept, drawn))


def test_each_resample_draws_as_many_documents_as_there_are() -> None:
    drawn = weights(DOCUMENTS, 50, 0)
    assert drawn.shape == (DOCUMENTS, 50)
    assert (drawn.sum(axis=0, dtype=np.int64) == DOCUMENTS).all()
    assert len(np.unique(drawn, axis=1).T) == 50, "and each draws others"


def test_a_document_is_left_out_as_often_as_chance_has_it() -> None:
    assert (weights(300, 400, 1) == 0).mean() == pytest.approx((1 - 1 / 300) ** 300, abs=0.005)


def test_a_seed_gives_the_same_documents_again_and_another_seed_others() -> None:
    np.testing.assert_array_equal(weights(9, 5, 3), weights(9, 5, 3))
    assert (weights(9, 5, 3) != weights(9, 5, 4)).any()


def test_active_tokens_are_those_of_dense_matrices() -> None:
    task, upstream, _, documents, counted = planted_task()
    drawn = weights(DOCUMENTS, 20, 0)
    found = active_tokens(task.text, UP, task.statistics[0].threshold, drawn)
    active = (upstream > task.statistics[0].threshold) & counted[:, None]
    np.testing.assert_array_equal(found, active.T.astype(np.int64) @ drawn[documents])


@pytest.mark.parametrize("cuts", [range(0), range(0, 1200, 7)])
@pytest.mark.parametrize("at_once", [1, 60, 1 << 26])
def test_intervals_are_percentiles_of_the_ratios_of_dense_matrices(
    cuts: range, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_SUMS", at_once)
    task, upstream, downstream, documents, counted = planted_task(cuts)
    kept, drawn = kept_of(task), weights(DOCUMENTS, 41, 0)
    found = intervals_of(task, kept, drawn)
    u = ((upstream > task.statistics[0].threshold) & counted[:, None])[:, kept.upstream]
    d = ((downstream > task.statistics[1].threshold) & counted[:, None])[:, kept.downstream]
    joint, on_u, on_d = (active.T.astype(np.int64) @ drawn[documents] for active in (u & d, u, d))
    for measure, given in (("necessity", on_d), ("sufficiency", on_u)):
        ratios = np.sort(joint / given, axis=1)
        np.testing.assert_allclose(found[f"{measure}_low"], ratios[:, 1], rtol=1e-6)
        np.testing.assert_allclose(found[f"{measure}_high"], ratios[:, 39], rtol=1e-6)
        assert (found[f"{measure}_low"] < found[f"{measure}_high"]).any()


def test_with_one_document_the_interval_is_the_value_itself() -> None:
    upstream, downstream, _ = planted_pair()
    text = held({UP: upstream, DOWN: downstream}, np.zeros(1200, np.int32))
    task = task_of(text, (8, 8), MEETS)
    kept = kept_of(task)
    found = intervals_of(task, kept, weights(1, 20, 0))
    n_u, n_d = task.statistics[0].n_active[kept.upstream], task.statistics[1].n_active[kept.downstream]
    for end in ("low", "high"):
        np.testing.assert_allclose(found[f"necessity_{end}"], kept.n_ud / n_d, rtol=1e-6)
        np.testing.assert_allclose(found[f"sufficiency_{end}"], kept.n_ud / n_u, rtol=1e-6)


def test_a_run_draws_the_same_documents_for_every_pair_and_every_time() -> None:
    task = planted_task()[0]
    kept = kept_of(task)
    expected = intervals_of(task, kept, weights(DOCUMENTS, 30, SEED))
    run = Bootstrap(task.text, DOCUMENTS, 30)
    for _ in range(2):
        found = run.evidence(UP, DOWN, {UP: task.statistics[0], DOWN: task.statistics[1]})(kept)
        assert found.keys() == expected.keys()
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected[name])


def test_no_edges_have_no_intervals() -> None:
    task = planted_task()[0]
    none = Kept._make(column[:0] for column in kept_of(task))
    found = intervals_of(task, none, weights(DOCUMENTS, 20, 0))
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(found, 0)
    assert len(found) == 4


def test_a_resample_without_an_active_token_leaves_no_interval() -> None:
    active = np.zeros((80, 1), np.float32)
    active[:4] = 1.0  # in one of twenty documents: a third of the resamples are without it
    task = task_of(held({UP: active, DOWN: active}, np.repeat(np.arange(20, dtype=np.int32), 4)), (1, 1), MEETS)
    kept = kept_of(task)
    for resamples in (20, 200):
        found = intervals_of(task, kept, weights(20, resamples, 0))
        assert len(found) == 4
        assert all(np.isnan(values).all() for values in found.values())


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    documents, length, truth = 60, 20, 0.4
    random, held_truth, drawn = np.random.default_rng(6), [], weights(documents, 200, 0)
    numbers = np.repeat(np.arange(documents, dtype=np.int32), length)
    for _ in range(10):  # texts of 30 pairs, in each document one level for all of its tokens
        level = np.repeat(random.beta(4.0, 6.0, (documents, 30)), length, axis=0)
        upstream = np.ones((documents * length, 30), np.float32)
        downstream = (random.random(level.shape) < level).astype(np.float32)
        task = task_of(held({UP: upstream, DOWN: downstream}, numbers), (30, 30), MEETS)
        kept = kept_of(task)
        own = kept.upstream == kept.downstream
        found = intervals_of(task, Kept._make(column[own] for column in kept), drawn)
        held_truth += ((found["sufficiency_low"] <= truth) & (truth <= found["sufficiency_high"])).tolist()
    assert len(held_truth) == 300
    assert 0.9 < np.mean(held_truth) < 0.98
