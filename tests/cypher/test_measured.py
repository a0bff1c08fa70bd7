import pytest

from saedb.cypher import measured
from saedb.ingest.errors import InputError
from saedb.ingest.measures import MEASURES


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_measure_is_found_by_its_name(measure) -> None:
    assert measured.named(measure.name) is measure


def test_a_measure_that_is_not_there_is_an_error_that_suggests_one() -> None:
    with pytest.raises(InputError, match="there is no measure 'person'; did you mean pearson"):
        measured.named("person")
