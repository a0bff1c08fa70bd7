import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from heldtexts import DOWN, MEETS, PAPER, RULE, UP, all_pairs, held, kept_of, pairs_of, spread, stored, taken, task_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from planted import Dense, dense_statistics, planted_pair, store_of
from scipycounts import block_counts

from saedb.ingest import gather
from saedb.ingest.edges import statistics_of
from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import BY_NAME, PairStatistics
from saedb.ingest.rule import EdgeRule
from saedb.ingest.stretches import HeldText, StoredText

AT_ONCE, IN_BLOCKS, FEATURE_BY_FEATURE = 1 << 40, 1 << 13, 1
"""Bytes of memory, and what they lead to."""

WIDTHS = 67, 131


def layers(tokens: int = 700) -> tuple[Dense, Dense, np.ndarray, np.ndarray]:
    """Return layers of `WIDTHS` with relations, dead features, one that always fires; documents; what counts."""
    random = np.random.default_rng(3)
    density = random.choice([0.0, 0.02, 0.1, 0.3, 1.0], (2, 131), p=[0.1, 0.3, 0.4, 0.15, 0.05])
    upstream = (random.random((tokens, 67)) < density[0, :67]) * random.gamma(1.0, 1.0, (tokens, 67))
    downstream = (random.random((tokens, 131)) < density[1]) * random.gamma(1.0, 1.0, (tokens, 131))
    downstream[:, 100:] += upstream[:, :31] * (random.random((tokens, 31)) < 0.7)
    upstream[:, 7] = random.uniform(0.9, 1.0, tokens)
    documents = np.sort(random.integers(0, 20, tokens)).astype(np.int32)
    counted = random.random(tokens) < 0.8
    counted[40:80] = False
    return upstream.astype(np.float32), downstream.astype(np.float32), documents, counted


def text_of(cuts: Iterable[int] = (), first_half: int | None = None) -> HeldText:
    upstream, downstream, documents, counted = layers()
    return held({UP: upstream, DOWN: downstream}, documents, counted=counted, cuts=cuts, first_half=first_half)


def check(kept: Kept, task: Task, expected: PairStatistics) -> None:
    """Check that edges are the pairs that the rule takes of all pairs, with their statistics."""
    rows = np.flatnonzero(taken(expected, task.rule))
    assert pairs_of(kept) == [divmod(row, len(task.statistics[1].max)) for row in rows.tolist()]
    np.testing.assert_array_equal(kept.n_ud, expected.n_ud[rows])
    np.testing.assert_array_equal(kept.documents, expected.documents[rows])
    np.testing.assert_allclose(kept.products, expected.products[rows], rtol=1e-6)  # values of 24 bits
    pearson = BY_NAME["pearson"].values
    np.testing.assert_allclose(pearson(statistics_of(kept, *task.statistics)), pearson(expected)[rows], atol=1e-6)


def same(one: Kept, other: Kept) -> bool:
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
@pytest.mark.parametrize("rule", [RULE, PAPER, MEETS])
def test_edges_are_those_of_dense_matrices(rule: EdgeRule, memory: int) -> None:
    upstream, downstream, documents = planted_pair()
    task = task_of(held({UP: upstream, DOWN: downstream}, documents, cuts=range(0, 1200, 70)), (8, 8), rule)
    check(kept_of(task, memory=memory), task, dense_statistics(upstream, downstream, documents))


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
@pytest.mark.parametrize("rule", [RULE, PAPER, MEETS])
def test_edges_are_those_of_scipy(rule: EdgeRule, memory: int) -> None:
    text = text_of(cuts=[3, 100, 350, 351])
    task = task_of(text, WIDTHS, rule)
    thresholds = task.statistics[0].threshold, task.statistics[1].threshold
    counts = block_counts(text, (UP, DOWN), slice(0, 67), thresholds)
    expected = all_pairs(task.statistics, counts.support, counts.documents, counts.products)
    kept = kept_of(task, memory=memory)
    assert len(kept.upstream) > 50
    check(kept, task, expected)


def test_scipy_counts_block_by_block_what_dense_matrices_count() -> None:
    upstream, downstream, documents, counted = layers()
    text = text_of(cuts=range(0, 700, 90))
    task = task_of(text, WIDTHS, RULE)
    thresholds = task.statistics[0].threshold, task.statistics[1].threshold
    blocks = [block_counts(text, (UP, DOWN), part, thresholds) for part in (slice(0, 40), slice(40, 67))]
    expected = dense_statistics(upstream[counted], downstream[counted], documents[counted])
    np.testing.assert_array_equal(np.concatenate([b.support for b in blocks]).ravel(), expected.n_ud)
    np.testing.assert_array_equal(np.concatenate([b.documents for b in blocks]).ravel(), expected.documents)
    np.testing.assert_allclose(np.concatenate([b.products for b in blocks]).ravel(), expected.products, rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS, FEATURE_BY_FEATURE])
def test_threads_blocks_and_shards_change_nothing_not_even_the_last_bit(threads: int, memory: int) -> None:
    one = kept_of(task_of(text_of(first_half=333), WIDTHS, RULE, halves=True), threads=1)
    cut = task_of(text_of(cuts=range(0, 700, 64), first_half=333), WIDTHS, RULE, halves=True)
    assert same(kept_of(cut, threads=threads, memory=memory), one)


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
def test_counts_do_not_depend_on_the_order_of_the_documents(memory: int) -> None:
    upstream, downstream, documents, counted = layers()
    order = np.argsort(np.random.default_rng(4).permutation(20)[documents], kind="stable")
    moved = held(
        {UP: upstream[order], DOWN: downstream[order]},
        np.cumsum(np.diff(documents[order], prepend=-1) != 0, dtype=np.int32),
        counted=counted[order],
        cuts=[50, 400],
    )
    found = kept_of(task_of(moved, WIDTHS, RULE), memory=memory)
    assert same(found, kept_of(task_of(text_of(), WIDTHS, RULE)))


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
def test_a_stored_text_has_the_edges_of_a_held_one(tmp_path: Path, memory: int) -> None:
    upstream, downstream, documents, counted = layers()
    store = store_of(tmp_path, {UP: upstream, DOWN: downstream}, counted=counted, shard_contexts=30)
    task = task_of(StoredText(store, documents, 80), WIDTHS, RULE, halves=True)
    assert same(kept_of(task, memory=memory), kept_of(task_of(text_of(first_half=320), WIDTHS, RULE, halves=True)))


def test_memory_decides_whether_the_text_is_laid_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[str] = []
    for way in ("at_once", "in_blocks"):
        original = getattr(gather._Counting, way)
        monkeypatch.setattr(
            gather._Counting, way, lambda self, way=way, original=original: ways.append(way) or original(self)
        )
    for memory in (AT_ONCE, IN_BLOCKS, FEATURE_BY_FEATURE):
        kept_of(task_of(text_of(), WIDTHS, RULE), memory=memory)
    assert ways == ["at_once", "in_blocks", "in_blocks"]


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_small_text_is_counted_by_the_definitions(data: st.DataObject) -> None:
    activations = arrays.arrays(np.float32, (12, 3), elements=st.sampled_from([0.0, 0.0, 0.125, 0.25, 0.5, 1.0]))
    upstream, downstream = data.draw(activations), data.draw(activations)
    counted = data.draw(arrays.arrays(np.bool_, 12))
    documents = np.sort(data.draw(arrays.arrays(np.int32, 12, elements=st.integers(-1, 3))))
    cuts, half = data.draw(st.lists(st.integers(0, 12))), data.draw(st.integers(0, 12))
    text = held({UP: upstream, DOWN: downstream}, documents, counted=counted, cuts=cuts, first_half=half)
    task = task_of(text, (3, 3), MEETS, halves=True, relative_threshold=0.25)  # which some activations equal
    kept = kept_of(task, memory=data.draw(st.sampled_from([AT_ONCE, FEATURE_BY_FEATURE])))
    u = (upstream > task.statistics[0].threshold) & counted[:, None]
    d = (downstream > task.statistics[1].threshold) & counted[:, None]
    joint = u[:, :, None] & d[:, None, :]
    products = np.where(counted[:, None, None], upstream[:, :, None] * downstream[:, None, :].astype(np.float64), 0.0)
    ends = np.nonzero(joint.any(axis=0))
    assert pairs_of(kept) == list(zip(*(end.tolist() for end in ends), strict=True))
    np.testing.assert_array_equal(kept.n_ud, joint.sum(axis=0)[ends])
    np.testing.assert_array_equal(kept.n_ud_first, joint[:half].sum(axis=0)[ends])
    met = np.stack([joint[documents == number].any(axis=0) for number in range(-1, 4)])
    np.testing.assert_array_equal(kept.documents, met.sum(axis=0)[ends])
    np.testing.assert_allclose(kept.products, products.sum(axis=0)[ends], rtol=1e-6)
    np.testing.assert_allclose(kept.products_first, products[:half].sum(axis=0)[ends], rtol=1e-6)


@pytest.mark.parametrize("memory", [AT_ONCE, 1 << 26])
@pytest.mark.parametrize(("up_width", "down_width"), [(70_001, 9), (8, 70_001), (70_001, 65_537)])
def test_wide_saes_have_the_edges_of_narrow_ones(up_width: int, down_width: int, memory: int) -> None:
    upstream, downstream, documents = planted_pair()
    text = held({UP: upstream, DOWN: downstream}, documents)
    narrow = kept_of(task_of(text, (8, 8), RULE))
    across = [0, 1, 8191, 8192, 65_535, 65_536, 65_537, 70_000]  # of the blocks of edges, and of 16 bits
    columns = [across if up_width > 8 else list(range(8)), [*range(7), down_width - 1]]
    rows = [spread(stored(upstream), columns[0], up_width), spread(stored(downstream), columns[1], down_width)]
    task = task_of(held({UP: rows[0], DOWN: rows[1]}, documents, cuts=[500]), (up_width, down_width), RULE)
    wide = kept_of(task, memory=memory)
    assert pairs_of(wide) == [(columns[0][u], columns[1][d]) for u, d in pairs_of(narrow)]
    assert same(wide._replace(upstream=narrow.upstream, downstream=narrow.downstream), narrow)


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
@pytest.mark.parametrize(("up", "down"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_a_layer_that_never_fires_has_no_edges(up: float, down: float, memory: int) -> None:
    upstream, downstream, documents = planted_pair()
    text = held({UP: upstream * np.float32(up), DOWN: downstream * np.float32(down)}, documents)
    assert not pairs_of(kept_of(task_of(text, (8, 8), PAPER), memory=memory))


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
def test_a_text_of_which_no_token_counts_has_no_edges(memory: int) -> None:
    upstream, downstream, documents = planted_pair()
    text = held({UP: upstream, DOWN: downstream}, documents, counted=np.zeros(1200, np.bool_))
    assert not pairs_of(kept_of(task_of(text, (8, 8), PAPER), memory=memory))


def test_features_that_are_at_their_maximum_on_every_token_do_not_overflow() -> None:
    upstream, downstream = np.full((70_000, 1), 0.1, np.float32), np.full((70_000, 1), 3e7, np.float32)
    kept = kept_of(task_of(held({UP: upstream, DOWN: downstream}), (1, 1), PAPER))
    assert kept.n_ud.tolist() == kept.documents.tolist() == [70_000]
    expected = 70_000 * float(upstream[0, 0]) * float(downstream[0, 0])
    np.testing.assert_allclose(kept.products, expected, rtol=1e-7)


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
@pytest.mark.parametrize("half", [0, 200, 333, 700])
def test_the_first_half_is_counted_as_dense_matrices_count_it(half: int, memory: int) -> None:
    upstream, downstream, _, counted = layers()
    task = task_of(text_of(cuts=[100, 300, 500], first_half=half), WIDTHS, RULE, halves=True)
    kept = kept_of(task, memory=memory)
    u = ((upstream > task.statistics[0].threshold) & counted[:, None])[:half].astype(np.int64)
    d = (downstream > task.statistics[1].threshold)[:half].astype(np.int64)
    a, b = (upstream * counted[:, None])[:half].astype(np.float64), downstream[:half].astype(np.float64)
    ends = kept.upstream, kept.downstream
    np.testing.assert_array_equal(kept.n_ud_first, (u.T @ d)[ends])
    np.testing.assert_allclose(kept.products_first, (a.T @ b)[ends], rtol=1e-6)


def test_halves_are_counted_only_where_they_are_asked_for() -> None:
    halves = kept_of(task_of(text_of(first_half=333), WIDTHS, RULE, halves=True))
    whole = kept_of(task_of(text_of(first_half=333), WIDTHS, RULE))
    assert not whole.n_ud_first.any()
    assert not whole.products_first.any()
    assert same(whole, halves._replace(n_ud_first=whole.n_ud_first, products_first=whole.products_first))


@pytest.mark.parametrize("memory", [AT_ONCE, 1 << 11])
@pytest.mark.parametrize("room", [0, 1, 32, 33, 34])
def test_no_edge_is_lost_where_the_room_for_them_runs_out(
    room: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 33 downstream features each is an edge with each upstream feature."""
    monkeypatch.setattr(gather, "_ROOM", room)
    values = np.random.default_rng(8).uniform(0.5, 1.0, (30, 100)).astype(np.float32)
    kept = kept_of(task_of(held({UP: values, DOWN: values[:, :33]}), (100, 33), MEETS), memory=memory)
    assert pairs_of(kept) == [(u, d) for u in range(100) for d in range(33)]
    np.testing.assert_array_equal(kept.n_ud, 30)
    np.testing.assert_allclose(kept.products, (values.T @ values[:, :33]).ravel(), rtol=1e-5)


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS, FEATURE_BY_FEATURE])
def test_progress_adds_up_to_the_upstream_features(memory: int) -> None:
    done: list[int] = []
    list(gathered(task_of(text_of(), WIDTHS, RULE), threads=2, memory=memory, progress=done.append))
    assert sum(done) == 67


@pytest.mark.parametrize("memory", [AT_ONCE, IN_BLOCKS])
def test_an_exception_in_progress_is_raised_and_no_thread_goes_on(memory: int) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        list(gathered(task_of(text_of(), WIDTHS, RULE), threads=3, memory=memory, progress=stop))
    assert set(threading.enumerate()) <= before


def test_counting_that_is_given_up_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    parts = gathered(task_of(text_of(), WIDTHS, RULE), threads=3, memory=IN_BLOCKS, progress=lambda _: None)
    next(iter(parts))
    parts.close()
    assert set(threading.enumerate()) <= before
