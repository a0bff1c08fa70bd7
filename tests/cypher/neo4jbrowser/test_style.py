import re

import pytest

from saedb.cypher import schema
from saedb.cypher.neo4jbrowser import colours, style

LAYERS = range(style.LAYERS)


def _parsed(grass: str) -> dict[str, dict[str, str]]:
    """Read a file of rules as Neo4j Browser does: without regard to lines, at every colon and semicolon."""
    blocks = re.findall(r"([^{}]+?)\s*\{\n(.*?)\n\}", grass, re.DOTALL)
    return {
        selector.strip(): {
            parts[0].strip(): parts[1].strip().replace("'", "")
            for parts in (line.split(":") for line in block.split(";"))
            if len(parts) > 1
        }
        for selector, block in blocks
    }


def test_every_label_and_type_of_the_schema_has_a_look_of_its_own() -> None:
    assert set(style.CIRCLES) == {node.label for node in schema.NODES}, "declare it in CIRCLES of style.py"
    assert set(style.ARROWS) == {kind.type for kind in schema.RELATIONSHIPS}, "declare it in ARROWS of style.py"


def test_every_label_of_the_graph_has_a_colour_by_a_rule() -> None:
    """One without would get a colour of Browser's own, which takes that of the layer away."""
    rules = style.rules()
    labels = [*style.CIRCLES, *(schema.layer_label(layer, 99) for layer in LAYERS)]
    assert all("color" in rules[f"node.{label}"] for label in labels)
    assert all(re.fullmatch(schema.LAYER_LABEL, schema.layer_label(layer, 99)) for layer in LAYERS)


def test_the_colour_of_a_layer_comes_after_that_of_all_features_and_leaves_their_caption() -> None:
    selectors = list(style.rules())
    assert selectors[:2] == ["node", "relationship"]
    assert selectors.index("node.Feature") < selectors.index("node.L00") < selectors.index("node.L99")
    assert "caption" not in style.rules()["node.L00"]
    assert "{label}" in style.rules()["node.Feature"]["caption"]


def test_captions_name_properties_of_the_schema() -> None:
    looks = [(style.CIRCLES[n.label].caption, n) for n in schema.NODES]
    looks += [(style.ARROWS[kind.type].caption, kind) for kind in schema.RELATIONSHIPS]
    for caption, item in looks:
        assert set(re.findall(r"\{(\w+)\}", caption)) <= {p.name for p in item.properties}, caption
        assert not set(caption) & set(":;'"), "Browser would cut it there"


def test_the_file_says_what_is_stored() -> None:
    assert _parsed(style.grass()) == style.rules()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_caption_of_a_layer_can_be_read(layer: int) -> None:
    rule = style.rules()[f"node.{schema.layer_label(layer, 99)}"]
    assert colours.contrast(rule["color"], rule["text-color-internal"]) >= 4.5


def test_the_colours_of_layers_differ_and_darken_through_a_model() -> None:
    once = [colours.of_layer(layer) for layer in range(45)]
    assert len(set(once)) == 45
    brightness = [colours.contrast(colour, "#000000") for colour in once]
    assert all(after < before for before, after in zip(brightness, brightness[15:], strict=False))


def test_contrast_is_that_of_the_guidelines() -> None:
    assert colours.contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert colours.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
