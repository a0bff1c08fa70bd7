import pytest

from saedb.ingest.errors import InputError
from saedb.ingest.residuals.settings import ResidualSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"necessity": 1.1}, "necessity is 1.1; it must be from 0 to 1"),
        ({"active": -0.1}, "active is -0.1; it must be from 0 to 1"),
        ({"tokens": 0}, "tokens is 0; it must be at least 1"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
    ],
)
def test_values_out_of_range_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ResidualSettings(**settings)
