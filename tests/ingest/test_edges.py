from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from heldtexts import DOWN, MEETS, PAPER, RULE, UP, held, pairs_of, taken, task_of
from planted import Dense, dense_statistics, planted_pair

from saedb.ingest.edges import Side, decoder_cosines, edges, statistics_of
from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.measures import EVIDENCE, MEASURES, MOVES, PairStatistics
from saedb.ingest.rule import EdgeRule
from saedb.ingest.tables import EDGES

DECODER = np.random.default_rng(2).normal(size=(8, 5)).astype(np.float32)


def kept_of(task: Task) -> list[Kept]:
    return list(gathered(task, threads=2, memory=1 << 10, progress=lambda _: None))


def table_of(task: Task, site: str = "hook_resid_pre") -> pa.Table:
    """Return the edges of a task in parts of a few upstream features."""
    sides = [
        Side(
            sae=sae,
            hook=f"blocks.{number}.{site}",
            statistics=statistics,
            ids=np.array([f"m/{sae}/{i}" for i in range(8)], dtype=object),
            decoder=DECODER + number,
        )
        for number, (sae, statistics) in enumerate(zip((UP, DOWN), task.statistics, strict=True))
    ]
    return pa.concat_tables(edges(kept_of(task), sides[0], sides[1], halves=task.halves))


def found(upstream: Dense, downstream: Dense, documents: np.ndarray, rule: EdgeRule, **cut: int) -> pa.Table:
    text = held({UP: upstream, DOWN: downstream}, documents, **cut)
    return table_of(task_of(text, (8, 8), rule, halves="first_half" in cut))


def ends(table: pa.Table) -> list[tuple[int, int]]:
    return [tuple(int(table[c][row].as_py().split("/")[-1]) for c in ("source", "target")) for row in range(len(table))]


def numbers(table: pa.Table, column: str) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in table[column].to_pylist()], np.float64)


@pytest.mark.parametrize("rule", [RULE, PAPER])
def test_edges_are_the_pairs_that_the_rule_takes_with_the_values_of_dense_matrices(rule: EdgeRule) -> None:
    upstream, downstream, documents = planted_pair()
    table, dense = found(upstream, downstream, documents, rule), dense_statistics(upstream, downstream, documents)
    kept = taken(dense, rule)
    expected = [divmod(cell, 8) for cell in np.flatnonzero(kept).tolist()]
    assert table.schema.equals(EDGES.schema)
    assert ends(table) == expected
    u, d = np.transpose(expected)
    dense.decoder[kept] = decoder_cosines(DECODER, DECODER + 1, u, d)
    for measure in MEASURES:
        np.testing.assert_allclose(numbers(table, measure.name), measure.values(dense)[kept], rtol=1e-6, atol=1e-7)
    assert not any(table[evidence.name].is_valid().to_numpy().any() for evidence in EVIDENCE)


def test_ids_are_those_of_the_sides() -> None:
    table = found(*planted_pair(), RULE)
    assert {id_.rsplit("/", 1)[0] for id_ in table["source"].to_pylist()} == {f"m/{UP}"}
    assert {id_.rsplit("/", 1)[0] for id_ in table["target"].to_pylist()} == {f"m/{DOWN}"}


def test_planted_relations_become_edges_and_unrelated_pairs_do_not() -> None:
    table = found(*planted_pair(), RULE)
    related = {(0, 0), (1, 1), (2, 1), (3, 2), (4, 2)}
    pairs = set(ends(table))
    assert related <= pairs
    assert not {(u, d) for u in range(7) for d in (3, 4)} & pairs
    assert not {(u, d) for u, d in pairs if 6 in (u, d)}, "dead features have no edges"
    by_pair = dict(zip(ends(table), table.to_pylist(), strict=True))
    assert by_pair[0, 0]["pearson"] == pytest.approx(1.0)
    assert by_pair[1, 1]["necessity"] == by_pair[2, 1]["necessity"] == 1.0
    assert by_pair[3, 2]["sufficiency"] > 0.9


def test_dense_features_meet_everything_but_are_no_edges_by_chance() -> None:
    upstream, downstream, documents = planted_pair()
    downstream[::2, 3:5] = 0.0  # no Jaccard similarity to upstream 7, which fires everywhere: necessity 1, lift 1
    chance = {(7, 3), (7, 4)}
    assert not chance & set(ends(found(upstream, downstream, documents, RULE)))
    assert chance <= set(ends(found(upstream, downstream, documents, PAPER)))


def test_an_edge_needs_tokens_and_documents() -> None:
    active = np.zeros((1200, 8), np.float32)
    active[:9, 0] = active[:10, 1] = active[:10, 2] = 1.0
    documents = np.full(1200, 9, np.int32)
    documents[:10] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert ends(found(active, active, documents, RULE)) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    documents[:10] = [0] * 5 + [1] * 5
    assert not ends(found(active, active, documents, RULE))


def halved(values: Dense, half: slice, threshold: np.ndarray) -> PairStatistics:
    """Return the statistics of all pairs of [upstream, downstream] over some tokens, with given thresholds."""
    a = values[half].astype(np.float64)
    up, down = slice(0, 8), slice(8, 16)
    active = (a > threshold).astype(np.int64)
    u, d = (index.ravel() for index in np.indices((8, 8)))
    n, total, squares = active.sum(axis=0), a.sum(axis=0), (a**2).sum(axis=0)
    return PairStatistics(
        tokens=len(a),
        n_u=n[up][u],
        n_d=n[down][d],
        n_ud=(active[:, up].T @ active[:, down]).ravel(),
        documents=np.zeros(64),
        sum_u=total[up][u],
        sum_d=total[down][d],
        squares_u=squares[up][u],
        squares_d=squares[down][d],
        products=(a[:, up].T @ a[:, down]).ravel(),
        decoder=np.full(64, np.nan),
    )


@pytest.mark.parametrize("first_half", [1, 500, 1000])
def test_each_measure_moved_by_its_difference_between_the_halves(first_half: int) -> None:
    upstream, downstream, documents = planted_pair()
    upstream[:600, 0] *= 0.5  # so that something moves
    downstream[700:900, 2] = 0.0
    table = found(upstream, downstream, documents, MEETS, first_half=first_half)
    values = np.concatenate([upstream, downstream], axis=1)
    threshold = 0.2 * values.max(axis=0).astype(np.float64)
    halves = [halved(values, half, threshold) for half in (slice(0, first_half), slice(first_half, 1200))]
    u, d = np.transpose(ends(table))
    for measure in MOVES:
        one, two = (measure.values(half)[u * 8 + d] for half in halves)
        np.testing.assert_allclose(numbers(table, f"{measure.name}_moved"), np.abs(one - two), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("first_half", [0, 1200])
def test_nothing_moved_where_a_half_is_empty(first_half: int) -> None:
    table = found(*planted_pair(), RULE, first_half=first_half)
    assert len(table)
    assert all(np.isnan(numbers(table, f"{measure.name}_moved")).all() for measure in MOVES)


def test_statistics_of_kept_pairs_are_those_of_dense_matrices() -> None:
    upstream, downstream, documents = planted_pair()
    task = task_of(held({UP: upstream, DOWN: downstream}, documents), (8, 8), RULE)
    dense = dense_statistics(upstream, downstream, documents)
    for kept in kept_of(task):
        s, rows = statistics_of(kept, *task.statistics), [8 * u + d for u, d in pairs_of(kept)]
        assert s.tokens == dense.tokens
        for name in PairStatistics._fields[1:-1]:
            np.testing.assert_allclose(getattr(s, name), getattr(dense, name)[rows], rtol=1e-6)
        assert np.isnan(s.decoder).all()


def test_two_layers_that_never_fire_have_no_edges_even_by_the_papers_rule() -> None:
    none = np.zeros((120, 8), np.float32)
    assert len(found(none, none, np.zeros(120, np.int32), PAPER)) == 0


def test_decoder_cosines_are_those_of_unit_rows() -> None:
    a, b = DECODER, DECODER[::-1] * 4.0
    unit = DECODER.astype(np.float64) / np.linalg.norm(DECODER.astype(np.float64), axis=1, keepdims=True)
    cosines = decoder_cosines(a, b, np.array([0, 1, 0]), np.array([7, 6, 0]))
    np.testing.assert_allclose(cosines, [1.0, 1.0, unit[0] @ unit[7]], rtol=1e-14)


def test_a_decoder_row_of_zeros_or_of_another_length_has_no_cosine() -> None:
    zero, index = np.zeros((1, 5), np.float32), np.array([0])
    assert np.isnan(decoder_cosines(zero, DECODER, index, index)).all()
    assert np.isnan(decoder_cosines(DECODER[:, :3], DECODER, index, index)).all()


def test_a_pair_without_decoders_of_one_length_has_edges_without_a_cosine() -> None:
    upstream, downstream, documents = planted_pair()
    task = task_of(held({UP: upstream, DOWN: downstream}, documents), (8, 8), RULE)
    ids = np.array(list("abcdefgh"), object)
    up = Side(sae=UP, hook="hook_embed", statistics=task.statistics[0], ids=ids, decoder=DECODER)
    down = replace(up, sae=DOWN, statistics=task.statistics[1], decoder=DECODER[:, :3])
    table = pa.concat_tables(edges(kept_of(task), up, down, halves=False))
    assert len(table)
    assert table["decoder_cosine"].null_count == len(table)


def test_decoders_that_write_to_two_spaces_have_no_cosine_though_they_are_of_one_size() -> None:
    upstream, downstream, documents = planted_pair()
    table = table_of(task_of(held({UP: upstream, DOWN: downstream}, documents), (8, 8), RULE), "attn.hook_z")
    assert len(table)
    assert table["decoder_cosine"].null_count == len(table)
