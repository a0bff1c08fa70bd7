from pathlib import Path

import pytest

from saedb.cypher.header import parse
from saedb.cypher.parameter import Parameter
from saedb.cypher.query import Column, Preset, Query
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
// @param all: boolean  everything
// @preset wide: low=0.1, side=out, all=true  more of it
// @nothing try elsewhere
// @column id: feature  the feature
// @column labels: string[]  its labels
// @column density: float (share)  how often
// @whole-graph
// @example 3 --low 0.5
// @example 4
MATCH (f:Feature {run: $run, layer: $layer})-[e*1..$hops]->() // $comment; is none
WHERE e.$by >= $low AND $side <> '$text;' AND f.name IN [$name, $other] + $words AND $all
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
    assert (parameters["all"].default, parameters["all"].required) == (False, False)


def test_a_preset_sets_several_values() -> None:
    query = _parsed(GOOD)
    assert query.presets == (
        Preset(name="wide", meaning="more of it", values={"low": 0.1, "side": "out", "all": True}),
    )
    assert query.nothing == "try elsewhere"


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
        (5, "//", 24, "no @group NAME"),
        (5, "// @grup edges", 5, "unknown @grup; there is @param"),
        (6, "// @param run: run the run", 6, "a parameter is declared by"),
        (6, "// @param run: rum  the run", 6, "unknown type rum; there is run, partition, feature"),
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
        (16, "// @param all: boolean = true  everything", 16, "a boolean has no default"),
        (17, "// @preset wide: low=2  more", 17, "preset wide: the value of low must be at most 1, not 2"),
        (17, "// @preset wide: hight=2  more", 17, "preset wide sets hight, which no @param above declares"),
        (17, "// @preset wide: side=up  more", 17, "preset wide: the value of side must be one of in, out"),
        (17, "// @preset wide: all=yes  more", 17, "the value of all yes is no number, true"),
        (17, "// @preset wide  more", 17, "a preset is declared by"),
        (18, "// @preset wide: low=0.1, side=out  more", 18, "preset wide is declared twice"),
        (19, "// @column id: feature", 19, "a column is declared by"),
        (19, "// @column id: node  the node", 19, "unknown type node; there is run, feature"),
        (20, "// @column id: string  labels", 20, "column id is declared twice"),
        (23, "// @param unused: layer = 1  not used", 23, "parameter unused is not used below the header"),
        (25, "MATCH (f {run: $rum})", 25, "rum is not declared by @param"),
        (28, "; RETURN 1", 28, "a file holds one statement"),
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
    with pytest.raises(InputError, match=r":26: a measure is a property: e\.\$by"):
        _parsed(text)


PROGRAM = """\
'''Steps of a feature.

More of it.

@group mine
@param run: run  the run to search
@param feature: feature  where it begins
@column step: integer  which
@example 6/2320
'''
import torch  # which reading the header does not do


def rows(connection, *, run, feature):
    yield {"step": 0}
"""


def _program(text: str) -> Query:
    return parse(text, Path("mine/steps.py"))


def test_a_python_file_has_the_same_header_as_its_docstring_and_is_not_run_for_it() -> None:
    query = _program(PROGRAM)
    assert (query.name, query.group, query.title, query.cypher) == ("steps", "mine", "Steps of a feature", None)
    assert query.description == "More of it."
    assert [parameter.name for parameter in query.parameters] == ["run", "feature"]
    assert query.examples == ("6/2320",)


@pytest.mark.parametrize(
    ("found", "replacement", "place", "message"),
    [
        ("step: integer  which", "step: number  which", 8, "unknown type number"),
        ("feature: feature  where", "feature: feature where", 7, "a parameter is declared by"),
        ("run, feature):", "run):", 7, "parameter feature is not used below the header"),
        ("run, feature):", "run, feature, more):", 14, "more is not declared by @param"),
        ("(connection, *, run, feature)", "(connection, run, feature)", 14, "a Python query has one function def rows"),
        ("def rows", "def lines", 1, "a Python query has one function def rows"),
        ("def rows", "def rows rows", 14, "this is no Python"),
        ("'''Steps", "x = '''Steps", 1, "the header of a Python query is its docstring, and there is none"),
    ],
)
def test_a_broken_rule_of_a_python_file_names_file_and_line(
    found: str, replacement: str, place: int, message: str
) -> None:
    assert found in PROGRAM
    with pytest.raises(InputError, match=rf"^mine/steps\.py:{place}: {message}"):
        _program(PROGRAM.replace(found, replacement))
