"""The addresses of pages."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cli.browser.site import GREY, Site, parsed, search
from saedb.ingest.errors import InputError

names = st.text(min_size=1, max_size=20).filter(lambda name: name.isprintable())
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


@given(st.dictionaries(names, values, max_size=8))
def test_an_address_gives_back_its_values(query: Mapping[str, str]) -> None:
    assert parsed(search(query)) == query


@given(st.dictionaries(names, st.integers() | st.booleans() | st.floats(allow_nan=False), max_size=5))
def test_values_that_are_no_text_are_written_as_json(query: Mapping[str, float]) -> None:
    assert {name: json.loads(value) for name, value in parsed(search(query)).items()} == query


def test_what_is_none_is_left_out(site: Site) -> None:
    assert site.href("/search", run=None, q="tax", layer=None) == "/search?q=tax"
    assert site.href("/", run=None) == "/"


def test_a_page_that_moves_gives_its_address_twice(site: Site) -> None:
    assert site.moved("/search", q="a b&c") == ("?q=a+b%26c", "/search?q=a+b%26c")


def test_of_a_name_given_twice_the_last_counts() -> None:
    assert parsed("?q=one&q=two") == {"q": "two"}


def test_an_address_that_is_too_long_is_an_error_and_not_a_page() -> None:
    assert parsed("?q=" + "x" * 7_997) == {"q": "x" * 7_997}
    with pytest.raises(InputError, match="this address has 8,001 characters; a page's has at most 8,000"):
        parsed("?q=" + "x" * 7_998)


def test_a_community_has_one_colour_and_no_community_is_grey(site: Site) -> None:
    assert site.colour(None) == GREY
    assert site.colour(3) == site.colour(3)
    assert len({site.colour(number) for number in range(20)}) == 20
    assert site.colour(10**12).startswith(("#", "rgb"))
