from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from planted import dense_statistics, planted_pair, store_of

from saedb.ingest import edges as edges_module
from saedb.ingest.edges import EdgeRule, Side, decoder_cosines, edges
from saedb.ingest.measures import MEASURES
from saedb.ingest.statistics import feature_statistics
from saedb.ingest.tables import EDGES

RULE = EdgeRule(min_similarity=0.1, min_support=10, min_documents=3, min_lift=2.0, min_excess=0.2)
PAPER = EdgeRule(min_similarity=0.1, min_support=0, min_documents=0, min_lift=0.0, min_excess=-1.0)
DECODER = np.random.default_rng(2).normal(size=(8, 5)).astype(np.float32)


def found(
    folder: Path, upstream: np.ndarray, downstream: np.ndarray, documents: np.ndarray, rule: EdgeRule
) -> pa.Table:
    store = store_of(folder, {"0-a": upstream, "1-a": downstream}, shard_contexts=50)
    sides = [
        Side(
            sae=sae,
            statistics=feature_statistics(store, sae, 0.2, documents),
            ids=np.array([f"m/{sae}/{i}" for i in range(8)], dtype=object),
            decoder=DECODER + number,
        )
        for number, sae in enumerate(("0-a", "1-a"))
    ]
    parts = edges(store, sides[0], sides[1], rule, documents=documents, progress=lambda: None)
    return pa.concat_tables(parts)


def ends(table: pa.Table) -> list[tuple[int, int]]:
    return [tuple(int(table[c][row].as_py().split("/")[-1]) for c in ("source", "target")) for row in range(len(table))]


@pytest.mark.parametrize("rule", [RULE, PAPER])
def test_edges_are_the_pairs_that_the_rule_takes_with_the_values_of_dense_matrices(
    tmp_path: Path, rule: EdgeRule
) -> None:
    upstream, downstream, documents = planted_pair()
    table = found(tmp_path, upstream, downstream, documents, rule)
    dense = dense_statistics(upstream, downstream, documents)
    kept = rule.enough(dense.n_ud, dense.documents) & rule.related(dense) & (dense.products > 0)
    expected = [divmod(cell, 8) for cell in np.flatnonzero(kept).tolist()]
    assert table.schema.equals(EDGES.schema)
    assert ends(table) == expected
    u, d = np.transpose(expected)
    dense = replace(dense, decoder=np.full(64, np.nan))
    dense.decoder[kept] = decoder_cosines(DECODER, DECODER + 1, u, d)
    for measure in MEASURES:
        values = measure.formula(dense)[kept]
        np.testing.assert_allclose(table[measure.name].to_numpy().astype(float), values, rtol=1e-9, atol=1e-12)


def test_planted_relations_become_edges_and_unrelated_pairs_do_not(tmp_path: Path) -> None:
    table = found(tmp_path, *planted_pair(), RULE)
    related = {(0, 0), (1, 1), (2, 1), (3, 2), (4, 2)}
    pairs = set(ends(table))
    assert related <= pairs
    assert not {(u, d) for u in range(7) for d in (3, 4)} & pairs
    assert not {(u, d) for u, d in pairs if 6 in (u, d)}, "dead features have no edges"
    by_pair = dict(zip(ends(table), table.to_pylist(), strict=True))
    assert by_pair[0, 0]["pearson"] == pytest.approx(1.0)
    assert by_pair[1, 1]["necessity"] == by_pair[2, 1]["necessity"] == 1.0
    assert by_pair[3, 2]["sufficiency"] > 0.9


def test_dense_features_meet_everything_but_are_no_edges_by_chance(tmp_path: Path) -> None:
    upstream, downstream, documents = planted_pair()
    chance = [(7, d) for d in (0, 1, 3, 4)]  # upstream 7 fires everywhere: necessity 1, lift 1
    default = ends(found(tmp_path / "default", upstream, downstream, documents, RULE))
    assert not set(chance) & {p for p in default if found_only_by_necessity(upstream, downstream, p)}
    assert set(chance) <= set(ends(found(tmp_path / "paper", upstream, downstream, documents, PAPER)))


def found_only_by_necessity(upstream: np.ndarray, downstream: np.ndarray, pair: tuple[int, int]) -> bool:
    s = dense_statistics(upstream[:, [pair[0]]], downstream[:, [pair[1]]], np.zeros(len(upstream), np.int32))
    symmetric = [m.formula(s)[0] for m in MEASURES if m.name in ("pearson", "jaccard")]
    return all(np.isnan(value) or value < 0.1 for value in symmetric)


def test_an_edge_needs_tokens_and_documents(tmp_path: Path) -> None:
    active = np.zeros((1200, 8), np.float32)
    active[:9, 0] = active[:10, 1] = active[:10, 2] = 1.0
    documents = np.full(1200, 9, np.int32)
    documents[:10] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    pairs = ends(found(tmp_path / "three", active, active, documents, RULE))
    assert pairs == [(1, 1), (1, 2), (2, 1), (2, 2)]
    documents[:10] = [0] * 5 + [1] * 5
    assert not ends(found(tmp_path / "two", active, active, documents, RULE))


def test_blocks_change_no_edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(tmp_path / "whole", *planted_pair(), RULE)
    monkeypatch.setattr(edges_module, "_CELLS", 3 * 8)
    parts = found(tmp_path / "parts", *planted_pair(), RULE)
    assert parts.combine_chunks().equals(whole.combine_chunks())


def test_two_layers_that_never_fire_have_no_edges_even_by_the_papers_rule(tmp_path: Path) -> None:
    none = np.zeros((120, 8), np.float32)
    assert len(found(tmp_path, none, none, np.zeros(120, np.int32), PAPER)) == 0


def test_decoder_cosines_are_those_of_unit_rows() -> None:
    a, b = DECODER, DECODER[::-1] * 3.0
    cosines = decoder_cosines(a, b, np.array([0, 1, 0]), np.array([7, 6, 0]))
    unit = DECODER / np.linalg.norm(DECODER, axis=1, keepdims=True)
    np.testing.assert_allclose(cosines, [1.0, 1.0, unit[0] @ unit[7]], atol=1e-6)


def test_a_decoder_row_of_zeros_or_of_another_length_has_no_cosine() -> None:
    zero, index = np.zeros((1, 5), np.float32), np.array([0])
    assert np.isnan(decoder_cosines(zero, DECODER, index, index)).all()
    assert np.isnan(decoder_cosines(DECODER[:, :3], DECODER, index, index)).all()
