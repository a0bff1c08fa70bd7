"""Pictures of a view, and its files: all that is shown, truthful numbers, any label as text."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import networkx
import pytest

from saedb.cli.browser.graph_files import as_csv, as_json, node_link
from saedb.cli.browser.graph_page import page
from saedb.cli.browser.picture import APART, Picture, cut, laid_out, strengths
from saedb.cli.browser.svg import svg
from saedb.cypher.explore import FeatureEdge, FeatureNode, Scope, Start, Subgraph
from saedb.ingest.measures import MEASURES

HOSTILE = '</title><script>alert(1)</script><img src=x onerror=alert(2)> & "\x00\x1b'
SHOWN = HOSTILE.replace("\x00", r"\x00").replace("\x1b", r"\x1b")


def node(id_: str, community: int | None = 0, label: str | None = None, role: str | None = None) -> FeatureNode:
    layer, index = map(int, id_.split("/"))
    return FeatureNode(
        id=f"m/{layer}-s/{index}", label=label, sae=f"{layer}-s", layer=layer, depth=layer, index=index, density=0.1,
        community=community, role=role,
    )  # fmt: skip


def edge(source: str, target: str, value: float, **others: float) -> FeatureEdge:
    ends = ("m/{}-s/{}".format(*end.split("/")) for end in (source, target))
    measures = dict.fromkeys((m.name for m in MEASURES), None)
    return FeatureEdge(source=next(ends), target=next(ends), measures={**measures, "pearson": value, **others})


NODES = (node("3/0", label="start", role="start"), node("3/7", community=None), node("4/1", 1, "other"), node("4/2"))
EDGES = (edge("3/0", "4/2", 1.0, support=20), edge("3/0", "4/1", 0.5), edge("3/7", "4/1", 0.1))
SUBGRAPH = Subgraph(
    scope=Scope(run="r", start=Start(kind="feature", value="3-s/0"), measure="pearson", floor=0.1),
    nodes=NODES,
    edges=EDGES,
    total_nodes=4,
    at_least=False,
    total_edges=3,
    communities={0: "courts", 1: None},
    cypher="MATCH (n) WHERE n.label = '<b>' RETURN n",
)


def colour(community: int | None) -> str:
    return "grey" if community is None else f"#00000{community}"


def picture(subgraph: Subgraph = SUBGRAPH, **values: object) -> Picture:
    return laid_out(subgraph, colour, **values)  # type: ignore[arg-type]


class Parsed(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_rows_are_layers_the_first_at_the_bottom() -> None:
    found = picture()
    assert [row.name for row in found.rows] == ["layer 4", "layer 3"]
    assert found.rows[0].y < found.rows[1].y
    assert {dot.node.layer: dot.y for dot in found.dots} == {4: found.rows[0].y, 3: found.rows[1].y}


def test_saes_of_one_layer_are_rows_of_their_own() -> None:
    attention = replace(node("3/1"), sae="3-att", depth=3, id="m/3-att/1")
    found = picture(replace(SUBGRAPH, nodes=(NODES[0], attention), edges=()))
    assert [row.name for row in found.rows] == ["3-s", "3-att"]


def test_colours_are_those_of_communities_and_edges_between_them_are_grey() -> None:
    found = picture()
    assert [dot.colour for dot in found.dots] == ["#000000", "grey", "#000001", "#000000"]
    by_target = {line.target.node.short: line.colour for line in found.lines if line.source.node.short == "3-s/0"}
    assert by_target == {"4-s/2": "#000000", "4-s/1": "#aab4be"}
    assert found.legend == [(0, "courts", "#000000", 2), (1, "community 1", "#000001", 1)]


def test_a_stronger_edge_is_wider_and_lies_above() -> None:
    widths = [line.width for line in picture().lines]
    assert widths == sorted(widths) == [1.5, 3.5, 6.0]


@pytest.mark.parametrize(
    ("measure", "values", "expected"),
    [
        ("pearson", [1.0, 0.25, -0.5], [1.0, 0.25, 0.0]),
        ("lift", [200.0, 50.0, 1.0], [1.0, 0.25, 0.005]),
        ("support", [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_strength_is_a_share_of_the_highest(measure: str, values: list[float], expected: list[float]) -> None:
    edges = tuple(edge("3/0", "4/1", 0.1, **{measure: value}) for value in values)
    scope = replace(SUBGRAPH.scope, measure=measure)
    assert strengths(replace(SUBGRAPH, scope=scope, edges=edges)) == expected


def test_how_much_is_shown_is_said_truthfully() -> None:
    assert picture().shown == "Showing 4 features and 3 edges"
    cut_ = replace(SUBGRAPH, total_nodes=31_204, total_edges=7_000)
    assert picture(cut_).shown == "Showing 4 of 31,204 features and 3 of 7,000 edges"
    assert picture(replace(cut_, at_least=True)).shown.startswith("Showing 4 of at least 31,204 features")
    alone = replace(SUBGRAPH, nodes=NODES[:1], edges=(), total_nodes=1, total_edges=0)
    assert picture(alone).shown == "Showing 1 feature and 0 edges"


def test_a_pinned_feature_stands_where_it_was_pinned() -> None:
    found = picture(pinned={"4-s/2": -3.5})
    assert [(dot.x, dot.is_pinned) for dot in found.dots if dot.node.short == "4-s/2"] == [(-3.5 * APART, True)]


def test_a_picture_of_nothing_can_be_drawn_and_saved() -> None:
    empty = replace(SUBGRAPH, nodes=(), edges=(), total_nodes=0, total_edges=0, communities={})
    found = picture(empty)
    assert found.shown == "Showing 0 features and 0 edges"
    assert ET.fromstring(svg(found, "nothing")).tag.endswith("svg")
    assert "Showing 0 features" in page(found, "nothing")
    assert json.loads(as_json(empty))["nodes"] == []


def test_labels_are_cut_to_the_space_there_is() -> None:
    assert cut("short", 100, 10) == "short"
    assert cut("a long label that does not fit", 100, 10) == "a long label tha…"


def test_an_svg_holds_every_feature_edge_and_row() -> None:
    root = ET.fromstring(svg(picture(), "Title"))
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert (tags.count("line"), len(root.findall(".//*[@class='n']"))) == (3, 4)
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert {"Title", "layer 3", "layer 4", "start", "other", "3-s/7", "courts (2)"} <= set(texts)
    assert "Showing 4 features and 3 edges; pearson from 0.1 on" in texts
    assert any(element.text == "start → other: pearson 0.5" for element in root.iter())


def test_any_label_is_text_in_a_picture() -> None:
    hostile = replace(SUBGRAPH, nodes=(replace(NODES[0], label=HOSTILE), *NODES[1:]), communities={0: HOSTILE, 1: None})
    text = svg(picture(hostile), HOSTILE)
    root = ET.fromstring(text)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "g", "rect", "text", "line", "circle", "title"}
    assert any(element.text == SHOWN for element in root.iter())
    parsed = Parsed(text)  # as a page of HTML would read it
    assert "script" not in parsed.tags
    assert "img" not in parsed.tags


def test_any_label_is_text_on_the_page_that_is_sent() -> None:
    hostile = replace(SUBGRAPH, nodes=(replace(NODES[0], label=HOSTILE), *NODES[1:]), communities={0: HOSTILE, 1: None})
    text = page(picture(hostile), HOSTILE)
    parsed = Parsed(text)
    assert parsed.tags.count("script") == 1
    assert "img" not in parsed.tags
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert "\x00" not in text
    assert "".join(parsed.texts).count(SHOWN) >= 5
    assert SUBGRAPH.cypher in "".join(parsed.texts)


def test_the_page_that_is_sent_needs_nothing_else() -> None:
    text = page(picture(), "Title")
    parsed = Parsed(text)
    assert not [name for name, _ in parsed.attributes if name in ("src", "href", "srcset", "action")]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    (policy,) = (value for name, value in parsed.attributes if name == "content" and "default-src" in str(value))
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")
    assert re.findall(r"(\S+) 'unsafe-inline'", str(policy)) == ["style-src"]
    assert [tag for tag in parsed.tags if tag == "tr"] == ["tr"] * 4


def test_the_json_is_a_graph_for_networkx_with_the_papers_names() -> None:
    data = json.loads(as_json(SUBGRAPH))
    assert data == node_link(SUBGRAPH)
    graph = networkx.node_link_graph(data, edges="links")
    assert graph.is_directed()
    assert dict(graph.nodes["m/3-s/0"]).items() >= {"layer": 3, "feature": 0, "explanation": "start"}.items()
    assert graph.edges["m/3-s/0", "m/4-s/2"]["similarity"] == 1.0
    assert (data["graph"]["measure_name"], data["graph"]["clamping_threshold"]) == ("pearson", 0.1)


def test_the_csv_has_the_edges_with_labels_and_measures() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(SUBGRAPH))))
    assert [(row["source"], row["target"], row["pearson"]) for row in rows] == [
        ("m/3-s/0", "m/4-s/2", "1.0"),
        ("m/3-s/0", "m/4-s/1", "0.5"),
        ("m/3-s/7", "m/4-s/1", "0.1"),
    ]
    assert (rows[1]["source_label"], rows[1]["target_label"], rows[0]["support"]) == ("start", "other", "20")
    assert list(rows[0])[4:] == [measure.name for measure in MEASURES]
