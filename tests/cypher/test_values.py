import json

from neo4j.graph import Graph, Node, Relationship

from saedb.cypher.values import plain


def test_an_edge_whose_ends_came_without_properties_is_json() -> None:
    graph = Graph()
    ends = Node(graph, "4:0:1", 1), Node(graph, "4:0:2", 2, properties={"id": "m/1-a/2"})
    edge_type = graph.relationship_type("EVOLVES_TO")
    edge: Relationship = edge_type(graph, "5:0:1", 1, {"pearson": 0.5})
    edge._start_node, edge._end_node = ends

    assert json.loads(json.dumps(plain(edge))) == {
        "type": "EVOLVES_TO",
        "start": None,
        "end": "m/1-a/2",
        "properties": {"pearson": 0.5},
    }
