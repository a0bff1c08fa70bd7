"""A run as a whole, from the graph: the same numbers whichever way they are read."""

from collections import Counter
from collections.abc import Iterator

import pytest
from known_graph import BARE, EDGES, FEATURES, GATES, KNOWN, SPLITS, loaded, whole

from saedb.cypher.explore import flow, spread
from saedb.cypher.graph import Graph
from saedb.cypher.library import find
from saedb.cypher.runs import same_directory
from saedb.cypher.server.local import LocalServer
from saedb.ingest.measures import BY_NAME, MEASURES, Measure


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.fixture
def elsewhere(graph: Graph) -> Iterator[Graph]:
    """Make the graph one whose run directory is not on this machine."""
    graph.connection.write("MATCH (r:Run {id: $run}) SET r.kept = r.path, r.path = '/not/here'", run=KNOWN)
    yield graph
    graph.connection.write("MATCH (r:Run {id: $run}) SET r.path = r.kept REMOVE r.kept", run=KNOWN)


def test_the_summary_has_what_was_found_in_the_run(graph: Graph) -> None:
    known = flow.summary(graph.connection, KNOWN)
    assert (known.features, known.edges, known.partition) == (len(FEATURES), len(EDGES), "main")
    assert known.gates == Counter(gate.kind for gate in GATES if gate.verdict == "gate")
    assert known.splits == len(SPLITS)
    assert known.sources == ["0-s", "1-s", "2-s"]


def test_an_import_says_what_it_has(graph: Graph) -> None:
    known = flow.summary(graph.connection, BARE)
    assert (known.kind, known.gates, known.splits, known.tokens) == ("import", {}, 0, None)


@pytest.mark.parametrize("run", [KNOWN, BARE])
@pytest.mark.parametrize(
    ("passed", "vanishing", "counted"),
    [(0.95, 0.3, False), (0.95, 0.3, True), (0.9, 0.5, True), (0.95, 0.95, True), (0.3, 0.8, False), (0.0, 0.0, True)],
)
def test_layers_are_those_of_the_query(graph: Graph, run: str, passed: float, vanishing: float, counted: bool) -> None:
    found = flow.layers(graph.connection, run, passed=passed, vanishing=vanishing, dead_and_rare=counted)
    values = {"run": run, "passed": passed, "vanishing": vanishing, "dead_and_rare": counted}
    rows = graph.rows(find("layer-profile"), values)
    assert [{name: getattr(layer, name) for name in rows[0]} for layer in found] == rows


def test_layers_have_their_saes_beside_the_counts(graph: Graph) -> None:
    found = flow.layers(graph.connection, KNOWN, passed=0.95, vanishing=0.3, dead_and_rare=False)
    assert [layer.following for layer in found] == [("1-s",), ("2-s",), ("3-s",), ()]


def test_without_the_run_directory_layers_are_counted_in_the_graph(elsewhere: Graph) -> None:
    there = flow.layers(elsewhere.connection, KNOWN, passed=0.95, vanishing=0.3, dead_and_rare=False)
    elsewhere.connection.write("MATCH (r:Run {id: $run}) SET r.path = r.kept", run=KNOWN)
    assert flow.layers(elsewhere.connection, KNOWN, passed=0.95, vanishing=0.3, dead_and_rare=False) == there


def test_communities_come_largest_first_with_their_layers(graph: Graph) -> None:
    found = flow.spans(graph.connection, KNOWN, "main", 2)
    assert [(span.number, span.label, span.size) for span in found] == [(0, "courts", 5), (4, "tax", 3)]
    assert found[0].layers == {0: 2, 1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize("of", MEASURES, ids=lambda of: of.name)
def test_bars_read_from_the_graph_are_those_of_the_run_directory(elsewhere: Graph, of: Measure) -> None:
    there = spread.bars(elsewhere.connection, KNOWN, of)
    elsewhere.connection.write("MATCH (r:Run {id: $run}) SET r.path = r.kept", run=KNOWN)
    assert spread.bars(elsewhere.connection, KNOWN, of) == there


def test_a_run_directory_with_another_content_is_not_read(graph: Graph) -> None:
    graph.connection.write("MATCH (r:Run {id: $run}) SET r.kept = r.content, r.content = 'another'", run=KNOWN)
    try:
        assert same_directory(graph.connection, KNOWN) is None
    finally:
        graph.connection.write("MATCH (r:Run {id: $run}) SET r.content = r.kept REMOVE r.kept", run=KNOWN)
    assert same_directory(graph.connection, KNOWN) is not None


@pytest.mark.parametrize("name", ["pearson", "necessity", "lift", "support"])
def test_a_bar_lists_as_many_edges_as_it_counts(graph: Graph, name: str) -> None:
    of = BY_NAME[name]
    for bar in spread.bars(graph.connection, KNOWN, of):
        edges = spread.edges(graph.connection, KNOWN, of, bar.number, [bar.sae], 1000)
        assert len(edges) == bar.edges
        low, high = spread.bounds(of, bar.number)
        assert all(low <= edge.value <= high for edge in edges)


def test_edges_of_a_bar_are_the_highest_of_all_layers(graph: Graph) -> None:
    found = spread.edges(graph.connection, KNOWN, BY_NAME["pearson"], 19, None, 3)
    assert [(edge.source, edge.target, edge.value) for edge in found] == [
        (whole("1/2"), whole("2/2"), 1.0),
        (whole("1/2"), whole("2/3"), 1.0),
        (whole("0/0"), whole("1/0"), 0.99),
    ]


def test_edges_of_several_saes_are_those_of_the_first_until_there_are_enough(graph: Graph) -> None:
    saes = ["0-s", "1-s", "2-s"]
    found = spread.edges(graph.connection, KNOWN, BY_NAME["pearson"], 19, saes, 5)
    assert [edge.source.split("/")[1] for edge in found] == ["0-s"] * 4 + ["1-s"]
    assert len(spread.edges(graph.connection, KNOWN, BY_NAME["pearson"], 19, saes, 2)) == 2
