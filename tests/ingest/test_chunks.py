from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from heldtexts import DOWN, RULE, UP, held, task_of
from planted import planted_pair

from saedb.ingest.cells import ACTIVE
from saedb.ingest.chunks import Chunk, bytes_of, chunk, groups
from saedb.ingest.gather import Task
from saedb.ingest.whole import TOP

MASK = (1 << ACTIVE) - 1


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def planted_task(cuts: range = range(0, 1200, 90)) -> tuple[Task, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a task with one rare feature on either side; dense layers; documents, -1 first; what counts."""
    upstream, downstream, documents = planted_pair()
    upstream[9:, 5] = 0.0
    downstream[9:, 4] = 0.0
    documents[:3] = -1
    counted = np.random.default_rng(1).random(1200) < 0.7
    text = held({UP: upstream, DOWN: downstream}, documents, counted=counted, cuts=cuts, first_half=500)
    return task_of(text, (8, 8), RULE), upstream, downstream, documents, counted


def laid_out(task: Task, features: slice, pool: ThreadPoolExecutor) -> Chunk:
    return chunk(list(task), UP, DOWN, task.scales, features, pool)


@pytest.mark.parametrize("features", [slice(0, 8), slice(3, 8), slice(0, 1)])
def test_columns_hold_the_counted_activations_of_each_feature(features: slice, pool: ThreadPoolExecutor) -> None:
    task, upstream, _, _, counted = planted_task()
    columns = laid_out(task, features, pool).columns
    assert columns.first == features.start
    for row, feature in enumerate(range(features.start, features.stop)):
        values = upstream[counted, feature].astype(np.float64)
        used = feature not in (5, 6)  # rare, dead
        span = slice(int(columns.start[row]), int(columns.start[row + 1]))
        np.testing.assert_array_equal(columns.token[span], np.flatnonzero(values) if used else [])
        if used:
            kept, largest = values[values > 0], values.max()
            np.testing.assert_array_equal(columns.value[span] >> ACTIVE, kept > 0.2 * largest)
            errors = (columns.value[span] & MASK) - kept * TOP / largest
            assert np.abs(errors).max() <= 0.5 + 1e-6, "an activation is rounded to the nearest number"


def test_rows_hold_the_counted_activations_of_each_token_active_ones_first(pool: ThreadPoolExecutor) -> None:
    task, _, downstream, documents, counted = planted_task()
    rows = laid_out(task, slice(0, 8), pool).rows
    values, threshold = downstream[counted].astype(np.float64), task.statistics[1].threshold
    largest, used = values.max(axis=0), (values > threshold).sum(axis=0) >= RULE.min_support
    assert not used[[4, 6]].any(), "rare, dead"
    assert len(rows.token) == counted.sum() + 1
    for token, value in enumerate(values):
        start, stop = (int(rows.token[token + more, 0]) for more in (0, 1))
        middle, document = start + int(rows.token[token, 1] >> np.uint64(32)), int(rows.token[token, 1]) & 0xFFFFFFFF
        assert document == documents[counted][token] + 2
        active = used & (value > threshold)
        feature = task.scales[1].order[rows.feature[start:stop]]
        assert feature[: middle - start].tolist() == np.flatnonzero(active).tolist()
        assert feature[middle - start :].tolist() == np.flatnonzero(used & (value > 0) & ~active).tolist()
        errors = rows.value[start:stop] - (value * TOP / np.where(largest > 0, largest, 1.0))[feature]
        assert (np.abs(errors) <= 0.5 + 1e-6).all()


def test_the_places_of_features_are_by_falling_number_of_activations() -> None:
    task, _, downstream, _, counted = planted_task()
    order = task.scales[1].order
    positive = (downstream[counted] > 0).sum(axis=0)
    assert sorted(order.tolist()) == np.flatnonzero(task.scales[1].used).tolist()
    assert (np.diff(positive[order]) <= 0).all()
    assert task.scales[1].place[order].tolist() == list(range(len(order)))


def test_the_middle_is_where_the_second_half_of_the_counted_tokens_starts(pool: ThreadPoolExecutor) -> None:
    task, *_, counted = planted_task()
    assert laid_out(task, slice(0, 8), pool).middle == counted[:500].sum()


def test_however_it_is_cut_a_text_is_laid_out_alike(pool: ThreadPoolExecutor) -> None:
    one, other = (laid_out(planted_task(cuts)[0], slice(0, 8), pool) for cuts in (range(0), range(0, 1200, 7)))
    assert one.middle == other.middle
    for a, b in zip((*one.columns, *one.rows), (*other.columns, *other.rows), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_chunk_takes_no_more_than_was_said(pool: ThreadPoolExecutor) -> None:
    upstream, downstream, documents = planted_pair()
    text = held({UP: upstream, DOWN: downstream}, documents, cuts=range(0, 1200, 90))
    task = task_of(text, (8, 8), RULE)
    found = laid_out(task, slice(0, 8), pool)
    taken = sum(array.nbytes for array in (*found.columns[1:], *found.rows))
    ends = found.columns.start.nbytes + found.rows.token[-1:].nbytes
    said = sum(bytes_of(part, UP, DOWN) for part in task)
    assert taken - ends == said, "all activations are used here"


@pytest.mark.parametrize("budget", [1, 4000, 20_000, 1 << 40])
def test_groups_are_the_text_in_order_within_the_budget_and_of_one_half_each(budget: int) -> None:
    text = list(planted_task()[0])
    found = list(groups(text, UP, DOWN, budget))
    assert [id(part) for group in found for part in group] == [id(part) for part in text]
    for group in found:
        assert len({part.half for part in group}) == 1
        assert len(group) == 1 or sum(bytes_of(part, UP, DOWN) for part in group) <= budget
    for group, following in pairwise(found):
        more = sum(bytes_of(part, UP, DOWN) for part in [*group, following[0]])
        assert more > budget or following[0].half != group[0].half, "no group could have taken more"


def test_a_text_of_nothing_has_no_groups() -> None:
    assert not list(groups([], UP, DOWN, 1000))
