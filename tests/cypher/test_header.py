from pathlib import Path

import pytest

from saedb.cypher.header import parse
from saedb.cypher.query import Column, Parameter, Query
from saedb.ingest.errors import InputError

GOOD = """\
// Edges of one layer.
// The strongest come first.
//
// A second paragraph.
// @group edges
// @param run: run  the run to search
// @param layer: layer  the layer
// @param low: float = 0.95 in [0, 1]  lowest value
// @param limit: integer = 100 in [1, inf]  most rows
// @param side: choice(in, out) = in  which side
// @param by: measure = pearson  which measure
// @param hops: hops = 2 in [1, 4]  how far
// @param name: string = "a \\" b"  a text
// @param words: list = ["x", "y"]  some texts
// @param other: feature = null  another feature
// @column id: feature  the feature
// @column labels: string[]  its labels
// @column density: float (share)  how often
// @whole-graph
// @example 3 --low 0.5
// @example 4
MATCH (f:Feature {run: $run, layer: $layer})-[e*1..$hops]->() // $comment; is none
WHERE e.$by >= $low AND $side <> '$text;' AND f.name IN [$name, $other] + $words
RETURN f.`$quoted;` AS id LIMIT $limit
;
"""


def _parsed(text: str) -> Query:
    return parse(text, Path("mine/my-query.cypher"))


def test_a_header_becomes_a_query() -> None:
    query = _parsed(GOOD)
    assert (query.name, query.group, query.title) == ("my-query", "edges", "Edges of one layer")
    assert query.description == "The strongest come first.\n\nA second paragraph."
    assert query.examples == ("3 --low 0.5", "4")
    assert query.whole_graph
    assert query.cypher.startswith("MATCH (f:Feature")
    assert query.cypher.endswith("LIMIT $limit")


def test_parameters_have_types_ranges_and_defaults() -> None:
    parameters = {parameter.name: parameter for parameter in _parsed(GOOD).parameters}
    assert parameters["run"] == Parameter(name="run", type="run", meaning="the run to search")
    assert parameters["layer"] == Parameter(name="layer", type="layer", meaning="the layer", required=True)
    assert parameters["low"] == Parameter(
        name="low", type="float", meaning="lowest value", default=0.95, low=0.0, high=1.0
    )
    assert (parameters["limit"].low, parameters["limit"].high) == (1.0, None)
    assert parameters["side"].allowed == ("in", "out")
    assert "necessity" in parameters["by"].allowed
    assert parameters["name"].default == 'a " b'
    assert parameters["words"].default == ["x", "y"]
    assert (parameters["other"].default, parameters["other"].required) == (None, False)


def test_columns_have_types_and_units() -> None:
    assert _parsed(GOOD).columns == (
        Column(name="id", type="feature", meaning="the feature"),
        Column(name="labels", type="string", meaning="its labels", many=True),
        Column(name="density", type="float", meaning="how often", unit="share"),
    )


@pytest.mark.parametrize(
    ("line", "replacement", "place", "message"),
    [
        (1, "// No full stop", 1, "the first line must be the title"),
        (5, "//", 21, "no // @group NAME"),
        (5, "// @grup edges", 5, "unknown @grup; there is @param"),
        (6, "// @param run: run the run", 6, "a parameter is declared by"),
        (6, "// @param run: rum  the run", 6, "unknown type rum; there is run, feature"),
        (7, "// @param run: layer  the layer", 7, "parameter run is declared twice"),
        (7, "// @param output: layer  the layer", 7, "output is an option of every query"),
        (8, "// @param low: float = x in [0, 1]  lowest", 8, "the default x is no number"),
        (8, "// @param low: float = 2 in [0, 1]  lowest", 8, "the default of low must be at most 1, not 2"),
        (8, "// @param low: float = 0.5 in [0, y]  lowest", 8, "'y' in the range is no number"),
        (9, "// @param limit: integer = 1.5  most rows", 9, "the default of limit must be an integer, not 1.5"),
        (10, "// @param side: choice = in  side", 10, "a choice has its values"),
        (10, "// @param side: choice(in, out) = up  side", 10, "the default of side must be one of in, out"),
        (10, "// @param side: string(in, out) = up  side", 10, "a choice has its values"),
        (12, "// @param hops: hops = 2  how far", 12, "hops need a range"),
        (13, '// @param name: string = "a" in [0, 1]  a text', 13, "a string has no range"),
        (16, "// @column id: feature", 16, "a column is declared by"),
        (16, "// @column id: node  the node", 16, "unknown type node; there is run, feature"),
        (17, "// @column id: string  labels", 17, "column id is declared twice"),
        (20, "// @param unused: layer = 1  not used", 20, "parameter unused is not used in the statement"),
        (22, "MATCH (f {run: $rum})", 22, r"\$rum is not declared by @param"),
        (25, "; RETURN 1", 25, "a file holds one statement"),
    ],
)
def test_a_broken_rule_names_file_and_line(line: int, replacement: str, place: int, message: str) -> None:
    lines = GOOD.splitlines()
    lines[line - 1] = replacement
    with pytest.raises(InputError, match=rf"^mine/my-query\.cypher:{place}: {message}"):
        _parsed("\n".join(lines))


def test_a_query_needs_columns_and_a_statement() -> None:
    header = "// Title.\n// @group edges\n"
    with pytest.raises(InputError, match=":2: no columns"):
        _parsed(f"{header}RETURN 1 AS a")
    with pytest.raises(InputError, match=":3: no statement"):
        _parsed(f"{header}// @column a: integer  one\n")


def test_a_measure_stands_behind_a_dot_only() -> None:
    text = GOOD.replace("e.$by >= $low", "$by >= $low")
    with pytest.raises(InputError, match=r":23: a measure is a property: e\.\$by"):
        _parsed(text)
