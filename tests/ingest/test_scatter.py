"""The device engine gives the bits of the processor's: here on torch's own CPU device."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from heldtexts import DOWN, PAPER, RULE, UP, held, task_of
from planted import planted_pair

from saedb.ingest import scatter
from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.rule import EdgeRule
from saedb.ingest.scatter import scattered
from saedb.ingest.statistics import feature_statistics

MUCH = 1 << 28


def task(rule: EdgeRule = RULE, *, halves: bool = False, seed: int = 0) -> Task:
    upstream, downstream, documents = planted_pair(seed)
    upstream[600:700] = 0.0  # tokens without any activation
    text = held({UP: upstream, DOWN: downstream}, documents, cuts=(37, 500, 933), first_half=512)
    statistics = [feature_statistics(text, sae, 8, context_size=4, relative_threshold=0.2) for sae in (UP, DOWN)]
    return Task(
        text=text,
        upstream=UP,
        downstream=DOWN,
        statistics=(statistics[0], statistics[1]),
        rule=rule,
        halves=halves,
    )


def whole(parts: Iterator[Kept]) -> Kept:
    return Kept._make(np.concatenate(values) for values in zip(*parts, strict=True))


def same(a: Kept, b: Kept) -> bool:
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def ignored(features: int) -> None:
    del features


@pytest.mark.parametrize("memory", [MUCH, 20_000, 400])
@pytest.mark.parametrize("halves", [False, True])
@pytest.mark.parametrize("rule", [RULE, PAPER])
def test_the_device_gives_the_bits_of_the_processor(rule: EdgeRule, halves: bool, memory: int) -> None:
    given = task(rule, halves=halves)
    expected = whole(gathered(given, threads=2, memory=MUCH, progress=ignored))
    assert len(expected.upstream) > 5
    assert same(whole(scattered(given, device="cpu", memory=memory, progress=ignored)), expected)


def test_pieces_of_few_products_count_the_documents_between_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(gathered(task(), threads=1, memory=MUCH, progress=ignored))
    monkeypatch.setattr(scatter, "_LEAST", 3)
    monkeypatch.setattr(scatter, "_MOST_PRODUCTS", 3)
    assert same(whole(scattered(task(), device="cpu", memory=MUCH, progress=ignored)), expected)


def test_a_pair_exactly_at_a_threshold_is_judged_alike() -> None:
    """Necessity 10 / 100, where the paper asks for more than 0.1: torch alone would divide in float32."""
    upstream, downstream = np.zeros((2000, 1), np.float32), np.zeros((2000, 1), np.float32)
    upstream[:200] = downstream[190:290] = 1.0
    rule = PAPER._replace(min_similarity=np.nextafter(0.1, 1.0))
    given = task_of(held({UP: upstream, DOWN: downstream}), (1, 1), rule)
    expected = whole(gathered(given, threads=1, memory=MUCH, progress=ignored))
    assert len(expected.upstream) == 0
    assert same(whole(scattered(given, device="cpu", memory=MUCH, progress=ignored)), expected)


def test_progress_adds_up_to_the_upstream_features() -> None:
    done: list[int] = []
    list(scattered(task(), device="cpu", memory=400, progress=done.append))
    assert (sum(done), len(done) > 1) == (8, True)


@pytest.mark.parametrize("failures", [1, 3])
def test_a_full_device_is_answered_by_less_at_once_with_the_same_result(
    failures: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no device to fill here, so the failure is raised in its place, in the middle of a block."""
    expected = whole(gathered(task(), threads=1, memory=MUCH, progress=ignored))
    left = [failures]
    add = scatter._Block._add_products

    def failing(self: object, *given: object) -> None:
        add(self, *given)  # pyright: ignore[reportArgumentType]
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError

    monkeypatch.setattr(scatter._Block, "_add_products", failing)
    assert same(whole(scattered(task(), device="cpu", memory=MUCH, progress=ignored)), expected)
    assert caplog.text.count("ran out of memory") == failures


def test_a_device_without_room_for_one_feature_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(scatter._Block, "_add_products", full)
    with pytest.raises(torch.OutOfMemoryError):
        list(scattered(task(), device="cpu", memory=MUCH, progress=ignored))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("rule", [RULE, PAPER])
def test_cuda_gives_the_bits_of_the_processor(rule: EdgeRule) -> None:
    given = replace(task(rule), halves=True)
    expected = whole(gathered(given, threads=2, memory=MUCH, progress=ignored))
    assert same(whole(scattered(given, device="cuda", memory=MUCH, progress=ignored)), expected)
