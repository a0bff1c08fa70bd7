"""Parts of the known graph, beside what a walk over its edges in Python finds; the statements behind them likewise."""

from collections.abc import Iterator, Set
from pathlib import Path

import pytest
from handmade import handmade
from known_graph import BARE, COMMUNITIES, EDGES, GATES, KNOWN, ids, loaded, whole

from saedb.cypher.connection import Connection
from saedb.cypher.explore import Expansion, Scope, Start, Subgraph, read
from saedb.cypher.explore.nothing import why_empty
from saedb.cypher.explore.usual import usual
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import InputError

COLUMNS = ("pearson", "necessity", "sufficiency", "decoder_cosine", "lift", "support")


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


def scope(start: str, kind: str = "feature", **values: object) -> Scope:
    given = {"measure": "pearson", "floor": 0.0, **values}
    return Scope(run=KNOWN, start=Start(kind=kind, value=start), **given)  # type: ignore[arg-type]


def strong(measure: str = "pearson", floor: float = 0.0) -> dict[tuple[str, str], float]:
    """Return the value of each edge that reaches the floor."""
    place = COLUMNS.index(measure)
    values = {ends: measures[place] for ends, measures in EDGES.items()}
    return {ends: value for ends, value in values.items() if value is not None and value >= floor}


def walked(
    starts: set[str], hops: int, edges: dict[tuple[str, str], float], hidden: Set[str] = frozenset()
) -> set[str]:
    """Return the features that paths of so many edges lead to, up from the starts and down from them."""
    found = set(starts) - hidden
    for near, far in ((1, 0), (0, 1)):
        front = set(starts) - hidden
        for _ in range(hops):
            front = {ends[far] for ends in edges if ends[near] in front} - hidden
            found |= front
    return found


def short(feature: str) -> str:
    _, sae, index = feature.split("/")
    return f"{sae.split('-')[0]}/{index}"


def nodes(found: Subgraph) -> set[str]:
    return {short(node.id) for node in found.nodes}


def edges(found: Subgraph) -> list[tuple[str, str]]:
    return [(short(edge.source), short(edge.target)) for edge in found.edges]


def check_statement(graph: Graph, found: Subgraph) -> None:
    """Check that the statement behind a view gives the same features and edges."""
    rows = graph.connection.read(found.cypher)
    if rows and "features" in rows[0]:
        features = {node["id"] for node in rows[0]["features"]}
        links = [(edge.start_node.element_id, edge.end_node.element_id) for edge in rows[0]["edges"]]
    else:
        features = {row["a"]["id"] for row in rows}
        links = [(row["e"].start_node.element_id, row["e"].end_node.element_id) for row in rows if row["e"]]
    of = graph.connection.read("MATCH (f:Feature {run: $run}) RETURN elementId(f) AS element, f.id AS id", run=KNOWN)
    id_of = {row["element"]: row["id"] for row in of}
    assert features == {node.id for node in found.nodes}
    assert sorted((id_of[a], id_of[b]) for a, b in links) == sorted((e.source, e.target) for e in found.edges)


@pytest.mark.parametrize("feature", ["1/0", "2/4", "1/5", "0/1", "3/3"])
@pytest.mark.parametrize("hops", [0, 1, 2, 3])
@pytest.mark.parametrize(("measure", "floor"), [("pearson", 0.2), ("necessity", 0.9), ("support", 30.0)])
def test_a_feature_is_shown_with_what_hops_lead_to(
    graph: Graph, feature: str, hops: int, measure: str, floor: float
) -> None:
    found = read(graph.connection, scope(feature, hops=hops, measure=measure, floor=floor))
    known = strong(measure, floor)
    expected = walked({feature}, hops, known)
    assert nodes(found) == expected
    inside = {ends: value for ends, value in known.items() if set(ends) <= expected}
    assert edges(found) == sorted(inside, key=lambda ends: (-inside[ends], *map(place, ends)))
    assert (found.total_nodes, found.total_edges, found.at_least) == (len(expected), len(inside), False)
    assert [node.role for node in found.nodes if short(node.id) == feature] == ["start"]
    check_statement(graph, found)


def place(feature: str) -> tuple[int, int]:
    layer, index = feature.split("/")
    return int(layer), int(index)


@pytest.mark.parametrize("hidden", [("1/0",), ("2/0", "1/1"), ("0/0",)])
def test_hidden_features_are_not_shown_nor_passed(graph: Graph, hidden: tuple[str, ...]) -> None:
    found = read(graph.connection, scope("0/0", hops=3, hidden=tuple(ids(*hidden))))
    assert nodes(found) == walked({"0/0"}, 3, strong(), set(hidden))
    check_statement(graph, found)


def test_an_expanded_feature_brings_its_neighbours(graph: Graph) -> None:
    expansions = [Expansion(feature=f, direction=d) for f, d in (("1-s/0", "in"), ("0-s/1", "out"), ("2-s/4", "in"))]
    found = read(graph.connection, scope("1/0", expansions=tuple(expansions)))
    assert nodes(found) == {"1/0", "0/0", "0/1", "1/1", "1/8"}  # 2/4 is not shown, so it cannot be expanded
    assert found.total_nodes == 5
    check_statement(graph, found)
    hidden = read(graph.connection, scope("1/0", expansions=tuple(expansions), hidden=("0-s/1", "0-s/0")))
    assert nodes(hidden) == {"1/0"}
    check_statement(graph, hidden)


@pytest.mark.parametrize("community", COMMUNITIES, ids=lambda community: f"{community.partition}/{community.number}")
def test_a_community_is_shown_with_the_edges_inside(graph: Graph, community: object) -> None:
    value = f"{community.partition}/{community.number}"  # type: ignore[attr-defined]
    members = set(community.members)  # type: ignore[attr-defined]
    found = read(graph.connection, scope(value, "community"))
    assert nodes(found) == members
    assert set(edges(found)) == {ends for ends in EDGES if set(ends) <= members}
    check_statement(graph, found)


def test_communities_are_those_of_the_partition_asked_for(graph: Graph) -> None:
    main = read(graph.connection, scope("0/0", hops=3))
    assert {short(node.id): node.community for node in main.nodes}["3/0"] == 0
    assert (main.scope.partition, main.communities) == ("main", {0: "courts"})
    fine = read(graph.connection, scope("0/0", hops=3, partition="main.1"))
    assert {short(node.id): node.community for node in fine.nodes} == {"0/0": 1, "1/0": 0, "2/0": 0, "3/0": 0}
    assert fine.communities == {0: "courts", 1: "early courts"}


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: f"{gate.kind} {gate.output}")
def test_a_gate_is_shown_with_its_inputs_and_neighbours(graph: Graph, gate: object) -> None:
    parts = {gate.output, *gate.inputs}  # type: ignore[attr-defined]
    alone = read(graph.connection, scope(gate.id, "gate"))  # type: ignore[attr-defined]
    assert nodes(alone) == parts
    assert {short(n.id) for n in alone.nodes if n.role == "output"} == {gate.output}  # type: ignore[attr-defined]
    assert {short(n.id) for n in alone.nodes if n.role == "input"} == set(gate.inputs)  # type: ignore[attr-defined]
    around = read(graph.connection, scope(gate.id, "gate", hops=1))  # type: ignore[attr-defined]
    assert nodes(around) == walked(parts, 1, strong())
    check_statement(graph, around)


def test_a_path_is_shown_from_its_features(graph: Graph) -> None:
    found = read(graph.connection, scope("0-s/0, tiny/1-s/0,2-s/0", "path"))
    assert edges(found) == [("0/0", "1/0"), ("1/0", "2/0")]
    assert {node.role for node in found.nodes} == {"start"}
    check_statement(graph, found)


def test_a_prompt_is_shown_from_the_features_it_activates(graph: Graph) -> None:
    active = [("1/0", 3, 2.0), ("2/0", 4, 1.0), ("1/0", 4, 0.5), ("2/5", 4, 4.0)]
    graph.connection.write(
        "CREATE (p:Prompt {run: $run, id: 'p1'}) WITH p UNWIND $active AS a MATCH (f:Feature {run: $run, id: a[0]}) "
        "CREATE (p)-[:ACTIVATES {position: a[1], activation: a[2]}]->(f)",
        run=KNOWN, active=[[whole(f), position, value] for f, position, value in active],
    )  # fmt: skip
    found = read(graph.connection, scope("p1", "prompt"))
    assert (nodes(found), edges(found)) == ({"1/0", "2/0", "2/5"}, [("1/0", "2/0")])
    check_statement(graph, found)
    last = read(graph.connection, scope("p1@3", "prompt"))
    assert nodes(last) == {"1/0"}
    check_statement(graph, last)
    cut = read(graph.connection, scope("p1", "prompt", max_nodes=2))
    assert (nodes(cut), cut.total_nodes) == ({"2/5", "1/0"}, 3)  # those that are most active
    check_statement(graph, cut)


@pytest.mark.parametrize("most", range(1, 9))
def test_what_is_left_out_is_counted(graph: Graph, most: int) -> None:
    whole_view = read(graph.connection, scope("1/0", hops=2))
    found = read(graph.connection, scope("1/0", hops=2, max_nodes=most))
    assert len(found.nodes) == min(most, len(whole_view.nodes))
    assert len(found.nodes) <= found.total_nodes <= len(whole_view.nodes)
    assert found.at_least == (most < len(whole_view.nodes))
    assert found == read(graph.connection, scope("1/0", hops=2, max_nodes=most))
    check_statement(graph, found)


def test_the_strongest_of_a_hop_are_kept(graph: Graph) -> None:
    found = read(graph.connection, scope("2/4", hops=1, max_nodes=3))
    assert nodes(found) == {"2/4", "1/4", "1/3"}
    assert (found.total_nodes, found.at_least) == (5, True)


def test_the_strongest_edges_are_kept_and_the_others_counted(graph: Graph) -> None:
    found = read(graph.connection, scope("main/0", "community", max_edges=2))
    assert edges(found) == [("0/0", "1/0"), ("1/0", "2/0")]
    assert found.total_edges == 4
    check_statement(graph, found)


def test_the_community_beyond_the_limit_has_its_most_tied_features(graph: Graph) -> None:
    found = read(graph.connection, scope("rough/0", "community", max_nodes=3))
    assert (len(found.nodes), found.total_nodes, found.at_least) == (3, 7, False)
    check_statement(graph, found)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("feature", "1/99", "no feature '1/99' in run known-graph; the nearest is"),
        ("community", "main/9", "no community 'main/9'; did you mean main/"),
        ("gate", "x", "no gate 'x'; list them with: saedb query gates"),
        ("path", "0-s/0,9-s/1", "no feature"),
        ("path", " , ", "a path needs features"),
        ("prompt", "nothing", "no prompt 'nothing'"),
        ("prompt", "p1@last", "'last' is no position"),
    ],
)
def test_a_start_that_is_not_there_is_said(graph: Graph, kind: str, value: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(graph.connection, scope(value, kind))
    assert message in str(caught.value)


def test_unknown_measures_and_partitions_are_refused(graph: Graph) -> None:
    with pytest.raises(InputError, match="no measure 'pearsn'; did you mean pearson"):
        read(graph.connection, scope("1/0", measure="pearsn"))
    with pytest.raises(InputError, match="no partition 'mian'; did you mean main"):
        read(graph.connection, scope("1/0", partition="mian"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"start": "1/0", "hops": 1, "floor": 0.995}, "the strongest has 0.99. Lower the threshold."),
        ({"start": "1/0", "hops": 1, "measure": "jaccard"}, "have no jaccard; choose another measure."),
        ({"start": "0/5", "hops": 2}, "has no edges at the features shown."),
        ({"start": "1/0"}, "more hops lead to others"),
        ({"start": "1/0", "hidden": ("1-s/0",)}, "Every feature of the start is hidden."),
        ({"start": "1/7", "hops": 1, "hidden": ("1-s/0",)}, "has no edges at the features shown."),
        ({"start": "3/0", "hops": 1, "hidden": ("2-s/0",)}, "to features that are hidden."),
    ],
)
def test_a_view_without_edges_says_why(graph: Graph, asked: dict[str, object], said: str) -> None:
    found = read(graph.connection, scope(**asked))  # type: ignore[arg-type]
    assert said in (why_empty(graph.connection, found) or "")


def test_a_view_with_edges_has_nothing_to_explain(graph: Graph) -> None:
    assert why_empty(graph.connection, read(graph.connection, scope("1/0", hops=1))) is None


def test_each_start_has_its_usual_measure(graph: Graph) -> None:
    def of(kind: str, value: str, run: str = KNOWN) -> tuple[str, float]:
        return usual(graph.connection, run, Start(kind=kind, value=value))  # type: ignore[arg-type]

    assert of("feature", "1/0") == ("pearson", 0.3)
    assert of("community", "main/0") == ("pearson", 0.1)
    assert [of("gate", gate.id)[0] for gate in GATES[:4]] == ["necessity"] * 3 + ["sufficiency"]
    assert of("gate", GATES[0].id, BARE) == ("pearson", 0.3)


def test_any_text_of_a_feature_comes_back_as_it_is(server: LocalServer, tmp_path: Path) -> None:
    run = handmade(tmp_path, "odd-graph")
    with Connection(server.address()) as connection:
        load(connection, run)
        try:
            start = Start(kind="community", value=_community(connection))
            found = read(connection, Scope(run="odd-graph", start=start, measure="support", floor=-1e18, hops=3))
            rows = connection.read("MATCH (f:Feature {run: 'odd-graph'}) RETURN f.id AS id, f.label AS label")
            labels = {row["id"]: row["label"] for row in rows}
            assert {"'}) DETACH DELETE n //", "\0"} <= {node.label for node in found.nodes}
            assert all(node.label == labels[node.id] for node in found.nodes)
            assert len(connection.read(found.cypher)) > 1
        finally:
            drop(connection, "odd-graph")


def _community(connection: Connection) -> str:
    rows = connection.read("MATCH (c:Community {run: 'odd-graph'}) RETURN c.id AS id ORDER BY c.size DESC LIMIT 1")
    return rows[0]["id"]
