import json
from pathlib import Path
from typing import Any

import pytest
from attributions import embedding, error, feature, link, logit, save
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.overlay.attribution import Node, paired, read, unpaired
from saedb.ingest.errors import InputError


@given(st.integers(0, 200), st.integers(0, 2**40))
def test_a_cantor_pair_gives_back_layer_and_index(layer: int, index: int) -> None:
    assert unpaired(paired(layer, index)) == (layer, index)


def test_cantor_pairs_are_numbered_along_the_diagonals() -> None:
    assert [paired(*p) for p in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("is_old", [False, True])
def test_each_kind_of_node_is_known_in_both_forms_of_errors(tmp_path: Path, is_old: bool) -> None:
    nodes = [feature(3, 42), error(3, is_old=is_old), embedding(7), logit(502, 12), feature(0, 5)]
    graph = read(save(tmp_path / "graph.json", nodes, [link(nodes[2], nodes[0], -2.5)]))
    assert graph.rows == [
        Node("feature", 3, 42), Node("error", 3), Node("embedding"), Node("logit", 13), Node("feature", 0, 5)
    ]  # fmt: skip
    assert graph.links == [("E_7_1", "3_42_1", -2.5)]
    assert (graph.slug, graph.model, graph.source_set, graph.prompt) == ("a-prompt", "tiny", None, "the court of")
    assert graph.ambiguous == frozenset()


def test_an_old_error_with_the_id_of_a_feature_is_ambiguous(tmp_path: Path) -> None:
    graph = read(save(tmp_path / "graph.json", [error(5, is_old=True), feature(0, 5), feature(0, 6)]))
    assert graph.ambiguous == {"0_5_1"}
    assert [node.kind for node in graph.rows] == ["error", "feature", "feature"]
    assert read(save(tmp_path / "new.json", [error(5), feature(0, 5), feature(0, 5)])).ambiguous == frozenset()


@pytest.mark.parametrize(
    ("changed", "index"),
    [
        ({"feature": 3 * 10**5 + 42}, 42),  # before the Cantor pair
        ({"feature": 42}, 42),
        ({"feature": 5, "node_id": "3_00042_1"}, 42),
        ({"node_id": "another form"}, 42),
        ({"node_id": 17}, 42),
        ({"node_id": "3_42"}, 42),
        ({"node_id": "4_41_1"}, 42),  # of another layer than the node's
        ({"node_id": "another form", "feature": 42}, None),
        ({"node_id": "another form", "feature": None}, None),
        ({"node_id": "another form", "feature": 2.5}, None),
        ({"node_id": "3_-7_1", "feature": 0}, None),
        ({"layer": None}, None),
        ({"layer": "three"}, None),
        ({"layer": 3}, 42),
    ],
)
def test_the_index_comes_from_the_id_else_from_the_pair(tmp_path: Path, changed: Any, index: int | None) -> None:
    graph = read(save(tmp_path / "graph.json", [feature(3, 42) | changed]))
    assert graph.rows == [Node("unreadable") if index is None else Node("feature", 3, index)]


@pytest.mark.parametrize("missing", [{"feature_type": ""}, {"feature": None}, {"feature_type": None, "feature": None}])
def test_an_error_is_known_by_any_of_its_marks(tmp_path: Path, missing: dict[str, Any]) -> None:
    assert read(save(tmp_path / "graph.json", [error(3) | missing])).rows == [Node("error", 3)]


@pytest.mark.parametrize("details", ["feature_details", "info"])
def test_neuronpedias_files_say_whose_features_they_have(tmp_path: Path, details: str) -> None:
    file = save(tmp_path / "graph.json", [], **{details: {"neuronpedia_source_set": "gemmascope-transcoder-16k"}})
    assert read(file).source_set == "gemmascope-transcoder-16k"


@pytest.mark.parametrize(
    "node", [None, 3, [], "x", {}, {"node_id": None}, {"node_id": "3_42_1"}, {"node_id": {}, "feature": 10**4000}]
)
def test_a_node_that_is_none_is_unreadable(tmp_path: Path, node: Any) -> None:
    assert [row.kind for row in read(save(tmp_path / "graph.json", [node])).rows] == ["unreadable"]


@pytest.mark.parametrize("weight", [None, "1", True, float("nan"), float("inf"), [1]])
def test_a_weight_that_is_no_number_is_not_known(tmp_path: Path, weight: Any) -> None:
    nodes = [feature(0, 1), feature(1, 1)]
    assert read(save(tmp_path / "graph.json", nodes, [link(*nodes, weight), None, 3])).links == [
        ("0_1_1", "1_1_1", None)
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"damaged or no JSON \(Expecting value, line 1, column 1\)"),
        (b'{"nodes": [{"node_id": "1_2', r"damaged or no JSON \(Unterminated string"),
        (b'{"nodes": [], "links": []', "damaged or no JSON"),
        (b"PK\x03\x04\xff\xfe", "is no UTF-8 text|damaged or no JSON"),
        (b"[]", "holds no JSON object"),
        (b"{}", "has no list of nodes"),
        (b'{"nodes": {}, "links": []}', "has no list of nodes"),
        (b'{"nodes": []}', "has no list of links"),
        (b'{"source": 1, "target": 2}', "holds no JSON object"),
        (b"[" * 100_000, "no JSON that can be read"),
        (b'{"nodes": [{"node_id": 1' + b"0" * 5000 + b"}]}", "no JSON that can be read"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "graph.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"no file .*none\.json"):
        read(tmp_path / "none.json")


def test_texts_of_the_file_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    file.write_text(
        json.dumps({"metadata": {"prompt": "half \ud800", "scan": 3, "info": []}, "nodes": [], "links": []})
    )
    graph = read(file)
    assert (graph.prompt, graph.model) == ("half ?", None)


def test_links_take_little_memory(tmp_path: Path) -> None:
    """A pruned graph has hundreds of thousands: ids are held once, however many links have them."""
    nodes = [feature(0, 1), feature(1, 1)]
    links = read(save(tmp_path / "graph.json", nodes, [link(*nodes, w) for w in range(5)])).links
    assert len({id(end) for item in links for end in item[:2]}) == 2
