"""The statements that list features: what is asked for is never a part of their text."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cypher.explore.listing import SORTS, STATES, Filter, Role, Sort, statement
from saedb.cypher.statement import lucene

FILTERS = st.builds(
    Filter,
    text=st.text(max_size=30),
    id=st.none() | st.text(min_size=1),
    layers=st.lists(st.integers(0, 99), max_size=4).map(tuple),
    min_density=st.none() | st.floats(0, 1),
    max_density=st.none() | st.floats(0, 1),
    state=st.none() | st.text(min_size=1),
    community=st.none() | st.integers(0, 5000),
    gate=st.none() | st.sampled_from(get_args(Role)),
)
EXAMPLES = {
    "text": "court", "id": "m/1-s/2", "layers": (1,), "min_density": 0.1, "max_density": 0.5, "state": STATES[0],
    "community": 3, "gate": "any",
}  # fmt: skip


def shape(asked: Filter) -> Filter:
    """Return a filter that asks for the same things with values of its own."""
    return Filter(**{name: EXAMPLES[name] for name in asked.asked() if name != "gate"}, gate=asked.gate)


@given(FILTERS, st.sampled_from([sort for sort in SORTS if sort != "relevance"]), st.booleans())
def test_no_value_is_a_part_of_the_statement(asked: Filter, by: str, is_descending: bool) -> None:
    sort = Sort(by=by, is_descending=is_descending)
    text, parameters = statement(asked, sort)
    assert text == statement(shape(asked), sort)[0]
    assert set(parameters) == set(asked.asked()) - {"gate"}


@given(st.text())
def test_an_order_is_one_of_a_list(by: str) -> None:
    if by not in SORTS:
        with pytest.raises(ValueError, match="no sort"):
            statement(Filter(text="court"), Sort(by=by))


def test_relevance_needs_words() -> None:
    with pytest.raises(ValueError, match="no sort 'relevance'"):
        statement(Filter(layers=(1,)), Sort(by="relevance"))
    assert "ORDER BY score IS NULL, score DESC, f.depth, f.index SKIP" in statement(
        Filter(text="court"), Sort(by="relevance", is_descending=True)
    )[0]  # fmt: skip


def test_what_is_asked_for_can_be_left_out() -> None:
    asked = Filter(**EXAMPLES)
    assert asked.asked() == list(EXAMPLES)
    for name in EXAMPLES:
        assert asked.without(name).asked() == [other for other in EXAMPLES if other != name]
    assert Filter(min_density=0.0, community=0).asked() == ["min_density", "community"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("supreme Cour", '+"supreme" +("Cour" cour*)'),
        ("a", '+"a"'),
        ("cour t", '+"cour" +"t"'),
        ("AND", '+("AND" and*)'),
        ("c++", '+"c++"'),
        ('say "x', r'+"say" +"\"x"'),
        ("*:*", '+"*:*"'),
        ("gericht größ", '+"gericht" +("größ" größ*)'),
    ],
)
def test_the_last_word_may_be_a_beginning_where_it_is_a_word(text: str, expected: str) -> None:
    assert lucene(text, is_beginning=True) == expected


def test_the_order_from_the_end_is_the_other_way_round() -> None:
    forth, back = (statement(Filter(), Sort(by="max", is_descending=True), from_end=end)[0] for end in (False, True))
    assert "ORDER BY f.max IS NULL, f.max DESC, f.depth, f.index SKIP" in forth
    assert "ORDER BY f.max IS NULL DESC, f.max, f.depth DESC, f.index DESC SKIP" in back
