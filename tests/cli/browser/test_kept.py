"""Answers that are kept."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from saedb.cli.browser import kept as module
from saedb.cli.browser.kept import Kept


def test_an_answer_is_computed_once_for_a_key() -> None:
    kept, calls = Kept(), list[str]()
    compute: Callable[[], int] = lambda: calls.append("called") or len(calls)  # noqa: E731
    assert [kept.get("a", compute), kept.get("a", compute), kept.get("b", compute)] == [1, 1, 2]


def test_threads_that_ask_at_once_wait_for_one() -> None:
    kept, calls, ready = Kept(), list[int](), Barrier(8)

    def ask() -> None:
        ready.wait()
        kept.get("key", lambda: calls.append(1))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_an_error_is_not_kept() -> None:
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get("key", lambda: 1 // 0)
    assert kept.get("key", lambda: 5) == 5


def test_the_longest_unused_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    kept = Kept()
    for key in ("a", "b", "a", "c"):
        kept.get(key, lambda key=key: key)
    assert kept.get("a", lambda: "again") == "a"
    assert kept.get("b", lambda: "again") == "again"
