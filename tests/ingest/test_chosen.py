from dataclasses import replace

import numpy as np
import pytest
from heldtexts import DOWN, MEETS, RULE, UP, held, kept_of, pairs_of, task_of
from planted import dense_statistics, planted_pair

from saedb.ingest.chosen import count_chosen, with_chosen
from saedb.ingest.edges import statistics_of
from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import BY_NAME, PairStatistics
from saedb.ingest.rule import EdgeRule

EVERY = np.indices((8, 8)).reshape(2, -1)
"""All pairs of the planted features."""


def task(rule: EdgeRule = RULE, *, halves: bool = False) -> Task:
    upstream, downstream, documents = planted_pair()
    text = held({UP: upstream, DOWN: downstream}, documents, cuts=(37, 500, 933), first_half=512)
    return task_of(text, (8, 8), rule, halves=halves)


def same(one: Kept, other: Kept) -> bool:
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("memory", [1 << 30, 3000, 1])
@pytest.mark.parametrize("halves", [False, True])
def test_a_pair_that_the_engine_keeps_has_its_bits(halves: bool, memory: int) -> None:
    kept = kept_of(task(MEETS, halves=halves))
    assert len(kept.upstream) > 20
    chosen = count_chosen(
        task(halves=halves), kept.upstream.astype(np.int64), kept.downstream.astype(np.int64), memory=memory
    )
    assert same(chosen, kept)


@pytest.mark.parametrize("memory", [1 << 30, 3000])
def test_every_pair_has_the_statistics_of_dense_matrices_also_where_it_never_meets(memory: int) -> None:
    given, dense = task(), dense_statistics(*planted_pair())
    found = statistics_of(count_chosen(given, *EVERY, memory=memory), *given.statistics)
    assert (found.n_ud == 0).sum() > 10
    for name, value in PairStatistics._asdict(found).items():
        if name != "decoder":
            np.testing.assert_allclose(value, getattr(dense, name), rtol=1e-6, atol=1e-6, err_msg=name)
    for name in ("pearson", "jaccard", "necessity", "lift", "mutual_information"):
        np.testing.assert_allclose(BY_NAME[name].values(found), BY_NAME[name].values(dense), rtol=1e-6, atol=1e-7)


def test_a_feature_that_fires_too_seldom_for_the_rule_is_counted_all_the_same() -> None:
    up, down = np.zeros((40, 1), np.float32), np.zeros((40, 1), np.float32)
    up[[3, 9]] = down[[9, 30]] = 1.0
    given = task_of(held({UP: up, DOWN: down}), (1, 1), RULE)
    assert pairs_of(kept_of(given)) == []
    found = count_chosen(given, np.array([0]), np.array([0]), memory=1 << 20)
    assert (found.n_ud.tolist(), found.documents.tolist(), found.products.tolist()) == ([1], [1], [1.0])


@pytest.mark.parametrize("memory", [1 << 30, 3000])
def test_chosen_pairs_stand_among_the_others_in_order_and_each_once(memory: int) -> None:
    given = task()
    kept = list(gathered(given, threads=2, memory=memory, progress=lambda _: None))
    both = list(with_chosen(kept, count_chosen(given, *EVERY[:, ::3], memory=memory)))
    taken = {pair for part in kept for pair in pairs_of(part)}
    wanted = set(zip(*EVERY[:, ::3].tolist(), strict=True))
    assert taken - wanted
    assert wanted - taken
    assert [pair for part in both for pair in pairs_of(part)] == sorted(taken | wanted)


def test_nothing_chosen_changes_nothing() -> None:
    given = task()
    kept = [kept_of(given)]
    none = count_chosen(given, *EVERY[:, :0], memory=1 << 20)
    first, rest = with_chosen(kept, none)
    assert same(first, kept[0])
    assert len(rest.upstream) == 0


def test_a_text_that_never_fires_has_chosen_pairs_without_a_token() -> None:
    up = np.zeros((12, 2), np.float32)
    given = task_of(held({UP: up, DOWN: up}), (2, 2), RULE)
    found = count_chosen(replace(given, halves=True), np.array([0, 1]), np.array([1, 1]), memory=1 << 20)
    assert found.n_ud.tolist() == found.documents.tolist() == found.products.tolist() == [0, 0]
    assert np.isnan(BY_NAME["pearson"].values(statistics_of(found, *given.statistics))).all()
