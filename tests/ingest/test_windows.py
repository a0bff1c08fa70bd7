import numpy as np

from saedb.ingest.contexts import Contexts
from saedb.ingest.windows import AFTER, BEFORE, windows


def text_of(documents: np.ndarray) -> Contexts:
    numbers = documents.astype(np.int32)
    return Contexts(
        tokens=np.zeros_like(numbers), documents=numbers, document_ids=("a", "b"), halves=np.zeros(2, np.int8),
        prepend_bos=False,
    )  # fmt: skip


def test_a_window_stays_in_its_document_and_context() -> None:
    contexts = text_of(np.array([[-1, 0, 0, 0, 0, 1, 1], [1, 1, -1, 1, 1, 1, 1]]))
    found = windows(contexts, np.array([2, 5, 9, 8]))
    assert [found.token[span].tolist() for span in found.spans] == [
        [1, 2, 3, 4], [5, 6], [9], [7, 8, 10, 11, 12, 13],
    ]  # fmt: skip
    assert found.at.tolist() == [1, 0, 0, 1]


def test_a_window_is_no_longer_than_it_may_be() -> None:
    found = windows(text_of(np.zeros((1, 100))), np.array([0, 50, 99]))
    assert found.lengths.tolist() == [AFTER + 1, BEFORE + 1 + AFTER, BEFORE + 1]
    assert found.at.tolist() == [0, BEFORE, BEFORE]
    assert found.token[found.spans[1]].tolist() == list(range(50 - BEFORE, 50 + AFTER + 1))


def test_windows_can_be_taken_in_any_order_and_again() -> None:
    found = windows(text_of(np.zeros((2, 6))), np.array([0, 3, 8, 11]))
    taken = found.take(np.array([3, 0, 0, 2]))
    tokens = [found.token[span].tolist() for span in found.spans]
    assert [taken.token[span].tolist() for span in taken.spans] == [tokens[i] for i in (3, 0, 0, 2)]
    assert taken.at.tolist() == found.at[[3, 0, 0, 2]].tolist()


def test_of_no_place_there_is_no_window() -> None:
    found = windows(text_of(np.zeros((1, 4))), np.zeros(0, np.int64))
    assert (found.spans, found.token.tolist(), found.at.tolist()) == ([], [], [])
