import numpy as np
import pytest

from saedb.ingest.quality import QualitySums, total, warnings


def sums(x: np.ndarray, x_hat: np.ndarray, positive: int = 0) -> QualitySums:
    return QualitySums(
        tokens=len(x),
        positive=positive,
        error=float(((x - x_hat) ** 2).sum()),
        squares=float((x**2).sum()),
        total=x.sum(axis=0),
    )


def test_explained_variance_is_one_minus_the_error_over_the_variation_about_the_mean() -> None:
    random = np.random.default_rng(0)
    x = random.normal(5.0, 1.0, (50, 4))
    x_hat = x + random.normal(0.0, 0.3, x.shape)
    expected = 1 - ((x - x_hat) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()
    assert sums(x, x_hat).explained_variance == pytest.approx(expected)
    assert sums(x, x).explained_variance == 1.0


def test_the_sums_of_shards_are_those_of_the_whole() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    parts = total([{"0-a": sums(x[:20], x[:20] + 1, 7)}, {"0-a": sums(x[20:], x[20:] + 1, 8)}])["0-a"]
    whole = sums(x, x + 1, 15)
    assert parts.explained_variance == pytest.approx(whole.explained_variance)
    assert parts.l0 == whole.l0 == 15 / 50


def test_sums_survive_the_way_through_an_array() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    again = QualitySums.from_array(sums(x, x + 1, 15).to_array())
    assert again.explained_variance == sums(x, x + 1, 15).explained_variance
    assert again.l0 == 15 / 50


def test_without_tokens_or_variation_there_is_no_quality() -> None:
    assert sums(np.zeros((0, 4)), np.zeros((0, 4))).explained_variance is None
    assert sums(np.zeros((0, 4)), np.zeros((0, 4))).l0 is None
    assert sums(np.ones((3, 4)), np.zeros((3, 4))).explained_variance is None


def test_a_poor_sae_is_warned_of_with_the_value_and_the_likely_cause() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    (line,) = warnings("0-a", sums(x, x * 0.1, 50), expected_l0=None)
    assert "0-a explains 0.1" in line
    assert "wrong hook" in line
    assert "attention sinks" not in line
    (line,) = warnings("0-a", sums(x, x * 0.1, 50), expected_l0=None, count_all=True)
    assert "attention sinks, which count in this run; or wrong hook" in line


@pytest.mark.parametrize(("positive", "warned"), [(50 * 60, 0), (50 * 19, 1), (50 * 181, 1), (50 * 179, 0)])
def test_an_l0_three_times_off_is_warned_of(positive: int, warned: int) -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    assert len(warnings("0-a", sums(x, x, positive), expected_l0=60.0)) == warned
