import math
from collections.abc import Iterator
from typing import Any

import pytest
from known_graph import BARE, ids, loaded, rows_of, whole
from scipy.stats import binomtest

from saedb.cypher.graph import Graph
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import InputError


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


def test_gates_are_listed_with_their_tables_the_best_of_each_output_and_kind(graph: Graph) -> None:
    assert rows_of(graph, "gates", ("output", "kind", "inputs", "f1", "support")) == [
        (whole("2/4"), "AND", ids("1/3", "1/4"), 0.95, 38),
        (whole("1/6"), "OR", ids("0/3", "0/4"), 0.97, 57),
        (whole("3/3"), "AND", ids("2/1", "2/4", "2/5"), 0.9, 19),
        (whole("2/5"), "AND_NOT", ids("1/5", "1/3"), 0.8, 400),
    ]
    columns = ("label", "input_labels", "precision", "recall", "gain", "f1_chosen", "tokens", "active")
    assert rows_of(graph, "gates", columns, kind="AND", layer=2) == [
        ("northern trade", ["north", "law of trade"], 0.95, 0.95, 0.5, 0.95, [4000, 10, 280, 20], [0, 1, 1, 18])
    ]


def test_gates_are_chosen_by_output_score_and_rank(graph: Graph) -> None:
    def outputs(**values: Any) -> list[str]:
        return [output for (output,) in rows_of(graph, "gates", ("output",), **values)]

    assert outputs(feature="2/4", every=True) == ids("2/4", "2/4")
    assert outputs(min_f1=0.96) == ids("1/6")
    assert outputs(min_gain=0.45) == ids("2/4")
    assert outputs(kind="OR", positional=True) == ids("1/6", "2/2")
    assert outputs(limit=1) == ids("2/4")
    assert outputs(run=BARE) == []


def test_and_gates_are_those_of_the_table_or_those_with_exactly_two_needed_inputs(graph: Graph) -> None:
    columns = ("output", "inputs", "necessity", "support", "verdict", "gain")
    two = (whole("2/4"), ids("1/3", "1/4"), [1.0, 0.9995], [40, 40], "gate", 0.5)
    three = (whole("3/3"), ids("2/1", "2/4", "2/5"), [1.0, 1.0, 1.0], [20, 20, 20], "gate", 0.3)
    refused = (whole("2/6"), ids("1/2", "1/5"), [1.0, 0.9995], [30, 30], "no_gain", 0.01)
    rare = (whole("3/4"), ids("2/1", "2/5"), [1.0, 1.0], [9, 9], "undecided", None)
    assert rows_of(graph, "and-gates", columns) == [two, three]
    assert rows_of(graph, "and-gates", ("inputs",), every=True)[2] == (ids("1/3", "1/5"),)
    assert rows_of(graph, "and-gates", ("output",), inputs=3) == [(whole("3/3"),)]
    # In the passed-on 2/2 and 2/3 one feature is needed, in 2/4 three at a lower threshold.
    assert rows_of(graph, "and-gates", columns, rule="paper") == [two, refused]
    lower = rows_of(graph, "and-gates", ("output", "verdict"), rule="paper", threshold=0.99, inputs=3)
    assert lower == [(whole("2/4"), None), (whole("3/3"), "gate")]
    assert rows_of(graph, "and-gates", columns, preset="paper") == [two, refused, rare]
    assert rows_of(graph, "and-gates", columns, preset="paper", min_support=35) == [two]


def test_or_gates_are_those_of_the_table_or_those_with_exactly_two_sufficient_inputs(graph: Graph) -> None:
    columns = ("output", "label", "inputs", "input_labels", "sufficiency", "support", "verdict")
    days = (whole("1/6"), "weekday", ids("0/3", "0/4"), ["Monday", "Tuesday"], [1.0, 0.9999], [30, 27], "gate")
    untested = (
        whole("3/1"), "new at the end", ids("2/2", "2/3"), ["tax", "tax twin"], [0.9995, 1.0], [325, 350], None
    )  # fmt: skip
    assert rows_of(graph, "or-gates", columns) == [days]
    assert rows_of(graph, "or-gates", columns, rule="paper") == [untested, days]
    assert rows_of(graph, "or-gates", columns, rule="paper", min_support=28) == [untested]
    assert rows_of(graph, "or-gates", ("output", "sufficiency"), positional=True)[1] == (whole("2/2"), [0.99, None])


def test_gates_of_the_paper_that_the_table_refuses_are_listed_with_the_verdict(graph: Graph) -> None:
    columns = ("output", "kind", "inputs", "one_sided", "support", "verdict", "f1")
    untested = (whole("3/1"), "OR", ids("2/2", "2/3"), [0.9995, 1.0], [325, 350], None, None)
    refused = (whole("2/6"), "AND", ids("1/2", "1/5"), [1.0, 0.9995], [30, 30], "no_gain", 0.9)
    rare = (whole("3/4"), "AND", ids("2/1", "2/5"), [1.0, 1.0], [9, 9], "undecided", None)
    assert rows_of(graph, "one-sided-gates", columns) == [untested, refused]
    assert rows_of(graph, "one-sided-gates", columns, kind="AND", preset="paper") == [refused, rare]


def test_splits_are_listed_with_the_largest_child_first(graph: Graph) -> None:
    columns = ("parent", "label", "coverage", "overlap", "score", "children", "labels", "shares", "purities", "support")
    found = (
        whole("1/5"), "sea and/or *:*", 0.68, 0.05, 0.646, ids("2/5", "2/4"), ["islands", "northern trade"],
        [0.4, 0.3], [0.95, 0.92], 340,
    )  # fmt: skip
    assert rows_of(graph, "splits", columns) == [found]
    assert rows_of(graph, "splits", ("parent",), positional=True) == [(whole("1/8"),), (whole("1/5"),)]
    assert rows_of(graph, "splits", ("parent",), positional=True, parent="1/5", layer=1) == [(whole("1/5"),)]
    assert rows_of(graph, "splits", columns, min_children=3) == []
    assert rows_of(graph, "splits", columns, min_score=0.65) == []


def test_a_special_feature_needs_its_general_one(graph: Graph) -> None:
    assert rows_of(graph, "specialisation", ("general", "special", "lift")) == [
        (whole("1/5"), whole("2/6"), 20.0),
        (whole("2/5"), whole("3/3"), 22.0),
        (whole("1/5"), whole("2/4"), 19.0),
        (whole("1/3"), whole("2/4"), 16.0),
        (whole("1/2"), whole("2/6"), 14.0),
        (whole("0/2"), whole("1/4"), 12.0),
        (whole("2/1"), whole("3/3"), 11.0),
    ]
    assert rows_of(graph, "specialisation", ("general",), max_density=0.01) == []


def test_a_specialisation_scores_by_evidence_by_what_it_leaves_out_and_by_surprise(graph: Graph) -> None:
    scores = {
        (general, special): score
        for general, special, score in rows_of(graph, "specialisation", ("general", "special", "score"))
    }
    at_least = binomtest(76, 80).proportion_ci(method="wilson").low
    expected = at_least * (1 - 0.095) * math.log(12)
    assert scores[whole("0/2"), whole("1/4")] == pytest.approx(expected, rel=1e-3)


def test_a_merger_takes_over_several_features(graph: Graph) -> None:
    found = rows_of(graph, "merges", ("output", "coverage", "inputs"))
    assert found == [(whole("1/6"), 0.95, ids("0/3", "0/4")), (whole("3/1"), 1.05, ids("2/3", "2/2"))]
    assert rows_of(graph, "merges", ("output",), max_necessity=0.4) == []


def test_a_merger_scores_by_what_only_one_input_may_explain(graph: Graph) -> None:
    apart, together = (score for (score,) in rows_of(graph, "merges", ("score",)))
    assert apart == pytest.approx(0.95 * 0.95 / (0.5 + 0.45 / 0.9999))
    assert together == pytest.approx((1 - 0.05) * 1.05 / (0.5 / 0.9995 + 0.55))


def test_a_trace_follows_the_best_link_both_ways(graph: Graph) -> None:
    columns = ("step", "feature", "label", "value", "support", "state", "others")
    assert rows_of(graph, "trace", columns, feature="1/0") == [
        (-1, whole("0/0"), "courts", 0.99, 980, None, ids("0/1")),
        (0, whole("1/0"), "courts", None, None, "passed_through", []),
        (1, whole("2/0"), "courts", 0.98, 970, "passed_through", []),
        (2, whole("3/0"), "courts", 0.97, 960, None, []),
    ]
    assert rows_of(graph, "trace", ("step", "feature", "state"), feature="2/2", minimum=0.1)[:2] == [
        (-1, whole("1/2"), "appearing"),
        (0, whole("2/2"), "passed_through"),
    ]


def test_a_trace_tells_where_a_feature_divides(graph: Graph) -> None:
    columns = ("feature", "value", "others", "other_labels")
    # No link of 1/5 reaches the minimum: its stored split says where it goes on.
    assert rows_of(graph, "trace", columns, feature="1/5") == [
        (whole("1/5"), None, [], []),
        (whole("2/5"), 0.2, ids("2/4"), ["northern trade"]),
    ]
    lower = rows_of(graph, "trace", columns, feature="1/5", minimum=0.16)
    assert lower[1] == (whole("2/5"), 0.2, ids("2/6", "2/4"), ["sea tax", "northern trade"])
    assert rows_of(graph, "trace", columns, feature="1/5", minimum=0.16, branches=1)[1][2] == ids("2/6")
    assert rows_of(graph, "trace", ("feature", "value"), feature="2/4", measure="necessity", minimum=1.0) == [
        (whole("1/3"), 1.0),
        (whole("2/4"), None),
        (whole("3/3"), 1.0),
    ]


def test_paths_are_ranked_by_product_or_by_their_weakest_edge(graph: Graph) -> None:
    columns = ("score", "features", "values", "support")
    over_0 = (0.955 * 0.98, ids("0/1", "1/0", "2/0"), [0.955, 0.98], [500, 970])
    over_1 = (0.96 * 0.96, ids("0/1", "1/1", "2/1"), [0.96, 0.96], [855, 855])
    assert rows_of(graph, "paths", columns, source="0/1", layer=2) == [over_0, over_1]
    weakest = rows_of(graph, "paths", ("score", "features"), source="0/1", layer=2, score="minimum")
    assert weakest == [(0.96, over_1[1]), (0.955, over_0[1])]
    assert rows_of(graph, "paths", ("features",), source="0/1", target="2/1") == [(over_1[1],)]
    assert rows_of(graph, "paths", ("features", "labels"), source="0/1") == [
        (ids("0/1", "1/0", "2/0", "3/0"), ["rivers", *["courts"] * 3])
    ]
    assert rows_of(graph, "paths", columns, source="0/1", layer=2, minimum=0.98) == []
    assert rows_of(graph, "paths", columns, source="0/1", layer=2, limit=1) == [over_0]


def test_paths_lead_over_positional_features_only_where_asked_or_named(graph: Graph) -> None:
    assert rows_of(graph, "paths", ("features",), source="0/1", target="1/8") == [(ids("0/1", "1/8"),)]
    first = rows_of(graph, "paths", ("features",), source="0/1", layer=1, positional=True)[0]
    assert first == (ids("0/1", "1/8"),)
    assert rows_of(graph, "paths", ("features",), source="0/1", layer=1)[0] == (ids("0/1", "1/1"),)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"target": "2/1", "layer": 2}, "paths end at a target or at a layer, not at both"),
        ({"target": "0/2"}, "tiny/0-s/2 does not come after tiny/0-s/1"),
        ({"layer": 0}, "layer 0 does not come after tiny/0-s/1"),
        ({"layer": 9}, "has no layer 9; it has 0, 1, 2, 3"),
    ],
)
def test_paths_need_an_end_behind_the_source(graph: Graph, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(graph, "paths", (), source="0/1", **values)
