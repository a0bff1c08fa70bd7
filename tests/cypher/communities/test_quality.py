import igraph
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weightedgraphs import graph, planted

from saedb.cypher.communities.numbering import ALONE, by_size
from saedb.cypher.communities.quality import modularity, ties


@pytest.mark.parametrize("resolution", [0.2, 1.0, 5.0])
@given(labels=st.lists(st.integers(0, 4), min_size=40, max_size=40))
def test_the_modularity_is_that_of_igraph(resolution: float, labels: list[int]) -> None:
    edges, _ = planted(4, 10, 0.4, 0.1)
    theirs = igraph.Graph(n=edges.size, edges=np.stack([edges.source, edges.target], axis=1))
    expected = theirs.modularity(labels, weights=edges.weight.tolist(), resolution=resolution)
    assert modularity(edges, np.array(labels), resolution) == pytest.approx(expected, abs=1e-12)


def test_ties_count_the_weight_inside_and_the_share_that_leads_out() -> None:
    # a triangle and a pair, joined by one edge; a feature that is alone with an edge to the pair; two without an edge
    edges = graph(8, [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 0.5), (3, 4, 2.0), (2, 3, 0.25), (4, 5, 0.5)])
    found = ties(edges, np.array([0, 0, 0, 2, 2, ALONE, ALONE, ALONE]))
    assert found.inside.tolist() == [2.5, 0.0, 2.0]
    assert found.conductance[0] == pytest.approx(0.25 / 5.25)
    assert np.isnan(found.conductance[1])
    assert found.conductance[2] == pytest.approx(0.75 / 4.75)


def test_nothing_leads_out_of_a_component_whatever_the_rounding() -> None:
    edges, truth = planted(20, 12, 0.6, 0.0)
    assert ties(edges, by_size(truth)).conductance.tolist() == [0.0] * 20
    assert ties(edges, np.zeros(240, np.int64)).conductance.tolist() == [0.0]


def test_the_share_that_leads_out_is_of_the_smaller_side() -> None:
    edges = graph(5, [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (2, 3, 0.5), (3, 4, 0.25)])
    large, small = ties(edges, np.array([0, 0, 0, 1, 1])).conductance
    assert large == small == pytest.approx(0.5 / 1.0)


def test_the_conductance_of_planted_groups_is_that_of_a_loop_over_the_edges() -> None:
    edges, truth = planted(3, 8, 0.8, 0.2)
    number = by_size(truth)
    found = ties(edges, number)
    for group in range(3):
        own = number == group
        inside = sum(w for s, t, w in zip(edges.source, edges.target, edges.weight, strict=True) if own[s] and own[t])
        out = sum(w for s, t, w in zip(edges.source, edges.target, edges.weight, strict=True) if own[s] != own[t])
        rest = 2 * edges.total - (2 * inside + out)
        assert found.inside[group] == pytest.approx(inside)
        assert found.conductance[group] == pytest.approx(out / min(2 * inside + out, rest))
