"""What is written part by part is what networkx writes from memory."""

import io
import json
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pyarrow as pa
import pytest
from exported import ABOUT, HOSTILE, contents, edge, edges, feature, features
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.export import memory, nodelink, xmlstream
from saedb.cypher.export.attributes import clean
from saedb.cypher.export.selection import EDGE_SCHEMA, FEATURE_SCHEMA

STREAMED = {"graphml": xmlstream.write_graphml, "gexf": xmlstream.write_gexf}
IN_MEMORY = {"graphml": memory.write_graphml, "gexf": memory.write_gexf}
READ = {"graphml": nx.read_graphml, "gexf": nx.read_gexf}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)

FEATURES = (
    features(
        feature(
            0, label="courts", top_tokens=["court", "law"], density=0.25, n_active=7, positional=False, community=3
        ),
        feature(1, label="a", examples=["one [[a]] two"], max=1e-300, positional=True),
    ),
    features(feature(2)),
    features(),
    features(feature(9) | {"id": "m/4-s/0", "sae": "4-s", "layer": 4, "depth": 1, "index": 0}),
)
EDGES = (
    edges(edge(0, 0, pearson=0.1 + 0.2, support=12, lift=1e17), edge(1, 0, jaccard=1 / 3)),
    edges(),
    edges(edge(2, 0, pearson=-1.0, necessity_low=0.5)),
)


def _streamed(format_: str, nodes: Any = FEATURES, links: Any = EDGES) -> io.BytesIO:
    stream = io.BytesIO()
    STREAMED[format_](stream, ABOUT, iter(nodes), iter(links), "pearson")
    return io.BytesIO(stream.getvalue())


def _from_memory(format_: str, nodes: Any = FEATURES, links: Any = EDGES) -> io.BytesIO:
    stream = io.BytesIO()
    IN_MEMORY[format_](stream, memory.digraph(ABOUT, nodes, links, "pearson"))
    return io.BytesIO(stream.getvalue())


@pytest.mark.parametrize("format_", STREAMED)
def test_a_streamed_graph_is_read_as_the_one_that_networkx_writes(format_: str) -> None:
    streamed = contents(READ[format_](_streamed(format_)))
    assert streamed == contents(READ[format_](_from_memory(format_)))
    assert len(streamed["nodes"]) == 4
    assert streamed["nodes"]["m/3-s/0"]["density"] == (float, 0.25)
    assert streamed["nodes"]["m/3-s/1"]["positional"] == (bool, True)
    assert streamed["nodes"]["m/3-s/0"]["top_tokens"] == (str, '["court", "law"]')
    assert "similarity" not in streamed["edges"]["m/3-s/1", "m/4-s/0"]
    assert streamed["edges"]["m/3-s/0", "m/4-s/0"]["similarity"] == (float, 0.30000000000000004)
    assert streamed["edges"]["m/3-s/0", "m/4-s/0"]["support"] == (int, 12)


def test_truth_is_written_as_xml_has_it() -> None:
    assert b'<data key="n-positional">true</data>' in _streamed("graphml").getvalue()
    assert b'<attvalue for="n-positional" value="false"/>' in _streamed("gexf").getvalue()


def test_graphml_says_what_the_graph_is() -> None:
    assert contents(nx.read_graphml(_streamed("graphml")))["graph"] == ABOUT


@pytest.mark.parametrize("format_", STREAMED)
def test_a_graph_of_nothing_but_its_head_is_read(format_: str) -> None:
    assert contents(READ[format_](_streamed(format_, (), ()))) == contents(READ[format_](_from_memory(format_, (), ())))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("format_", STREAMED)
def test_a_strangers_text_stays_a_text(format_: str, text: str) -> None:
    nodes = (features(feature(0, label=text, top_tokens=[text]), feature(1)),)
    streamed, written = (READ[format_](way(format_, nodes, ())) for way in (_streamed, _from_memory))
    assert contents(streamed) == contents(written)
    assert streamed.nodes["m/3-s/0"]["label"] == clean(text)
    assert json.loads(streamed.nodes["m/3-s/0"]["top_tokens"]) == json.loads(
        clean(json.dumps([text], ensure_ascii=False))
    )
    assert len(streamed) == 2


@given(TEXTS)
def test_xml_gives_back_every_text_that_it_can_hold(text: str) -> None:
    nodes = (features(feature(0, label=text)),)
    for format_, read in READ.items():
        assert read(_streamed(format_, nodes, ())).nodes["m/3-s/0"]["label"] == clean(text)


def test_control_characters_are_shown_as_their_pictures_and_others_kept() -> None:
    assert clean("a\x00b\x1bc\rd\te\nf") == "a\u2400b\u241bc\u240dd\te\nf"
    assert clean("\ud800x\uffff") == "\ufffdx\ufffd"
    assert clean("日本 \U0001f600") == "日本 \U0001f600"


@pytest.mark.parametrize("format_", STREAMED)
def test_each_line_is_one_feature_or_edge(format_: str) -> None:
    lines = _streamed(format_).getvalue().decode().splitlines()
    assert sum(line.startswith("<node ") for line in lines) == 4
    assert sum(line.startswith("<edge ") for line in lines) == 3
    ElementTree.parse(_streamed(format_))


def _node_link(nodes: Any = FEATURES, links: Any = EDGES) -> dict[str, Any]:
    stream = io.BytesIO()
    nodelink.write(stream, ABOUT, iter(nodes), iter(links), "pearson")
    return json.loads(stream.getvalue())


def test_node_link_json_has_the_papers_names() -> None:
    found = _node_link()
    assert list(found) == ["directed", "multigraph", "graph", "nodes", "links"]
    assert (found["directed"], found["multigraph"], found["graph"]) == (True, False, ABOUT)
    assert list(found["nodes"][0])[:4] == ["id", "layer", "feature", "explanation"]
    assert (found["nodes"][2]["feature"], found["nodes"][2]["explanation"]) == (2, "")
    assert found["links"][0] == {
        "source": "m/3-s/0", "target": "m/4-s/0", "similarity": 0.30000000000000004,
        "pearson": 0.30000000000000004, "lift": 1e17, "support": 12,
    }  # fmt: skip


def test_node_link_json_is_the_graph_in_memory() -> None:
    read = nx.node_link_graph(_node_link(), edges="links")
    for values in read.nodes.values():
        assert values.pop("feature") == values["index"]
        assert values.pop("explanation") == values.get("label", "")
    assert contents(read) == contents(memory.digraph(ABOUT, FEATURES, EDGES, "pearson"))


@pytest.mark.parametrize("links", [(), (edges(),), (edges(), EDGES[0], edges())])
def test_parts_without_rows_leave_no_mark_in_json(links: tuple[pa.Table, ...]) -> None:
    assert len(_node_link((features(), FEATURES[0], features()), links)["links"]) == sum(p.num_rows for p in links)


def test_the_weight_for_other_programs_is_the_similarity() -> None:
    root = ElementTree.parse(_streamed("gexf")).getroot()
    weights = [e.get("weight") for e in root.iter() if e.tag.endswith("edge")]
    assert weights == ["0.30000000000000004", None, "-1.0"]
    assert nx.read_graphml(_streamed("graphml")).edges["m/3-s/0", "m/4-s/0"]["weight"] == 0.30000000000000004


def test_every_property_of_the_schema_leaves_the_graph() -> None:
    single = {pa.string(): "x", pa.int64(): 3, pa.float64(): 0.5, pa.bool_(): True}
    values = {**single, pa.list_(pa.string()): ["x"], pa.list_(pa.int64()): [3]}
    full = {field.name: values[field.type] for field in FEATURE_SCHEMA if field.name not in ("id", "layer", "index")}
    measures = {field.name: values[field.type] for field in EDGE_SCHEMA if field.type == pa.float64()}
    nodes = (features(feature(0, **full), feature(1) | {"id": "m/4-s/0"}),)
    links = (edges(edge(0, 0, **measures, support=3, support_docs=2)),)
    for format_, read in READ.items():
        graph = read(_streamed(format_, nodes, links))
        assert contents(graph) == contents(read(_from_memory(format_, nodes, links)))
        assert {*full} <= {*graph.nodes["m/3-s/0"]}
        assert {*measures} <= {*graph.edges["m/3-s/0", "m/4-s/0"]}
