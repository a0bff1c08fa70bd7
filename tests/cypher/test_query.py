import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.header import parse
from saedb.cypher.parameter import Parameter
from saedb.cypher.query import Query
from saedb.cypher.statement import literal, lucene, parameters, substituted
from saedb.ingest.errors import InputError

TEXT = """\
// Neighbours of a feature.
// @group edges
// @param run: run  the run to search
// @param id: feature  the feature
// @param by: measure = pearson  which measure
// @param hops: hops = 2 in [1, 4]  how far
// @param text: words = "x"  what to look for
// @param limit: integer = 10 in [1, 100]  most rows
// @param share: float = 0.5 in [0, 1]  a share
// @param names: list = []  names
// @param all: boolean  all of them
// @preset few: limit=3, hops=1  not many
// @column id: feature  the neighbour
MATCH (f:Feature {run: $run, id: $id})-[e*1..$hops]->(n)
WHERE e.$by > $share AND n.label = $text AND (n.name IN $names OR $all) AND n.note <> '$limit' // $run
RETURN n.id AS id LIMIT $limit"""


@pytest.fixture
def query() -> Query:
    return parse(TEXT, Path("neighbours-of.cypher"))


def test_only_measures_and_hops_become_text_of_the_statement(query: Query) -> None:
    cypher, sent = query.bound({"run": "r", "id": "x' OR 1=1 //", "by": "lift", "hops": 3})
    assert "-[e*1..3]->" in cypher
    assert "e.lift > $share" in cypher
    assert "id: $id" in cypher
    assert sent == {
        "run": "r", "id": "x' OR 1=1 //", "text": '+"x"', "limit": 10, "share": 0.5, "names": [], "all": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "neighbours-of needs a value for id"),
        ({"id": "a", "lim": 3}, "neighbours-of has no parameter 'lim'; did you mean limit?"),
        ({"id": 3}, "id must be a text, not 3"),
        ({"id": "\ud800"}, "id must be valid text"),
        ({"id": "a", "by": "pearson; DROP"}, "by must be one of pearson, jaccard"),
        ({"id": "a", "hops": "2"}, "hops must be an integer, not '2'"),
        ({"id": "a", "hops": 5}, "hops must be at most 4, not 5"),
        ({"id": "a", "limit": 0}, "limit must be at least 1, not 0"),
        ({"id": "a", "limit": True}, "limit must be an integer of 64 bits, not True"),
        ({"id": "a", "limit": 2.0}, "limit must be an integer, not 2.0"),
        ({"id": "a", "limit": None}, "limit must be an integer, not None"),
        ({"id": "a", "share": "0.5"}, "share must be a number, not '0.5'"),
        ({"id": "a", "share": float("nan")}, "share must be a number, not nan"),
        ({"id": "a", "names": "ab"}, "names must be a list of texts, not 'ab'"),
        ({"id": "a", "names": [1]}, "names must be a text, not 1"),
        ({"id": "a", "text": "  "}, "text must be at least one word"),
        ({"id": "a", "all": 1}, "all must be true or false, not 1"),
        ({"id": "a", "all": "yes"}, "all must be true or false, not 'yes'"),
        ({"id": "a", "preset": "fwe"}, "neighbours-of has no preset 'fwe'; did you mean few?"),
    ],
)
def test_a_value_of_wrong_type_or_range_is_refused(query: Query, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        query.bound({"run": "r", **values})


def test_what_is_given_goes_before_a_preset_and_a_preset_before_the_defaults(query: Query) -> None:
    cypher, sent = query.bound({"run": "r", "id": "a", "preset": "few", "hops": 4})
    assert ("*1..4" in cypher, sent["limit"], sent["share"]) == (True, 3, 0.5)


def test_numbers_of_numpy_are_numbers(query: Query) -> None:
    sent = query.bound({"run": "r", "id": "a", "limit": np.int32(3), "share": np.float32(0.25)})[1]
    assert (sent["limit"], type(sent["limit"]), sent["share"]) == (3, int, 0.25)


def test_the_shown_statement_holds_literals(query: Query) -> None:
    shown = query.render({"run": "it's", "id": "m/1-s/2", "names": ["a", "b"]})
    assert shown.startswith(
        "// Neighbours of a feature.\nMATCH (f:Feature {run: 'it\\'s', id: 'm/1-s/2'})-[e*1..2]->(n)"
    )
    assert "(n.name IN ['a', 'b'] OR false) AND n.note <> '$limit' // $run" in shown


def test_without_a_run_the_shown_statement_looks_for_the_newest(query: Query) -> None:
    shown = query.render({"id": "m/1-s/2"})
    assert "ORDER BY run.created DESC LIMIT 1\nCALL (newest_run) {\n  MATCH (f:Feature {run: newest_run," in shown
    assert shown.endswith("\n}\nRETURN id\n")


def test_parameters_in_strings_and_comments_are_none() -> None:
    cypher = "RETURN $a, '$b', \"$c\", `$d`, 'it\\'s $e' // $f\n, $g /* $h */"
    assert [name for name, _ in parameters(cypher)] == ["a", "g"]
    assert substituted(cypher, {"a": "1", "b": "2", "f": "3"}).startswith("RETURN 1, '$b'")


@given(st.text(alphabet="\\u0027'\"n\n", max_size=20))
def test_a_text_cannot_end_its_literal(text: str) -> None:
    assert list(parameters(f"RETURN {literal(text)}, $after")) == [("after", len(f"RETURN {literal(text)}, "))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("court judge", '+"court" +"judge"'),
        ("a/b", '+"a/b"'),
        ("law AND order", '+"law" +"AND" +"order"'),
        ("*:*", '+"*:*"'),
        ('say "x"', '+"say" +"\\"x\\""'),
        ("back\\", '+"back\\\\"'),
    ],
)
def test_words_for_full_text_search_are_phrases(text: str, expected: str) -> None:
    assert lucene(text) == expected


def test_an_optional_parameter_may_be_left_out() -> None:
    layer = Parameter(name="layer", type="layer", meaning="the layer")
    assert layer.checked(None) is None
    assert layer.checked(3) == 3


def test_a_statement_is_shown_without_driver_or_tables() -> None:
    code = (
        "import sys; from saedb.cypher.library import find\n"
        "assert 'MATCH' in find('top-edges').render({'measure': 'lift'})\n"
        "print(sorted({'neo4j', 'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout == "[]\n"
