import numpy as np
import pyarrow as pa
import pytest
import tiny

from saedb.ingest import contexts, tables
from saedb.ingest.contexts import Contexts
from saedb.ingest.errors import InputError

TOKENIZER = tiny.tokenizer()
BOS, EOS = 0, 1


def contexts_of(tokens: list[list[int]], documents: list[list[int]], halves: list[int]) -> Contexts:
    return Contexts(
        tokens=np.array(tokens, np.int32),
        documents=np.array(documents, np.int32),
        document_ids=tuple(f"d{number}" for number in range(len(halves))),
        halves=np.array(halves, np.int8),
        prepend_bos=True,
    )


PACKED = contexts_of(
    [[BOS, 3, 4, 5], [BOS, 6, 7, BOS], [BOS, 8, 9, 9]], [[-1, 0, 0, 0], [-1, 1, 1, -1], [-1, 2, 2, 2]], [0, 0, 1]
)


def test_special_tokens_are_bos_eos_and_padding() -> None:
    assert contexts.special_tokens(TOKENIZER) == {BOS, EOS}


def test_tokens_are_left_out_by_the_first_reason_that_applies() -> None:
    tokens = np.array([[BOS, 5, 6, 7], [8, 9, BOS, 5]], dtype=np.int32)
    norms = {
        "blocks.0.hook_resid_pre": np.array([[900, 10.5, 1, 1], [900, 1, 1, 10]], dtype=np.float32),
        "blocks.1.hook_resid_pre": np.array([[900, 1, 1, 31], [900, 1, 1, 30]], dtype=np.float32),
    }
    medians = {"blocks.0.hook_resid_pre": 1.0, "blocks.1.hook_resid_pre": 3.0}
    counted = contexts.countable(tokens, {BOS, EOS}, norms, medians)
    assert counted.mask.tolist() == [[False, False, True, False], [False, True, False, True]]
    assert counted.left_out == {"special token": 2, "position 0": 1, "outlier norm": 2}
    assert counted.mask.sum() + sum(counted.left_out.values()) == tokens.size


def test_a_norm_that_is_not_a_number_does_not_count() -> None:
    tokens = np.array([[BOS, 5, 6]], dtype=np.int32)
    norms = {"h": np.array([[1, np.nan, 1]], dtype=np.float32)}
    assert contexts.countable(tokens, {BOS}, norms, {"h": 1.0}).left_out["outlier norm"] == 1


def test_medians_are_over_ordinary_tokens_only() -> None:
    tokens = np.array([[BOS, 5, 6, BOS], [7, 8, 9, 5]], dtype=np.int32)
    norms = {"h": np.array([[1e6, 1, 2, 1e6], [1e6, 3, 4, 5]], dtype=np.float32)}
    assert contexts.median_norms(tokens, {BOS}, norms) == {"h": 3.0}


def test_medians_of_special_tokens_only_are_an_input_error() -> None:
    with pytest.raises(InputError, match="only special tokens"):
        contexts.median_norms(np.array([[5, BOS]], dtype=np.int32), {BOS}, {"h": np.ones((1, 2), dtype=np.float32)})


@pytest.mark.parametrize(("halves", "expected"), [([0, 0, 1], 2), ([0, 1, 1], 1), ([0, 0, 0], 3)])
def test_contexts_of_the_first_half_come_before_those_of_documents_of_the_second(
    halves: list[int], expected: int
) -> None:
    packed = contexts_of(PACKED.tokens.tolist(), PACKED.documents.tolist(), halves)
    assert packed.first_half_contexts == expected


def test_document_rows_trace_a_number_to_its_source() -> None:
    table = contexts.document_rows(PACKED)
    assert table.schema.equals(tables.DOCUMENTS.schema)
    assert table.to_pylist() == [
        {"document": 0, "id": "d0", "half": 0},
        {"document": 1, "id": "d1", "half": 0},
        {"document": 2, "id": "d2", "half": 1},
    ]


@pytest.mark.parametrize("rows_at_once", [1, 8, 1000])
def test_rows_say_where_each_token_stands_however_many_are_made_at_once(
    monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(contexts, "_ROWS", rows_at_once)
    parts = list(contexts.rows(PACKED, PACKED.documents >= 0))
    assert len(parts) == {1: 3, 8: 2, 1000: 1}[rows_at_once]
    assert all(part.schema.equals(tables.TOKENS.schema) for part in parts)
    first, *_, last = pa.concat_tables(parts).to_pylist()
    assert first == {"context": 0, "position": 0, "token": BOS, "document": -1, "counted": False}
    assert last == {"context": 2, "position": 3, "token": 9, "document": 2, "counted": True}
