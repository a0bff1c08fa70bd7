"""What the overview's address asks for."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cli.browser.overview_state import TOPS, Asked
from saedb.cli.browser.site import parsed, search
from saedb.ingest.errors import InputError

shares = st.integers(0, 100).map(lambda n: n / 100)
asked = st.builds(
    Asked, passed=shares, vanishing=shares, counts_silent=st.booleans(), top=st.sampled_from(TOPS),
    by_count=st.booleans(), measure=st.none() | st.text(min_size=1), sae=st.none() | st.text(min_size=1),
    is_logarithmic=st.booleans(), bar=st.none() | st.integers(-30, 60),
)  # fmt: skip


@given(asked)
def test_an_address_gives_back_what_was_asked_for(state: Asked) -> None:
    assert Asked.of(parsed(search(state.query()))) == state


def test_what_is_usual_is_not_in_the_address() -> None:
    assert search(Asked().query()) == ""
    assert dict(parse_qsl(search(Asked(passed=0.5).query())[1:])) == {"passed": "0.5"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"passed": "much"}, "passed in the address must be a number, not 'much'"),
        ({"vanishing": "1.5"}, "vanishing in the address must be from 0 to 1, not 1.5"),
        ({"passed": "nan"}, "from 0 to 1"),
        ({"top": "7"}, "one of 10, 25, 50, 100, not 7"),
    ],
)
def test_a_value_that_no_control_has_is_an_error(query: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Asked.of(query)
