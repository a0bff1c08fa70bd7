import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from saedb.ingest.motifs.paper import candidates, two_at_the_top


def _edges(rows: list[tuple[int, int, float, float]]) -> pa.Table:
    source, target, necessity, sufficiency = zip(*rows, strict=True)
    return pa.table(
        {
            "source": [f"m/0-s/{i}" for i in source],
            "target": [f"m/1-s/{i}" for i in target],
            "necessity": necessity,
            "sufficiency": sufficiency,
        }
    )


def test_the_two_inputs_are_those_that_alone_reach_some_threshold() -> None:
    edges = _edges([(4, 0, 0.95, 0.1), (1, 0, 1.0, 0.1), (2, 0, 0.94, 0.1), (3, 1, 1.0, 0.2), (5, 2, 0.99, 0.91)])
    everything = np.ones(6, bool)
    found = candidates([edges.slice(0, 2), edges.slice(2)], 6, 0.9, everything, everything)
    assert found[0].tolist() == [[1, 4], [-1, -1]]
    assert (found[1:] == -1).all(), "one input is no two"


def test_a_tie_for_the_second_place_leaves_no_two() -> None:
    target = np.zeros(3, np.int64)
    outputs, inputs = two_at_the_top(np.arange(3), target, np.array([1.0, 0.95, 0.95]))
    assert (len(outputs), inputs.shape) == (0, (0, 2))


def test_features_that_may_not_take_part_do_not_count() -> None:
    edges = _edges([(0, 0, 1.0, 1.0), (1, 0, 1.0, 0.99), (2, 0, 0.95, 0.95)])
    sources = np.array([True, False, True])
    assert candidates([edges], 1, 0.9, sources, np.ones(1, bool))[0].tolist() == [[0, 2], [0, 2]]
    assert (candidates([edges], 1, 0.9, sources, np.zeros(1, bool)) == -1).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from([0.9, 0.95, 0.99, 1.0])), max_size=20))
def test_exactly_the_candidates_pass_the_paper_s_rule_at_some_threshold(edges: list[tuple[int, int, float]]) -> None:
    edges = list({(u, d): (u, d, v) for u, d, v in edges}.values())
    source, target, value = (np.array(column) for column in zip(*edges, strict=True)) if edges else (np.zeros(0),) * 3
    outputs, inputs = two_at_the_top(source.astype(np.int64), target.astype(np.int64), value)
    expected: dict[int, set[int]] = {}
    for threshold in (0.9, 0.95, 0.99, 1.0):
        for output in range(4):
            reaching = {u for u, d, v in edges if d == output and v >= threshold}
            if len(reaching) == 2:
                expected[output] = reaching
    assert {d: set(of) for d, of in zip(outputs.tolist(), inputs.tolist(), strict=True)} == expected
