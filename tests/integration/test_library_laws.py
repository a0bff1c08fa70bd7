from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from benchmarks import answers
from benchmarks.graphs import Shape, made_up_run
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from known_graph import BARE, KNOWN, loaded, whole
from neo4j import ResultSummary
from plantedmotifs import plant

from saedb.cypher.connection import Connection, Row
from saedb.cypher.graph import Graph
from saedb.cypher.library import library
from saedb.cypher.load import load
from saedb.cypher.query import Query
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.cypher.statement import literal

ARGUMENTS: dict[str, dict[str, Any]] = {
    "neighbours": {"feature": whole("1/0")},
    "community": {"community": 0},
    "community-evolution": {"community": 0},
    "partition-changes": {"other": "rough"},
    "search": {"text": "courts"},
    "paths": {"source": whole("0/1")},
    "trace": {"feature": whole("1/0")},
    "prompt": {"prompt": "law"},
}
STATEMENTS = [query for query in library().values() if query.cypher is not None]
ONE, OTHER = "one-run", "other-run"
MADE_UP = Shape(layers=6, width=300, edges=10_000)
REQUIRED: dict[str, dict[str, Any]] = {
    "neighbours": {"feature": "1/0"},
    "community": {"community": 0},
    "community-evolution": {"community": 0},
    "partition-changes": {"other": "fine"},
    "search": {"text": "baba"},
    "paths": {"source": "0/9", "minimum": 0.1},
    "trace": {"feature": "0/9", "minimum": 0.1},
    "prompt": {"prompt": "prompt-1"},
}
"""Of a made-up run: values of the parameters without a default."""
HITS_OF_EACH = 8
"""Most hits of the store for each feature and edge of a run."""
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


@pytest.mark.parametrize("query", library().values(), ids=lambda query: query.name)
def test_every_query_answers_on_a_run_that_knows_only_correlations(graph: Graph, query: Query) -> None:
    rows = graph.rows(query, {**ARGUMENTS.get(query.name, {}), "run": BARE})
    assert all(list(row) == [column.name for column in query.columns] for row in rows)


@pytest.mark.parametrize("query", STATEMENTS, ids=lambda query: query.name)
def test_the_shown_statement_finds_the_same_as_the_query(graph: Graph, query: Query) -> None:
    values = ARGUMENTS.get(query.name, {})
    expected = graph.rows(query, values)
    assert expected
    assert graph.connection.read(query.render({**values, "run": KNOWN})) == expected
    assert graph.connection.read(query.render(values)) == expected


@pytest.mark.parametrize("query", STATEMENTS, ids=lambda query: query.name)
def test_a_preset_is_shown_as_what_it_sets(graph: Graph, query: Query) -> None:
    for preset in query.presets:
        values = {"preset": preset.name, "run": KNOWN}
        assert graph.connection.read(query.render(values)) == graph.rows(query, values)


@dataclass(frozen=True)
class MadeUp:
    """Two made-up runs of the same features on one server, and what was known of the first before the second came."""

    graph: Graph
    alone: dict[str, list[list[Row]]]
    hits: dict[str, int]


@pytest.fixture(scope="module")
def made_up(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeUp]:
    folder = tmp_path_factory.mktemp("made-up")
    one, other = (plant(made_up_run(folder / name, MADE_UP, seed), seed) for seed, name in enumerate((ONE, OTHER)))
    with Connection(server.address()) as connection:
        load(connection, one)
        graph = Graph(connection)
        found = MadeUp(graph=graph, alone=_everything(graph, ONE), hits=_hits(graph))
        load(connection, other)
        yield found
        for run in (ONE, OTHER):
            drop(connection, run)


def test_no_query_mixes_two_runs_of_the_same_features(made_up: MadeUp) -> None:
    assert _everything(made_up.graph, ONE) == made_up.alone
    theirs = _everything(made_up.graph, OTHER)
    assert [name for name, rows in made_up.alone.items() if not any(rows)] == []
    assert [name for name, rows in made_up.alone.items() if rows == theirs[name]] == []


@pytest.mark.parametrize("query", STATEMENTS, ids=lambda query: query.name)
def test_no_query_scans_what_an_index_finds(made_up: MadeUp, query: Query) -> None:
    for values in _asked(query):
        cypher, sent = query.bound(made_up.graph.resolved(query, {**values, "run": ONE}))
        assert query.whole_graph or not _operators(_plan(made_up.graph, f"EXPLAIN {cypher}", sent).plan) & WHOLE_SCANS


def test_another_run_costs_a_query_nothing_and_no_query_reads_a_run_many_times(made_up: MadeUp) -> None:
    hits = _hits(made_up.graph)
    assert {case: n for case, n in hits.items() if n > 1.2 * made_up.hits[case] + 500} == {}
    assert {case: n for case, n in hits.items() if n > HITS_OF_EACH * (MADE_UP.features + MADE_UP.edges)} == {}


def _asked(query: Query) -> list[dict[str, Any]]:
    required = REQUIRED.get(query.name, {})
    return [{**required, **values} for values in ({}, *answers.OTHERS.get(query.name, ()))]


def _hits(graph: Graph) -> dict[str, int]:
    """Return how often the store is looked at for the first run, by query and values, planned on what the store has."""
    graph.connection.run("CALL db.prepareForReplanning(60)")  # statistics are renewed in the background, some time
    found: dict[str, int] = {}
    for query in STATEMENTS:
        for values in _asked(query):
            cypher, sent = query.bound(graph.resolved(query, {**values, "run": ONE}))
            found[f"{query.name} {values}"] = _database_hits(_plan(graph, f"PROFILE {cypher}", sent).profile)
    return found


def _plan(graph: Graph, cypher: str, sent: dict[str, Any]) -> ResultSummary:
    with graph.connection._driver.session() as session:  # the plan is in the summary, which `read` does not return
        return session.run(cypher, sent).consume()


def _operators(plan: Any) -> set[str]:
    return {plan["operatorType"].split("@")[0]}.union(*(_operators(child) for child in plan.get("children", [])))


def _database_hits(profile: Any) -> int:
    return profile.get("dbHits", 0) + sum(_database_hits(child) for child in profile.get("children", ()))


def _everything(graph: Graph, run: str) -> dict[str, list[list[Row]]]:
    """Return the rows of every query of the library on a run, by its defaults and by other values."""
    graph.connection.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()")
    found: dict[str, list[list[Row]]] = {}
    for query in library().values():
        rows = [graph.rows(query, {**values, "run": run}) for values in _asked(query)]
        # Relevance weighs how rare a word is in the whole full-text index, so the score of a search is left out.
        dropped = "score" if query.name == "search" else None
        found[query.name] = [[{k: v for k, v in row.items() if k != dropped} for row in part] for part in rows]
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
