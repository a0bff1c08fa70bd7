"""Drawings that are told more of: values beside edges, labels in two lines, colours that nobody mixes up."""

import re
import xml.etree.ElementTree as ET

from saedb.cli.drawing.colours import GREY, among
from saedb.cli.drawing.picture import APART, Picture, laid_out
from saedb.cli.drawing.svg import part
from saedb.cypher.explore import FeatureEdge, FeatureNode, Scope, Start, Subgraph

LONG = "one two three four five six seven eight nine ten"
_TEXT = "{http://www.w3.org/2000/svg}text"


def node(id_: str, label: str) -> FeatureNode:
    layer, index = map(int, id_.split("/"))
    return FeatureNode(
        id=f"m/{layer}-s/{index}", label=label, sae=f"{layer}-s", layer=layer, depth=layer, index=index, density=None,
        community=index, role=None,
    )  # fmt: skip


NODES = (node("0/0", LONG), node("1/0", "</text><script>"), node("1/1", "b"))
EDGES = tuple(
    FeatureEdge(source="m/0-s/0", target=f"m/1-s/{n}", measures={"pearson": value})
    for n, value in ((0, 0.754), (1, None))
)


def picture(**values: float) -> Picture:
    subgraph = Subgraph(
        scope=Scope(run="r", start=Start(kind="path", value=""), measure="pearson", floor=0.0),
        nodes=NODES, edges=EDGES, total_nodes=3, at_least=False, total_edges=2, communities={}, cypher="",
    )  # fmt: skip
    return laid_out(subgraph, among([0, 0, 1]), **values)  # type: ignore[arg-type]


def texts(drawing: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(drawing).iter(_TEXT)]


def test_values_stand_beside_the_edges_where_they_are_asked_for() -> None:
    assert {"0.75", "-"} <= set(texts(part(picture(), values=True)))
    assert not {"0.75", "-"} & set(texts(part(picture())))


def test_a_long_label_has_two_lines_where_features_stand_further_apart() -> None:
    one = [text for text in texts(part(picture())) if text.startswith("one")]
    assert len(one) == 1
    assert one[0].endswith("…")
    lines = texts(part(picture(apart=200.0)))
    first = lines.index(next(text for text in lines if text.startswith("one")))
    assert " ".join(lines[first : first + 2]).rstrip("…") in LONG
    assert len(lines[first + 1]) > 0
    assert max(len(line) for line in lines) * 0.56 * 11 <= 200


def test_any_label_is_text() -> None:
    drawing = part(picture(apart=200.0), values=True)
    assert "<script" not in drawing
    assert "</text><script>" in texts(drawing)


def test_distances_are_those_that_are_asked_for() -> None:
    usual, wide = picture(), picture(apart=2 * APART, between_rows=50.0)
    assert wide.width == 2 * usual.width
    assert {row.y for row in wide.rows} == {0.0, 50.0}


def test_a_drawing_is_as_narrow_as_it_may_be() -> None:
    widths = [float(re.findall(r'width="(\d+)"', part(picture(), narrowest=n))[0]) for n in (0.0, 900.0)]
    assert widths[0] < 560 < widths[1] == 900


def test_the_largest_communities_of_a_drawing_have_colours_of_their_own_and_others_are_grey() -> None:
    numbers = [n for n in range(10) for _ in range(10 - n)]
    colour = among([None, *numbers])
    assert len({colour(n) for n in range(8)} - {GREY}) == 8
    assert [colour(n) for n in (8, 9, None, 99)] == [GREY] * 4
