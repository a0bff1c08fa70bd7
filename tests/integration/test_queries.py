from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks import answers
from benchmarks.graphs import Shape, made_up_run
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from known_graph import BARE, KNOWN, loaded, whole

from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.library import library
from saedb.cypher.load import load
from saedb.cypher.query import Query
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.cypher.statement import literal
from saedb.ingest.errors import InputError

ARGUMENTS: dict[str, dict[str, Any]] = {
    "neighbours": {"feature": whole("1/0")},
    "community": {"community": 0},
    "search": {"text": "courts"},
}
MADE_UP = Shape(layers=6, width=300, edges=10_000)
REQUIRED: dict[str, dict[str, Any]] = {
    "neighbours": {"feature": "1/0"},
    "community": {"community": 0},
    "search": {"text": "baba"},
}
"""Of a made-up run: values of the parameters without a default."""
WHOLE_SCANS = {
    "AllNodesScan",
    "NodeByLabelScan",
    "UnionNodeByLabelsScan",
    "DirectedRelationshipTypeScan",
    "UndirectedRelationshipTypeScan",
    "DirectedAllRelationshipsScan",
    "UndirectedAllRelationshipsScan",
    "CartesianProduct",
}


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


def _found(graph: Graph, name: str, columns: tuple[str, ...], **values: Any) -> list[tuple[Any, ...]]:
    rows = graph.rows(library()[name], values)
    return [tuple(row[column] for column in columns) for row in rows]


def _ids(*shorts: str) -> list[str]:
    return [whole(short) for short in shorts]


def test_pass_through_gives_each_feature_its_best_successor(graph: Graph) -> None:
    assert _found(graph, "pass-through", ("source", "target", "pearson")) == [
        (whole("1/2"), whole("2/2"), 1.0),
        (whole("0/0"), whole("1/0"), 0.99),
        (whole("1/0"), whole("2/0"), 0.98),
        (whole("2/0"), whole("3/0"), 0.97),
        (whole("0/1"), whole("1/1"), 0.96),
        (whole("1/1"), whole("2/1"), 0.96),
        (whole("2/2"), whole("3/2"), 0.95),
    ]
    assert _found(graph, "pass-through", ("source",), layer=2) == [(whole("2/0"),), (whole("2/2"),)]


def test_chains_are_maximal_and_do_not_branch(graph: Graph) -> None:
    assert _found(graph, "pass-through-chains", ("length", "lowest_pearson", "features", "labels")) == [
        (4, 0.97, _ids("0/0", "1/0", "2/0", "3/0"), ["courts"] * 4),
        (3, 0.96, _ids("0/1", "1/1", "2/1"), ["rivers"] * 3),
        (3, 0.95, _ids("1/2", "2/2", "3/2"), ["tax"] * 3),
    ]


def test_chains_end_where_the_correlation_falls_below_the_minimum(graph: Graph) -> None:
    found = _found(graph, "pass-through-chains", ("features",), min_pearson=0.965, min_length=2)
    assert found == [(_ids("0/0", "1/0", "2/0", "3/0"),), (_ids("1/2", "2/2"),)]


def test_features_appear_that_no_earlier_one_resembles(graph: Graph) -> None:
    columns = ("feature", "active", "best_pearson", "nearest")
    assert _found(graph, "appearing", columns) == [
        (whole("1/2"), 700, None, None),
        (whole("3/1"), 650, None, None),
        (whole("1/3"), 600, None, None),
        (whole("1/5"), 500, None, None),
        (whole("2/5"), 450, 0.2, whole("1/5")),
        (whole("1/6"), 60, 0.25, whole("0/3")),
        (whole("2/4"), 40, 0.22, whole("1/4")),
        (whole("3/3"), 20, 0.13, whole("2/5")),
        (whole("3/4"), 10, 0.13, whole("2/5")),
    ]
    assert (whole("1/4"), 80, 0.4, whole("0/2")) in _found(graph, "appearing", columns, max_pearson=0.41)
    assert _found(graph, "appearing", ("feature",), layer=2) == [(whole("2/5"),), (whole("2/4"),)]
    assert _found(graph, "appearing", ("feature",), layer=0) == []
    assert _found(graph, "appearing", ("feature",), layer=3, run=BARE) == [(whole("3/1"),)]


def test_features_disappear_that_no_later_one_resembles(graph: Graph) -> None:
    assert _found(graph, "disappearing", ("feature", "best_pearson", "nearest")) == [
        (whole("2/1"), 0.11, whole("3/3")),
        (whole("2/3"), None, None),
        (whole("1/3"), 0.21, whole("2/4")),
        (whole("1/5"), 0.2, whole("2/5")),
        (whole("2/5"), 0.13, whole("3/3")),
        (whole("1/4"), 0.22, whole("2/4")),
        (whole("1/6"), None, None),
        (whole("2/4"), 0.12, whole("3/3")),
        (whole("0/3"), 0.25, whole("1/6")),
        (whole("0/4"), 0.24, whole("1/6")),
    ]
    assert _found(graph, "disappearing", ("feature",), layer=0, run=BARE) == [(whole("0/5"),)]


def test_and_candidates_have_exactly_as_many_needed_inputs(graph: Graph) -> None:
    columns = ("output", "inputs", "necessity", "support", "input_density")
    two = (whole("2/4"), _ids("1/3", "1/4"), [1.0, 0.9995], [40, 40], [0.06, 0.008])
    # In the passed-on 2/2 and 2/3 one feature is needed, in 2/4 three at a lower minimum.
    assert _found(graph, "and-gates", columns) == [two]
    assert _found(graph, "and-gates", ("output",), min_necessity=0.99, inputs=3) == [(whole("2/4"),), (whole("3/3"),)]
    assert _found(graph, "and-gates", ("output", "support"), min_support=0)[1:] == [(whole("3/4"), [9, 9])]


def test_or_candidates_have_exactly_as_many_sufficient_inputs(graph: Graph) -> None:
    columns = ("output", "output_label", "coverage", "inputs", "input_labels", "sufficiency", "support")
    found = (whole("1/6"), "weekday", 0.95, _ids("0/3", "0/4"), ["Monday", "Tuesday"], [1.0, 0.9999], [30, 27])
    assert _found(graph, "or-gates", columns) == [found]
    assert _found(graph, "or-gates", columns, min_support=28) == []


def test_communities_are_listed_by_size_with_their_members(graph: Graph) -> None:
    columns = ("community", "size", "layers", "first_layer", "last_layer")
    assert _found(graph, "communities", columns) == [(0, 5, 4, 0, 3), (2, 3, 2, 1, 2)]
    assert _found(graph, "communities", columns, min_size=1, min_layers=3) == [(0, 5, 4, 0, 3)]
    assert _found(graph, "community", ("layer", "feature", "edges_inside", "edges"), community=0) == [
        (0, whole("0/0"), 1, 1),
        (0, whole("0/1"), 1, 2),
        (1, whole("1/0"), 3, 3),
        (2, whole("2/0"), 2, 2),
        (3, whole("3/0"), 1, 1),
    ]


def test_neighbours_come_by_direction_and_measure(graph: Graph) -> None:
    columns = ("direction", "neighbour", "pearson", "necessity", "jaccard")
    inputs = [("in", whole("0/0"), 0.99, 0.98, None), ("in", whole("0/1"), 0.955, 0.5, None)]
    outputs = [("out", whole("2/0"), 0.98, 0.97, None)]
    assert _found(graph, "neighbours", columns, feature="1/0") == inputs + outputs
    assert _found(graph, "neighbours", columns, feature="1/0", direction="in") == inputs
    assert _found(graph, "neighbours", columns, feature="1-s/0", direction="out") == outputs
    by_lift = _found(graph, "neighbours", ("neighbour", "lift"), feature="2/4", measure="lift", direction="in")
    assert by_lift == [(whole("1/4"), 120.0), (whole("1/5"), 19.0), (whole("1/3"), 16.0)]


def test_top_edges_come_by_the_chosen_measure(graph: Graph) -> None:
    assert _found(graph, "top-edges", ("source", "target", "value"), limit=3) == [
        (whole("1/2"), whole("2/2"), 1.0),
        (whole("1/2"), whole("2/3"), 1.0),
        (whole("0/0"), whole("1/0"), 0.99),
    ]
    assert _found(graph, "top-edges", ("source", "value"), measure="lift", minimum=100, min_support=28) == [
        (whole("0/3"), 150.0),
        (whole("1/4"), 120.0),
    ]
    assert _found(graph, "top-edges", ("source",), layer=2, limit=1) == [(whole("2/0"),)]


def test_the_profile_counts_the_states_of_each_layer(graph: Graph) -> None:
    columns = (
        "layer", "features", "dead", "rare", "appearing", "passed_on", "transformed", "disappearing", "edges_out"
    )  # fmt: skip
    assert _found(graph, "layer-profile", columns) == [
        (0, 6, 1, 0, None, 2, 1, 2, 6),
        (1, 8, 0, 1, 4, 3, 0, 4, 8),
        (2, 6, 0, 0, 2, 2, 0, 4, 7),
        (3, 5, 0, 0, 3, None, None, None, None),
    ]
    assert _found(graph, "layer-profile", columns, run=BARE)[1] == (1, 8, *[None] * 6, 8)


def test_a_special_feature_needs_its_general_one(graph: Graph) -> None:
    found = _found(graph, "specialisation", ("general", "special", "lift"))
    assert found == [
        (whole("2/5"), whole("3/3"), 22.0),
        (whole("1/5"), whole("2/4"), 19.0),
        (whole("1/3"), whole("2/4"), 16.0),
        (whole("0/2"), whole("1/4"), 12.0),
        (whole("2/1"), whole("3/3"), 11.0),
    ]
    assert _found(graph, "specialisation", ("general",), max_density=0.01) == []


def test_a_merger_takes_over_several_features(graph: Graph) -> None:
    assert _found(graph, "merges", ("output", "coverage", "inputs")) == [(whole("1/6"), 0.95, _ids("0/3", "0/4"))]
    assert _found(graph, "merges", ("output",), max_necessity=0.4) == []


def test_disagreements_correlate_without_a_common_direction(graph: Graph) -> None:
    assert _found(graph, "disagreements", ("source", "target", "decoder_cosine")) == [
        (whole("0/1"), whole("1/0"), 0.1),
        (whole("2/0"), whole("3/0"), 0.2),
    ]


def test_hubs_have_the_most_edges(graph: Graph) -> None:
    assert _found(graph, "hubs", ("feature", "edges_in", "edges_out"), limit=2) == [
        (whole("2/4"), 3, 1),
        (whole("1/0"), 2, 1),
    ]
    assert _found(graph, "hubs", ("feature",), direction="out", limit=1) == [(whole("0/1"),)]


def test_dead_and_rare_features_are_listed(graph: Graph) -> None:
    dead, rare = (whole("0/5"), "dead", 0), (whole("1/7"), "rare", 3)
    assert _found(graph, "dead", ("feature", "state", "active")) == [dead, rare]
    assert _found(graph, "dead", ("feature", "state", "active"), state="rare") == [rare]


def test_search_finds_all_words_of_labels(graph: Graph) -> None:
    def found(text: str, **values: Any) -> list[str]:
        return [feature for (feature,) in _found(graph, "search", ("feature",), text=text, **values)]

    assert sorted(found("COURTS")) == _ids("0/0", "1/0", "2/0", "3/0")
    assert found("courts", layer=2) == _ids("2/0")
    assert found("northern trade") == _ids("2/4")
    assert found("courts rivers") == []


@pytest.mark.parametrize(
    "text", ['"', "*:*", "a/b", "AND", "law AND", "(", "\\", "nort~", "label:tax", "[a TO b]", "+"]
)
def test_search_takes_every_text_as_it_stands(graph: Graph, text: str) -> None:
    assert len(_found(graph, "search", ("feature",), text=text)) <= 1


def test_a_search_needs_a_word(graph: Graph) -> None:
    with pytest.raises(InputError, match="text must be at least one word, not ' '"):
        graph.search(" ")


def test_search_for_operators_finds_them_as_words(graph: Graph) -> None:
    assert _found(graph, "search", ("feature",), text="sea and/or *:*") == [(whole("1/5"),)]


@pytest.mark.parametrize("query", library().values(), ids=lambda query: query.name)
def test_every_query_answers_on_a_run_that_knows_only_correlations(graph: Graph, query: Query) -> None:
    rows = graph.rows(query, {**ARGUMENTS.get(query.name, {}), "run": BARE})
    assert all(list(row) == [column.name for column in query.columns] for row in rows)


@pytest.mark.parametrize("query", library().values(), ids=lambda query: query.name)
def test_the_shown_statement_finds_the_same_as_the_query(graph: Graph, query: Query) -> None:
    values = ARGUMENTS.get(query.name, {})
    expected = graph.rows(query, values)
    assert expected
    assert graph.connection.read(query.render({**values, "run": KNOWN})) == expected
    assert graph.connection.read(query.render(values)) == expected


@pytest.mark.parametrize("query", library().values(), ids=lambda query: query.name)
def test_no_query_scans_what_an_index_finds(graph: Graph, query: Query) -> None:
    cypher, sent = query.bound(graph.resolved(query, ARGUMENTS.get(query.name, {})))
    with graph.connection._driver.session() as session:  # the plan is in the summary, which `read` does not return
        plan = session.run(f"EXPLAIN {cypher}", sent).consume().plan
    assert not _operators(plan) & WHOLE_SCANS


def _operators(plan: Any) -> set[str]:
    return {plan["operatorType"].split("@")[0]}.union(*(_operators(child) for child in plan.get("children", [])))


def test_no_query_mixes_two_runs_of_the_same_features(server: LocalServer, tmp_path: Path) -> None:
    one, other = (made_up_run(tmp_path / name, MADE_UP, seed) for seed, name in enumerate(("one-run", "other-run")))
    with Connection(server.address()) as connection:
        load(connection, one)
        alone = _everything(connection, "one-run")
        load(connection, other)
        assert _everything(connection, "one-run") == alone
        theirs = _everything(connection, "other-run")
        for run in ("one-run", "other-run"):
            drop(connection, run)
    assert [name for name, rows in alone.items() if not any(rows)] == []
    assert [name for name, rows in alone.items() if rows == theirs[name]] == []


def _everything(connection: Connection, run: str) -> dict[str, list[list[dict[str, Any]]]]:
    """Return the rows of every query of the library on a run, by its defaults and by other values."""
    connection.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
    graph = Graph(connection)
    found: dict[str, list[list[dict[str, Any]]]] = {}
    for query in library().values():
        asked = [{}, *answers.OTHERS.get(query.name, ())]
        rows = [graph.rows(query, {**REQUIRED.get(query.name, {}), **values, "run": run}) for values in asked]
        # Relevance weighs how rare a word is in the whole full-text index, so a search's score is left out.
        found[query.name] = [[{k: v for k, v in row.items() if k != "score"} for row in part] for part in rows]
    return found


_TEXTS = st.text(st.one_of(st.sampled_from("\\u0027'\"`$;/*\n\r\t{}"), st.characters(exclude_categories=["Cs"])))
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
    st.lists(_TEXTS),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=_VALUES)
@example(value="\\u0027 RETURN 1 //")
@example(value=-(2**63))
def test_a_literal_is_read_back_as_the_value(graph: Graph, value: Any) -> None:
    assert graph.connection.read(f"RETURN {literal(value)} AS value") == [{"value": value}]
